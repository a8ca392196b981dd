"""What a picture file is made of: its type, its size, whether it is whole. Nothing in it is decoded. Pure."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from jimeng_api.domain.requests import PictureFormat

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
# Far more than files of that size are made of, and few enough to walk through in no time.
_MOST_PARTS = 50_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# In a JPEG's coded data 0xFF is followed by 0 or by a restart mark; anything else begins the next segment.
_JPEG_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_FILLED = re.compile(rb"\xff+[^\xff]", re.DOTALL)
_JPEG_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_JPEG_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE)
_ORIENTATION = 0x0112


class NotTaken(Exception):
    """The file is no picture that we take. The text continues a sentence that begins with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """A whole picture: its true type, and its size in pixels as it is meant to be looked at."""

    format: PictureFormat
    width: int
    height: int


def is_picture(head: bytes) -> bool:
    """Whether a file that begins like this may be one."""
    return head.startswith((_PNG, _JPEG)) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")


def anatomy_of(body: bytes) -> Anatomy:
    """What the file is, by its own bytes. Raises NotTaken.

    Bytes behind the end do no harm: some cameras and telephones leave some there.
    """
    if len(body) > MOST_BYTES:
        raise NotTaken(f"is larger than {MOST_BYTES // 1024**2} MiB")
    try:
        if body.startswith(_PNG):
            return _png(body)
        if body.startswith(_JPEG):
            return _jpeg(body)
        if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
            return _webp(body)
    except (struct.error, IndexError):
        raise NotTaken("is a picture that ends early") from None
    raise NotTaken("is not a PNG, JPEG or WebP picture")


def _png(body: bytes) -> Anatomy:
    width = height = 0
    turned = False
    palette = coloured = data = False
    for number, (name, start, end) in enumerate(_png_chunks(body)):
        if (number == 0) is not (name == b"IHDR"):
            raise _damaged()
        match name:
            case b"IHDR":
                width, height, coloured = _png_header(body[start:end])
            case b"PLTE":
                palette = True
            case b"IDAT":
                data = True
            case b"acTL":
                raise _moving()
            case b"eXIf":
                turned = _turned(body[start:end])
            case _:
                pass
    if not data or (coloured and not palette):
        raise _damaged()
    return _anatomy("png", width, height, turned=turned)


def _png_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name and where its data lie, up to the last; their checksums are right."""
    view = memoryview(body)
    at = len(_PNG)
    for _ in range(_MOST_PARTS):
        length, name = struct.unpack_from(">I4s", body, at)
        start, end = at + 8, at + 8 + length
        (checksum,) = struct.unpack_from(">I", body, end)
        if zlib.crc32(view[at + 4 : end]) != checksum:
            raise _damaged()
        yield name, start, end
        if name == b"IEND":
            return
        at = end + 4
    raise _damaged()


def _png_header(header: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether the colours stand in a palette."""
    if len(header) != 13:
        raise _damaged()
    width, height, depth, colours, packing, filtering, lacing = struct.unpack(">IIBBBBB", header)
    if depth not in _PNG_DEPTHS.get(colours, ()) or packing or filtering or lacing > 1:
        raise _damaged()
    return width, height, colours == 3


def _jpeg(body: bytes) -> Anatomy:
    size: tuple[int, int] | None = None
    turned: bool | None = None
    scanned = False
    for mark, start, end in _jpeg_segments(body):
        if mark in _JPEG_OTHER_FRAMES:
            raise NotTaken("is a kind of JPEG that is hardly ever read")
        if mark in _JPEG_FRAMES:
            if size is not None or end - start < 6:
                raise _damaged()
            height, width = struct.unpack_from(">HH", body, start + 1)
            size = width, height
        elif mark == 0xE1 and turned is None and body.startswith(b"Exif\0\0", start, end):
            turned = _turned(body[start + 6 : end])
        elif mark == 0xDA:
            if size is None:
                raise _damaged()
            scanned = True
    if size is None or not scanned:
        raise _damaged()
    return _anatomy("jpeg", *size, turned=bool(turned))


