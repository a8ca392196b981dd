"""What an MP4 or MOV file says of the film in it. Only its table of contents is read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from jimeng_api.media.anatomy import NotTaken

MOST_PIXELS = 8192 * 8192
_MOST_FPS = 1000
# Far more than files of that size are made of, and few enough to walk through in no time.
_MOST_BOXES = 50_000
_MOST_SAMPLES = 1_000_000  # that are counted one by one
_MOST_BYTES = 256  # of a box that is read whole: all that are have far fewer

_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_FOLDERS = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"mvex", b"moof", b"traf"}
)
_QUICKTIME = b"qt  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film as its file tells of it, its size in pixels as it is meant to be looked at."""

    seconds: float
    width: int
    height: int
    fps: float
    quicktime: bool


@dataclass(slots=True)
class _Track:
    number: int = 0
    film: bool = False
    turned: bool = False
    scale: int = 0  # of its times, in a second
    duration: int = 0
    samples: int = 0
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class _Contents:
    """What was found so far."""

    quicktime: bool = True  # older ones do not say it
    scale: int = 0
    duration: int = 0
    media: bool = False
    fragmented: bool = False
    tracks: list[_Track] = field(default_factory=list)
    usual: dict[int, int] = field(default_factory=dict)  # the duration of a sample, by track
    counted: int = 0
    fragment: tuple[int, int] = (0, 0)  # the track of the fragment, and that duration in it


def is_film(head: bytes) -> bool:
    """Whether a file that begins like this is of the family of MP4 and MOV."""
    return head[4:8] in _FIRST


def film_of(file: BinaryIO, size: int) -> Film:
    """What the file says. Raises NotTaken."""
    found = _Contents()
    try:
        for name, start, end in _boxes(file, size):
            _take(found, name, start, end, file)
    except (struct.error, IndexError):
        raise NotTaken("is a film that ends early") from None
    track = next((one for one in found.tracks if one.film and one.width and one.height), None)
    if track is None:
        raise NotTaken("is a file without a film in it")
    if not found.media:
        raise NotTaken("is a film that ends early")
    if track.width * track.height > MOST_PIXELS:
        raise NotTaken(f"has more than {MOST_PIXELS} pixels")
    if not (found.scale and track.scale):
        raise _damaged()
    own = track.duration / track.scale
    seconds = own if found.fragmented else found.duration / found.scale
    fps = track.samples / own if own else 0.0
    if fps > _MOST_FPS:
        raise _damaged()
    width, height = track.width, track.height
    return Film(
        seconds=seconds,
        width=height if track.turned else width,
        height=width if track.turned else height,
        fps=fps,
        quicktime=found.quicktime,
    )


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box's name and where its data lie, and after those that hold others, the others."""
    ends = [size]
    at = 0
    for _ in range(_MOST_BOXES):
        while ends and at >= ends[-1]:
            ends.pop()
        if not ends:
            return
        if ends[-1] - at < 8:
            if len(ends) == 1:
                raise IndexError
            at = ends[-1]  # some writers leave a few zeros at the end of a folder
            continue
        length, name = struct.unpack(">I4s", _read(file, at, 8))
        start = at + 8
        if length == 1:
            (length,) = struct.unpack(">Q", _read(file, start, 8))
            start += 8
        elif length == 0:
            if len(ends) > 1:
                at = ends[-1]
                continue
            length = size - at  # the last box may reach as far as the file does
        end = at + length
        if end > ends[-1]:
            raise IndexError
        if end < start:
            raise _damaged()
        yield name, start, end
        if name in _FOLDERS:
            ends.append(end)
            at = start
        else:
            at = end
    raise _damaged()


def _take(found: _Contents, name: bytes, start: int, end: int, file: BinaryIO) -> None:
    track = found.tracks[-1] if found.tracks else _Track()
    if name == b"trak":
        found.tracks.append(_Track())
    elif name == b"mdat":
        found.media = found.media or end > start
    elif name == b"mvex":
        found.fragmented = True
    elif name in _READ:
        body = _read(file, start, min(end - start, _MOST_BYTES))
        match name:
            case b"ftyp":
                found.quicktime = body[:4] == _QUICKTIME
            case b"mvhd":
                found.scale, found.duration = _times(body)
            case b"tkhd":
                _read_track(track, body)
            case b"mdhd":
                track.scale, track.duration = _times(body)
            case b"hdlr":
                # Below the track there may be another, of where the bytes are.
                track.film = track.film or body[8:12] == b"vide"
            case b"stsd" if track.film:
                track.width, track.height = struct.unpack_from(">HH", body, 8 + 8 + 24)
            case b"stsz":
                (track.samples,) = struct.unpack_from(">I", body, 8)
            case b"dref":
                _check_references(body)
            case _:
                _take_fragment(found, name, body, start, end, file)


def _take_fragment(
    found: _Contents, name: bytes, body: bytes, start: int, end: int, file: BinaryIO
) -> None:
    """Films that were written while they were being made have their times beside the pictures."""
    if name == b"trex":
        number, _, usual = struct.unpack_from(">III", body, 4)
        found.usual[number] = usual
    elif name == b"tfhd":
        flags, number = struct.unpack_from(">II", body)
        at = 8 + 8 * bool(flags & 0x01) + 4 * bool(flags & 0x02)
        usual = found.usual.get(number, 0)
        if flags & 0x08:
            (usual,) = struct.unpack_from(">I", body, at)
        found.fragment = number, usual
    elif name == b"trun":
        number, usual = found.fragment
        track = next((one for one in found.tracks if one.number == number), None)
        if track is None:
            return
        flags, samples = struct.unpack_from(">II", body)
        track.samples += samples
        if not flags & 0x100:
            track.duration += samples * usual
            return
        width = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
        at = start + 8 + 4 * bool(flags & 0x01) + 4 * bool(flags & 0x04)
        if at + samples * width > end:
            raise IndexError
        found.counted += samples
        if found.counted > _MOST_SAMPLES:
            raise _damaged()
        rows = _read(file, at, samples * width)
        track.duration += sum(
            struct.unpack_from(">I", rows, row)[0] for row in range(0, len(rows), width)
        )


def _times(body: bytes) -> tuple[int, int]:
    """How many units a second has, and how many there are."""
    form = ">QQIQ" if body[0] else ">IIII"
    _, _, scale, duration = struct.unpack_from(form, body, 4)
    unknown = 2**64 - 1 if body[0] else 2**32 - 1
    return scale, 0 if duration == unknown else duration


def _read_track(track: _Track, body: bytes) -> None:
    longer = 12 if body[0] else 0
    (track.number,) = struct.unpack_from(">I", body, 12 + longer * 2 // 3)
    a, b = struct.unpack_from(">ii", body, 40 + longer)
    track.turned = a == 0 and b != 0


def _check_references(body: bytes) -> None:
    """A film may lie in other files, or on other computers, than its table of contents."""
    (number,) = struct.unpack_from(">I", body, 4)
    at = 8
    for _ in range(number):
        length, flags = struct.unpack_from(">I4xI", body, at)
        if not flags & 1 or length < 12:
            raise NotTaken("is a film that lies in another file")
        at += length


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    body = file.read(length)
    if len(body) < length:
        raise IndexError
    return body


def _damaged() -> NotTaken:
    return NotTaken("is a damaged film")


_READ = frozenset(
    {
        b"ftyp",
        b"mvhd",
        b"tkhd",
        b"mdhd",
        b"hdlr",
        b"stsd",
        b"stsz",
        b"dref",
        b"trex",
        b"tfhd",
        b"trun",
    }
)
