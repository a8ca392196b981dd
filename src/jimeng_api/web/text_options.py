"""Parameters that stand behind a prompt, as in `a lighthouse at dawn --ratio 16:9 --n 2`. Pure.

Only at the end of the words, and only by these names: whatever else has two hyphens is part of the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jimeng_api.domain.errors import InvalidValue

TEXT_OPTIONS: Mapping[str, str] = {
    "model": "model",
    "ratio": "ratio",
    "ar": "ratio",
    "aspect_ratio": "ratio",
    "size": "size",
    "resolution": "resolution",
    "quality": "quality",
    "n": "n",
    "seed": "seed",
    "negative_prompt": "negative_prompt",
    "no": "negative_prompt",
    "sample_strength": "sample_strength",
    "duration": "seconds",
    "seconds": "seconds",
    "image": "image",
    "new": "new",
}
"""What may be written, and the field that it stands for. `image` and `new` speak of the conversation."""

_BARE = ("new",)

# Keyboards make one dash of two hyphens, and curved quotation marks.
_DASHES = ("--", "—")
_OPTION = re.compile(
    r"(?:--|—)([A-Za-z][A-Za-z_-]{0,30})(?:(?:\s+|=)(\"[^\"]*\"|“[^”]*”|[^\s\"“]+))?\s*"
)


def options_in(text: str, *, param: str) -> tuple[str, dict[str, str]]:
    """The words, and the parameters behind them by their fields; of one that comes twice the last counts.

    Raises InvalidValue for a name without a value.
    """
    found: dict[str, str] = {}
    words = text.strip()
    while True:
        at = max(words.rfind(dash) for dash in _DASHES)
        option = _OPTION.fullmatch(words, at) if at >= 0 else None
        apart = at == 0 or (at > 0 and words[at - 1].isspace())
        name = option[1].lower().replace("-", "_") if option else ""
        if option is None or not apart or name not in TEXT_OPTIONS:
            return words, found
        value = (option[2] or "").strip('"“”')
        if (name in _BARE) is bool(value):
            raise InvalidValue(
                f"--{option[1]} {'takes no value' if value else 'says nothing'}: {_HOW}",
                param=param,
            )
        found.setdefault(TEXT_OPTIONS[name], value)
        words = words[:at].rstrip()


_HOW = "parameters stand at the end of the prompt, such as --ratio 16:9 --n 2."
