"""The names of what can be asked of the upstream, and the paths they answer on."""

from dataclasses import dataclass
from typing import Literal

Plane = Literal["mweb", "commerce", "passport", "files"]


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    plane: Plane
    path: str
    meaning: str


PICTURE = Operation("picture", "files", "/tos-…", "a result file is downloaded")

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
        Operation("user_info", "mweb", "/mweb/v1/get_user_info", "the account is named"),
        Operation(
            "image_by_uri", "mweb", "/mweb/v1/get_image_by_uri", "fresh links to pictures are made"
        ),
        Operation(
            "local_items", "mweb", "/mweb/v1/get_local_item_list", "single pictures are read by id"
        ),
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
        Operation("passport", "passport", "/passport/account/info/v2", "the session is checked"),
        PICTURE,
    )
}

BY_PATH = {row.path: row for row in OPERATIONS.values()}

ANY = "any"

_BY_OTHER_NAME = {row.path.rsplit("/", 1)[-1]: row.name for row in OPERATIONS.values()} | {
    "generate": "generate",
    "user_info": "user_info",  # two paths end so; the membership goes by its own name
    "result": "picture",
    "*": ANY,
}


def operation_named(name: str) -> str | None:
    """The operation's own name for any name it goes by: its own, or the end of its path."""
    if name == ANY or name in OPERATIONS:
        return name
    return _BY_OTHER_NAME.get(name)
