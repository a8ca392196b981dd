"""How long a WAV or MP3 sound is. Nothing in it is decoded."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from jimeng_api.media.anatomy import NotTaken

_MOST_CHUNKS = 10_000
_LEAST_FRAMES = 2  # so many in a row are no accident
_WHOLE = 0.9  # of a file; tags may stand behind the sound

# Kilobits a second, by the number in a frame's head: of MPEG 1, and of MPEG 2 and 2.5.
_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLE_RATES = (44_100, 48_000, 32_000)
_VERSIONS = {3: 1, 2: 2, 0: 4}  # by what the sample rates are divided: MPEG 1, 2 and 2.5
_LAYER_3 = 1
_ROOM = re.compile(rb"\0*")


def is_wav(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def is_mp3(head: bytes) -> bool:
    """Whether a file may begin like this; a tag comes first, or the sound does."""
    return head[:3] == b"ID3" or (len(head) > 4 and _frame(head, 0) is not None)


def wav_seconds(file: BinaryIO, size: int) -> float:
    rate: int = 0
    at = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = struct.unpack("<4sI", head)
        if name == b"fmt ":
            form = file.read(16)
            if len(form) < 16:
                break
            (rate,) = struct.unpack_from("<I", form, 8)
        elif name == b"data":
            if not rate:
                raise _damaged()
            rest = size - at - 8
            if length in (0, 2**32 - 1):  # written before anybody knew
                length = rest
            if length > rest:
                break
            return float(length / rate)
        at += 8 + length + length % 2
    raise NotTaken("is a sound that ends early")


def mp3_seconds(body: bytes) -> float:
    """From frame to frame, for what a file says of the whole is wrong too often."""
    at = began = _behind_tags(body)
    seconds = 0.0
    frames = 0
    while found := _frame(body, at):
        length, lasting = found
        at += length
        seconds += lasting
        frames += 1
    if frames < _LEAST_FRAMES or at - began < _WHOLE * (len(body) - began):
        raise _damaged()
    return seconds


def _behind_tags(body: bytes) -> int:
    at = 0
    while body[at : at + 3] == b"ID3" and len(body) >= at + 10:
        length = 0
        for part in body[at + 6 : at + 10]:
            length = length << 7 | part & 0x7F
        at += 10 + length
    room = _ROOM.match(body, at)  # some leave it for a longer tag
    return room.end() if room else at


def _frame(body: bytes, at: int) -> tuple[int, float] | None:
    """How many bytes the frame has that begins here, and for how many seconds it sounds."""
    head = body[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    divided = _VERSIONS.get(head[1] >> 3 & 3)
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    if divided is None or head[1] >> 1 & 3 != _LAYER_3 or rate in (0, 15) or frequency == 3:
        return None
    kilobits = _RATES[divided > 1][rate]
    hertz = _SAMPLE_RATES[frequency] // divided
    samples = 1152 if divided == 1 else 576
    return samples // 8 * kilobits * 1000 // hertz + (head[2] >> 1 & 1), samples / hertz


def _damaged() -> NotTaken:
    return NotTaken("is a damaged sound")
