"""Files that are uploaded beforehand, as OpenAI shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from jimeng_api.domain.errors import UnsupportedValue
from jimeng_api.jobs.files import CallersFile
from jimeng_api.web.schemas.images.bodies import pictures
from jimeng_api.web.schemas.images.fields import Body
from jimeng_api.web.schemas.shown import Shown

PURPOSES: Final = ("vision", "user_data", "assistants")


class FileBody(Body):
    """What `POST /v1/files` takes, as a form or as JSON."""

    needs: ClassVar[Mapping[str, str]] = {
        "file": "the file to keep",
        "purpose": f"what it is for: {', '.join(PURPOSES)}",
    }

    file: Any = pictures(
        "A picture, a film or a sound, as a request that starts from it takes it: in a form the file itself, "
        "otherwise an http(s) URL or a data URI."
    )
    purpose: str = Field(
        description=" or ".join(f"`{purpose}`" for purpose in PURPOSES) + "; it changes nothing.",
        examples=["vision"],
    )

    def check_purpose(self) -> None:
        if self.purpose not in PURPOSES:
            raise UnsupportedValue(
                f"purpose must be one of {', '.join(PURPOSES)}: files are kept for what starts from them.",
                param="purpose",
            )


class FileReply(Shown):
    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int = Field(description="When it is deleted, in Unix seconds.")
    filename: str
    purpose: str
    status: Literal["processed"]


class FileList(Shown):
    object: Literal["list"]
    data: list[FileReply]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeletedReply(Shown):
    id: str
    object: Literal["file"]
    deleted: Literal[True]


def file_object(file: CallersFile, *, kept_seconds: float) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": int(file.created_at + kept_seconds),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
    }


EXAMPLE_FILE: Mapping[str, Any] = {
    "id": "file-5f0c2a9be1d84c7ab6e3f1d2c4b5a697",
    "object": "file",
    "bytes": 182_044,
    "created_at": 1763800000,
    "expires_at": 1763886400,
    "filename": "cat.png",
    "purpose": "vision",
    "status": "processed",
}
EXAMPLE_FORM: Mapping[str, Any] = {"file": "@cat.png", "purpose": "vision"}
EXAMPLE_BODY: Mapping[str, Any] = {"file": "https://example.org/cat.png", "purpose": "vision"}
EXAMPLE_LIST: Mapping[str, Any] = {
    "object": "list",
    "data": [EXAMPLE_FILE],
    "first_id": EXAMPLE_FILE["id"],
    "last_id": EXAMPLE_FILE["id"],
    "has_more": False,
}
EXAMPLE_DELETED: Mapping[str, Any] = {"id": EXAMPLE_FILE["id"], "object": "file", "deleted": True}
