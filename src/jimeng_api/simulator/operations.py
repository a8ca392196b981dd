"""The names of what can be asked of the upstream, and the paths they answer on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Plane = Literal["mweb", "commerce", "passport", "imagex", "vod", "blob", "files"]


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    plane: Plane
    path: str
    meaning: str
    method: str = "POST"


PICTURE = Operation("picture", "files", "/tos-…", "a result file is downloaded", "GET")
FILM = Operation("film", "files", "/video/tos/…", "a film is downloaded", "GET")
BLOB = Operation("blob", "blob", "/upload/v1/…", "the bytes of a file are uploaded")
APPLY = Operation(
    "apply_upload",
    "imagex",
    "/?Action=ApplyImageUpload",
    "a place for a picture is asked for",
    "GET",
)
COMMIT = Operation(
    "commit_upload", "imagex", "/?Action=CommitImageUpload", "an upload is declared done"
)
APPLY_VOD = Operation(
    "apply_vod",
    "vod",
    "/?Action=ApplyUploadInner",
    "a place for a film or sound is asked for",
    "GET",
)
COMMIT_VOD = Operation(
    "commit_vod", "vod", "/?Action=CommitUploadInner", "an upload of those is declared done"
)
PROOF_UPLOAD = Operation(
    "proof_upload", "imagex", "/?Action=UploadImage", "a picture is uploaded the older way"
)

OPERATIONS = {
    row.name: row
    for row in (
        Operation("generate", "mweb", "/mweb/v1/aigc_draft/generate", "a job is submitted"),
        Operation("poll", "mweb", "/mweb/v1/get_history_by_ids", "jobs are looked at by id"),
        Operation(
            "queue_info", "mweb", "/mweb/v1/get_history_queue_info", "places in the queue are read"
        ),
        Operation("history", "mweb", "/mweb/v1/get_history", "the latest jobs are listed"),
        Operation("common_config", "mweb", "/mweb/v1/get_common_config", "the models are listed"),
        Operation(
            "video_config",
            "mweb",
            "/mweb/v1/video_generate/get_common_config",
            "the film models are listed",
        ),
        Operation("user_info", "mweb", "/mweb/v1/get_user_info", "the account is named"),
        Operation(
            "image_by_uri", "mweb", "/mweb/v1/get_image_by_uri", "fresh links to pictures are made"
        ),
        Operation(
            "local_items", "mweb", "/mweb/v1/get_local_item_list", "single results are read by id"
        ),
        Operation("upload_token", "mweb", "/mweb/v1/get_upload_token", "keys for uploads are lent"),
        APPLY,
        BLOB,
        COMMIT,
        APPLY_VOD,
        COMMIT_VOD,
        Operation(
            "algo_proxy", "mweb", "/mweb/v1/algo_proxy", "the content of a picture is checked"
        ),
        Operation(
            "submit_audit",
            "mweb",
            "/mweb/v1/imagex/submit_audit_job",
            "pictures are handed to the audit",
        ),
        Operation(
            "upload_proof",
            "mweb",
            "/mweb/v1/get_upload_image_proof",
            "the proof for an upload the older way is given",
        ),
        PROOF_UPLOAD,
        Operation(
            "user_credit", "commerce", "/commerce/v1/benefits/user_credit", "the balance is read"
        ),
        Operation(
            "credit_receive",
            "commerce",
            "/commerce/v1/benefits/credit_receive",
            "the daily gift is taken",
        ),
        Operation(
            "credit_history",
            "commerce",
            "/commerce/v1/benefits/user_credit_history",
            "credits spent and received are listed",
        ),
        Operation(
            "subscription",
            "commerce",
            "/commerce/v1/subscription/user_info",
            "the membership is read",
        ),
        Operation(
            "price_list",
            "commerce",
            "/commerce/v3/resource/benefit_metadata",
            "the prices of benefits are listed",
        ),
        Operation("passport", "passport", "/passport/account/info/v2", "the session is checked"),
        PICTURE,
        FILM,
    )
}

BY_PATH = {row.path: row for row in OPERATIONS.values()}

_BY_ACTION = {
    row.path.partition("=")[2]: row for row in (APPLY, COMMIT, APPLY_VOD, COMMIT_VOD, PROOF_UPLOAD)
}
_BLOB_START = BLOB.path.removesuffix("…")


def operation_at(path: str, query: Mapping[str, str]) -> Operation | None:
    """What is asked for at this path; the upload control host tells by the query."""
    if path == "/":
        return _BY_ACTION.get(query.get("Action", ""))
    return BLOB if path.startswith(_BLOB_START) else BY_PATH.get(path)


def file_operation_at(path: str) -> Operation | None:
    """Which kind of file a path names."""
    return next(
        (row for row in (PICTURE, FILM) if path.startswith(row.path.removesuffix("…"))), None
    )


ANY = "any"

_BY_OTHER_NAME = {
    row.path.rsplit("/", 1)[-1].removeprefix("?Action="): row.name for row in OPERATIONS.values()
} | {
    "generate": "generate",
    "get_common_config": "common_config",
    "user_info": "user_info",  # two paths end so; the other goes by its own name
    "result": "picture",
    "*": ANY,
}


def operation_named(name: str) -> str | None:
    """The operation's own name for any name it goes by: its own, or the end of its path."""
    if name == ANY or name in OPERATIONS:
        return name
    return _BY_OTHER_NAME.get(name)
