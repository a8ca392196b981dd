"""Pictures of a film: one of it, and one of many."""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image

from jimeng_api.domain.errors import ResultCorrupt


def thumbnail(file: BinaryIO) -> bytes:
    return _saved(_frames(file, 1)[0], "WEBP")


def spritesheet(file: BinaryIO) -> bytes:
    frames = _frames(file, 16)
    width, height = frames[0].size
    sheet = Image.new("RGB", (4 * width, 4 * height))
    for at, frame in enumerate(frames):
        sheet.paste(frame, (at % 4 * width, at // 4 * height))
    return _saved(sheet, "JPEG")


def _frames(file: BinaryIO, count: int) -> list[Image.Image]:
    import av

    file.seek(0)
    found: list[Image.Image] = []
    try:
        with av.open(file) as box:
            every = max(1, (box.streams.video[0].frames or count) // count)
            for number, frame in enumerate(box.decode(video=0)):
                if number % every == 0 and len(found) < count:
                    picture = frame.to_image()
                    picture.thumbnail((320, 320))
                    found.append(picture)
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise ResultCorrupt("The film cannot be decoded.") from error
    return found


def _saved(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()
