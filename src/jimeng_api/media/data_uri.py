"""Data URIs: bytes that a caller wrote out in text. Pure."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

from jimeng_api.media.anatomy import MOST_BYTES, NotTaken

_HEAD = re.compile(r"data:[^,]{0,200};\s*base64\s*,", re.IGNORECASE)
_LONGEST = MOST_BYTES * 3 // 2
_SPACE = str.maketrans("-_", "+/", " \t\r\n\f=")


def is_data_uri(text: str) -> bool:
    return text[:5].lower() == "data:"


def bytes_in(uri: str) -> bytes:
    """What is written out in it, as browsers read it: with the other alphabet, spaces or no padding too.

    The media type that it names is nobody's word for what the bytes are. Raises NotTaken.
    """
    if len(uri) > _LONGEST:
        raise NotTaken(f"is larger than {MOST_BYTES // 1024**2} MiB")
    head = _HEAD.match(uri)
    if head is None or not uri.isascii():
        raise NotTaken("is a data URI without base64: it must begin like data:image/png;base64,")
    text = uri[head.end() :]
    text = (unquote(text) if "%" in text else text).translate(_SPACE)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise NotTaken("is a data URI that is not base64") from None
