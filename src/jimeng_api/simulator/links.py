"""Signed links to result files, which end at a given time."""

import base64
import hashlib
import re
from typing import NamedTuple
from urllib.parse import parse_qs, quote

from jimeng_api.simulator.sites import DAY

WEEKS = 27 * DAY
COVER_SECONDS = 80 * 60
FILM_SECONDS = DAY

_FILM_PATH = re.compile(r"/video/tos/(artist|dreamnia)/(v0[0-9a-f]{30})/([0-9a-z]+)\.mp4")
_PATH = re.compile(r"/([\w-]+)/([0-9a-f]{32})~tplv-[\w-]+-(\w+):(\d+):(\d+)\.(png|webp|jpeg)")


class File(NamedTuple):
    """What a path names: a picture, and the form it is wanted in."""

    uri: str
    width: int
    """0 for the full size."""
    height: int
    form: str


class Seal(NamedTuple):
    """The signed end of every link to one file."""

    ends: int
    signature: str


class FilmFile(NamedTuple):
    """What a path names: a film, and the form it is wanted in."""

    door: str
    """`artist` for looking at it, `dreamnia` for keeping it."""
    vid: str
    definition: str


def film_file_of(path: str) -> FilmFile | None:
    match = _FILM_PATH.fullmatch(path)
    return None if match is None else FilmFile(*match.groups())


def film_link(file: FilmFile, seal: Seal) -> str:
    """Path and query of a film; the origin goes before it."""
    path = f"/video/tos/{file.door}/{file.vid}/{file.definition}.mp4"
    return f"{path}?a=513695&br=1150&x-expires={seal.ends}&x-signature={seal.signature}"


def file_of(path: str) -> File | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    bucket, name, _, width, height, form = match.groups()
    return File(f"{bucket}/{name}", int(width), int(height), form)


class Links:
    """Makes links and knows its own."""

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(f"links {seed}".encode(), digest_size=32).digest()

    def seal(self, uri: str, ends: int) -> Seal:
        return Seal(ends, quote(self._signature(uri, ends), safe=""))

    def allows(self, uri: str, query: str, now: float) -> bool:
        """Whether a link to this file is ours and has not ended."""
        values = parse_qs(query)
        ends = values.get("x-expires", [""])[0]
        given = values.get("x-signature", [""])[0]
        if not ends.isdigit() or int(ends) <= now:
            return False
        return given == self._signature(uri, int(ends))

    def _signature(self, uri: str, ends: int) -> str:
        text = f"{uri}\n{ends}".encode()
        digest = hashlib.blake2b(text, key=self._key, digest_size=20).digest()
        return base64.b64encode(digest).decode()


def link(
    uri: str, space: str, operation: str, width: int, height: int, form: str, seal: Seal
) -> str:
    """Path and query of a file; the origin goes before it."""
    return (
        f"/{uri}~tplv-{space}-{operation}:{width}:{height}.{form}"
        f"?lk3s=43402efa&x-expires={seal.ends}&x-signature={seal.signature}&format=.{form}"
    )


def usual_end(now: float) -> int:
    """When a link to a full picture ends: a midnight some weeks ahead."""
    return int(now + WEEKS) // DAY * DAY
