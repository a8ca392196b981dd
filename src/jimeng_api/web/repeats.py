"""What a request says of being a repetition: its key, whether a client sends it anew, what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.jobs.repeats import Repeat, fingerprint

KEY = "Idempotency-Key"
RETRY_COUNT = "x-stainless-retry-count"

_KEY = re.compile(r"[ -~]{1,255}")
_COUNT = re.compile(r"0*[1-9][0-9]{0,8}")

# How the result is handed over: whoever asks for it again may ask for it in another form.
_FORM = ("stream", "response_format")


def repeat_of(request: Request, route: str, fields: Mapping[str, Any]) -> Repeat:
    """The request as a repetition of others with the same `fields`, as they were sent.

    Fields that mean nothing here count as well: OpenAI's clients repeat every byte, and two orders that
    differ in anything, be it their `user`, are two orders.
    """
    asked = {name: value for name, value in fields.items() if name not in _FORM}
    return Repeat(
        fingerprint=fingerprint(route, asked),
        key=_key(request.headers.getlist(KEY)),
        again=_COUNT.fullmatch(request.headers.get(RETRY_COUNT, "")) is not None,
    )


def _key(sent: list[str]) -> str | None:
    if not sent:
        return None
    if len(sent) > 1:
        raise InvalidValue(f"There is more than one {KEY} header.", param=KEY)
    if not _KEY.fullmatch(sent[0]):
        raise InvalidValue(
            f"{KEY} takes 1 to 255 printable ASCII characters, such as a UUID.", param=KEY
        )
    return sent[0]
