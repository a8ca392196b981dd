"""The tokens that a request is about: in its body, or else those that it is sent with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import Request

from jimeng_api.catalog.sites import SITES, site_of_prefix
from jimeng_api.domain.errors import InvalidKey, InvalidValue
from jimeng_api.domain.secret import Secret

MOST = 64
_NAMES = ("sessions", "session", "session_id", "sessionid", "tokens", "token", "access_token")
_SITE_NAMES = ("site", "region")


def tokens_of(request: Request, fields: Mapping[str, Any]) -> list[Secret]:
    """Each once, in their order. Raises InvalidKey where there is none."""
    site = _site(fields)
    found = [
        one for name in _NAMES if name in fields for one in _listed(fields[name], name, site)
    ] or list(_listed(bearer_of(request), "authorization", site))
    if not found:
        raise InvalidKey(
            "No token was sent. Send one or several, with commas between them, as `Authorization: Bearer`, "
            "or in the body as `token` or `tokens`."
        )
    if len(found) > MOST:
        raise InvalidKey(f"At most {MOST} tokens are looked at in one request.")
    return list(dict.fromkeys(found))


def bearer_of(request: Request) -> str:
    """What stands behind `Bearer`; empty without one. A bare token counts: some callers forget the word."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        raise InvalidKey("There is more than one Authorization header.")
    scheme, text = get_authorization_scheme_param(sent[0] if sent else "")
    return text.strip() if scheme.lower() == "bearer" else ""


def _listed(value: object, name: str, site: str | None) -> Iterator[Secret]:
    match value:
        case str():
            for part in value.split(","):
                if part.strip():
                    yield Secret(_placed(part.strip(), site))
        case list():
            for one in value:
                yield from _listed(one, name, site)
        case dict():
            session = value.get("session") or value.get("token")
            if not isinstance(session, str):
                raise InvalidValue(f"{name}: an entry has no session.", param=name)
            yield from _listed(session, name, _site(value) or site)
        case _:
            raise InvalidValue(f"{name} must be a text or a list of texts.", param=name)


def _site(fields: Mapping[str, Any]) -> str | None:
    for name in _SITE_NAMES:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or value.lower() not in SITES:
            raise InvalidValue(f"{name} must be one of {', '.join(SITES)}.", param=name)
        return value.lower()
    return None


def _placed(text: str, site: str | None) -> str:
    """A session with the prefix of the site that was named beside it; a prefix of its own counts first."""
    if site is None or text.startswith("jm-") or site_of_prefix(text[:3]) is not None:
        return text
    return SITES[site].token_prefix + text
