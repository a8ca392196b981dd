"""Forms as clients send them, and pictures to put in them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence

from PIL import Image

Parts = Sequence[tuple[str, str | bytes]]


def picture(width: int = 64, height: int = 64, colour: str = "teal", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


def data_uri(body: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def multipart(
    parts: Iterable[tuple[str, str | bytes]], boundary: str = "the-boundary"
) -> tuple[bytes, dict[str, str]]:
    """The body and its headers; bytes become files as OpenAI's client names them."""
    out = bytearray()
    for name, value in parts:
        out += f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"'.encode()
        if isinstance(value, bytes):
            out += b'; filename="upload"\r\ncontent-type: application/octet-stream'
        out += b"\r\n\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return bytes(out), {"content-type": f"multipart/form-data; boundary={boundary}"}
