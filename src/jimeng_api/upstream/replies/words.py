"""Words and numbers of the upstream, read tolerantly and made harmless. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any, Final

MOST_TEXT: Final = 300  # characters of the upstream's own words that we pass on


def plain(text: str, most: int = MOST_TEXT) -> str:
    """The upstream's words on one line, without control characters, at most so long."""
    if len(text) <= most and " " not in text and text.isprintable():
        return text
    text = text[:4096]
    if not text.isprintable():
        kept = (c for c in _TERMINAL.sub("", text) if c in "\t\n" or _seen(c))
        text = "".join(kept)
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


def word(value: Any) -> str:
    """A code, an id or a text, which may come as a number."""
    if isinstance(value, str):
        return value.strip()
    if type(value) not in _NUMBERS:
        return ""
    try:
        return str(int(value)) if value == int(value) else str(value)
    except (OverflowError, ValueError):
        return ""


def identity(value: Any) -> str:
    """An id; 0 is none."""
    found = plain(word(value), 256)
    return "" if found == "0" else found


def number(value: Any) -> float | None:
    if type(value) not in _NUMBERS and not isinstance(value, str):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int:
    if type(value) is int and 0 <= value <= _MOST:  # as it nearly always comes
        return value
    found = number(value)
    return min(int(found), _MOST) if found is not None and found > 0 else 0


def status(value: Any) -> int | None:
    found = number(value)
    return None if found is None or abs(found) > 2**31 else int(found)


def duration(value: Any) -> float | None:
    """Seconds, None where there are none that could be meant."""
    found = number(value)
    return found if found is not None and 0 <= found <= _CENTURY else None


def moment(value: Any) -> float:
    """A moment in Unix seconds, 0 where there is none; some endpoints count milliseconds."""
    found = number(value) or 0.0
    seconds = found / 1000 if found > _MILLISECONDS else found
    return seconds if 0 < seconds <= _MILLISECONDS else 0.0


_NUMBERS: Final = frozenset({int, float})  # a bool is none
_MOST: Final = 2**53
_CENTURY: Final = 100 * 366 * 86400.0
_MILLISECONDS: Final = 1e11
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_TERMINAL: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
