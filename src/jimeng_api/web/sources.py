"""The pictures, films and sounds that a request names or brings, as the intake takes them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile
from starlette.requests import Request

from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.domain.errors import GatewayError, InvalidValue, MissingParameter, NotFound
from jimeng_api.domain.inputs import Input
from jimeng_api.media.intake import Kept, Sent, Source, Written
from jimeng_api.web.auth import caller_of
from jimeng_api.web.forms import files_of
from jimeng_api.web.links import links_of
from jimeng_api.web.parts import parts_of

FILE_ID = "file-"
"""How the ids of uploaded files begin."""

_WORDS = ("image_url", "video_url", "audio_url", "url", "file_id")
_NESTED = ("image_url", "video_url", "audio_url")

# Where the files of a film may stand; a file of a form may stand anywhere.
_FILMED = (
    "input_reference",
    "image",
    "images",
    "image_url",
    "video",
    "video_url",
    "audio_url",
    "file_paths",
    "filePaths",
)
_SLOT = re.compile(r"(image|video|audio)_file(?:_([1-9][0-9]?))?")


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file of a form, read from its beginning however often."""

    file: UploadFile

    @property
    def size(self) -> int | None:
        return self.file.size

    @property
    def lent(self) -> BinaryIO:
        return self.file.file

    async def read(self) -> bytes:
        await self.file.seek(0)
        return await self.file.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A file that the caller uploaded beforehand, by its id."""

    file_id: str
    param: str


Given = Source | Filed
"""What a request brings or names."""


def sources_of(
    request: Request, fields: Mapping[str, Any], names: Sequence[str]
) -> tuple[Given, ...]:
    """All pictures under these names, in this order. Raises InvalidValue."""
    return tuple(
        _source(request, item, name) for name in names for item in _items(fields.get(name))
    )


def film_sources(request: Request, fields: Mapping[str, Any]) -> tuple[Given, ...]:
    """All files that a film may be made of, in the order of the request; numbered fields by their numbers.

    Raises InvalidValue.
    """
    places: dict[str, tuple[int, int]] = {}
    first: dict[str, int] = {}
    numbers: dict[str, list[int]] = {}
    for place, (name, value) in enumerate(fields.items()):
        if slot := _SLOT.fullmatch(name):
            kind, number = slot[1], int(slot[2] or 0)
            places[name] = first.setdefault(kind, place), number
            numbers.setdefault(kind, []).extend([number] if number else [])
        elif name in _FILMED or files_of({name: value}):
            places[name] = place, 0
    for kind, there in numbers.items():
        missing = next((n for n in range(1, len(there) + 1) if n not in there), None)
        if missing is not None:  # a prompt would name others by their numbers
            param = f"{kind}_file_{missing}"
            raise InvalidValue(f"{param} is missing, and a later one is there.", param=param)
    return sources_of(request, fields, sorted(places, key=places.__getitem__))


def check_number(sources: Sequence[Given], model: ImageModel, *, param: str) -> None:
    """Raises MissingParameter where there is no picture, InvalidValue where the model takes fewer."""
    if not sources:
        raise MissingParameter(f"{param} is missing: a picture to start from.", param=param)
    most = model.max_input_images
    if len(sources) > most:
        raise InvalidValue(
            f"{sources[0].param}: {len(sources)} pictures; {model.name} takes at most {most}.",
            param=sources[0].param,
        )


class Taking:
    """Takes files in, and knows which."""

    def __init__(self, request: Request, *, films: bool) -> None:
        self._request = request
        self._intake = parts_of(request).intake
        self._films = films
        self._kept: list[Input] = []

    async def __call__(self, sources: Sequence[Given]) -> tuple[Input, ...]:
        """The files of the request, fetched, checked and kept. Raises InvalidValue with the parameter."""
        return self._noted(await _taken(self._request, sources, films=self._films))

    async def again(self, inputs: Sequence[Input]) -> tuple[Input, ...]:
        """The files of an earlier request once more. Raises NotFound where one is gone."""
        return self._noted(await self._intake.take_again(inputs))

    async def drop(self) -> None:
        await self._intake.drop(self._kept)

    def _noted(self, found: tuple[Input, ...]) -> tuple[Input, ...]:
        self._kept.extend(found)
        return found


@asynccontextmanager
async def taking(request: Request, *, films: bool = False) -> AsyncIterator[Taking]:
    """What takes pictures in, with `films` also films and sounds.

    Where the order is refused after that, they are let go of again.
    """
    take = Taking(request, films=films)
    try:
        yield take
    except GatewayError:
        await take.drop()
        raise


async def _taken(request: Request, given: Sequence[Given], *, films: bool) -> tuple[Input, ...]:
    if not given:
        return ()
    sources = [await _found(request, source) for source in given]
    return await parts_of(request).intake.take(sources, films=films)


async def _found(request: Request, source: Given) -> Source:
    """What is named, where it is there. Raises InvalidValue."""
    parts = parts_of(request)
    if isinstance(source, Filed):
        try:
            file = await parts.files.find(caller_of(request).owner, source.file_id)
        except NotFound:
            raise _missing(source.param, f"file {source.file_id[:40]!r}") from None
        return Kept(media_id=file.media_id, param=source.param)
    if isinstance(source, Kept):
        try:
            await parts.desk.picture(source.media_id)
        except NotFound:
            raise _missing(source.param, f"result {source.media_id[:40]!r}") from None
    return source


def _items(value: object) -> Sequence[object]:
    if value in (None, "", [], {}):
        return ()
    return value if isinstance(value, list) else [value]


def _source(request: Request, item: object, param: str) -> Given:
    if isinstance(item, UploadFile):
        return Sent(file=_Upload(item), param=param, name=item.filename or "")
    if isinstance(item, Mapping):
        given = [word for word in _WORDS if item.get(word)]
        if len(given) == 1 and given[0] == "file_id" and isinstance(item["file_id"], str):
            return _by_id(request, item["file_id"], param)
        if len(given) == 1 and given[0] != "file_id":
            inner = item[given[0]]
            nested = isinstance(inner, Mapping) and given[0] in _NESTED
            return _source(request, inner.get("url") if nested else inner, param)
    if isinstance(item, str) and item.strip():
        own = links_of(request).own_media(request.scope, item.strip())
        return Kept(media_id=own, param=param) if own else Written(text=item.strip(), param=param)
    raise InvalidValue(
        f"{param} must be a file, an http(s) URL, a data URI, or an object with image_url or file_id.",
        param=param,
    )


def _by_id(request: Request, file_id: str, param: str) -> Given:
    """An uploaded file, or a result."""
    if file_id.startswith(FILE_ID):
        return Filed(file_id=file_id, param=param)
    own = links_of(request).own_media(request.scope, f"/media/{file_id}")
    if own is None:
        raise _missing(param, f"result {file_id[:40]!r}")
    return Kept(media_id=own, param=param)


def _missing(param: str, what: str) -> InvalidValue:
    return InvalidValue(f"{param}: there is no {what} here.", param=param)