def _jpeg_segments(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's mark and where its data lie, up to the mark of the end."""
    at = 2
    for _ in range(_MOST_PARTS):
        if body[at] != 0xFF:
            raise _damaged()
        filled = _JPEG_FILLED.match(body, at)  # a mark may have more of these before it
        if filled is None:
            raise IndexError
        at = filled.end() - 2
        mark = body[at + 1]
        if mark == 0xD9:
            return
        (length,) = struct.unpack_from(">H", body, at + 2)
        if mark < 0xC0 or 0xD0 <= mark <= 0xD8 or length < 2:
            raise _damaged()
        start, end = at + 4, at + 2 + length
        if end > len(body):
            raise IndexError
        yield mark, start, end
        at = end
        if mark == 0xDA:
            found = _JPEG_NEXT.search(body, end)
            if found is None:
                raise IndexError
            at = found.start()
    raise _damaged()


def _webp(body: bytes) -> Anatomy:
    canvas: tuple[int, int] | None = None
    frame: tuple[int, int] | None = None
    turned = False
    for number, (name, start, end) in enumerate(_webp_chunks(body)):
        match name:
            case b"VP8X" if number == 0:
                if body[start] & 0x02:
                    raise _moving()
                wide, high = (
                    int.from_bytes(body[start + at : start + at + 3], "little") for at in (4, 7)
                )
                canvas = wide + 1, high + 1
            case b"VP8 " | b"VP8L" if frame is None:
                frame = _webp_frame(name, body[start : min(end, start + 10)])
            case b"ANIM" | b"ANMF":
                raise _moving()
            case b"EXIF":
                turned = _turned(body[start:end].removeprefix(b"Exif\0\0"))
            case b"VP8X" | b"VP8 " | b"VP8L":
                raise _damaged()
            case _:
                pass
    if frame is None or canvas not in (None, frame):
        raise _damaged()
    return _anatomy("webp", *frame, turned=turned)


def _webp_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name and where its data lie."""
    (length,) = struct.unpack_from("<I", body, 4)
    last = 8 + length
    if last > len(body):
        raise IndexError
    at = 12
    for _ in range(_MOST_PARTS):
        if at >= last:
            return
        name, length = struct.unpack_from("<4sI", body, at)
        start, end = at + 8, at + 8 + length
        if end > last:
            raise _damaged()
        yield name, start, end
        at = end + length % 2
    raise _damaged()


def _webp_frame(name: bytes, head: bytes) -> tuple[int, int]:
    if name == b"VP8L":
        mark, bits = struct.unpack_from("<BI", head)
        if mark != 0x2F or bits >> 29:
            raise _damaged()
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    first, mark, width, height = struct.unpack_from("<3s3sHH", head)
    if first[0] & 1 or mark != b"\x9d\x01\x2a":  # the lowest bit: it builds on an earlier picture
        raise _damaged()
    return width & 0x3FFF, height & 0x3FFF


def _turned(exif: bytes) -> bool:
    """Whether the picture is meant to be looked at with its sides exchanged; what cannot be read says no."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return False
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, at + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return bool(kind == 3 and 5 <= value <= 8)
    except struct.error:
        return False
    return False


def _anatomy(kind: PictureFormat, width: int, height: int, *, turned: bool) -> Anatomy:
    if not (width and height):
        raise _damaged()
    if width * height > MOST_PIXELS:
        raise NotTaken(f"has more than {MOST_PIXELS} pixels")
    if turned:
        width, height = height, width
    return Anatomy(format=kind, width=width, height=height)


def _damaged() -> NotTaken:
    return NotTaken("is a damaged picture")


def _moving() -> NotTaken:
    return NotTaken("is an animated picture; one that stands still is needed")
