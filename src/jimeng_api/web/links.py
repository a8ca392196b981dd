"""Absolute links to ourselves, on the origin that the caller used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from jimeng_api.web.paths import plain

# A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port; nothing else may become a link.
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
)

_MEDIA = re.compile(r"/media/([A-Za-z0-9_-]{1,128})(?:\.[a-z0-9]{2,4})?")
_SCHEMES = ("http", "https", "")
_LONGEST = 2048


class Links:
    """Makes links. X-Forwarded headers count only when they come from a trusted proxy."""

    def __init__(self, *, public_url: str | None, trusted_proxies: Iterable[str]) -> None:
        self._public_url = public_url.rstrip("/") if public_url else None
        self._trusted = [ipaddress.ip_network(text, strict=False) for text in trusted_proxies]

    def media(self, scope: Scope, media_id: str, *, ending: str = "") -> str:
        """`ending` is for who goes by it, such as `.mp4`: chat pages play what a link with it leads to."""
        return f"{self.origin(scope)}/media/{media_id}{ending}"

    def origin(self, scope: Scope) -> str:
        """Such as `https://images.example.org`, without a slash at its end."""
        if self._public_url:
            return self._public_url
        headers = Headers(scope=scope)
        scheme: str = scope.get("scheme", "http")
        host = headers.get("host", "")
        if self._from_proxy(scope):
            forwarded = _last(headers.get("x-forwarded-proto"))
            scheme = forwarded if forwarded in ("http", "https") else scheme
            host = _last(headers.get("x-forwarded-host")) or host
        return f"{scheme}://{host if _HOST.fullmatch(host) else _own_address(scope)}"

    def own_media(self, scope: Scope, url: str) -> str | None:
        """The media id in a link of ours, in whatever way the caller reaches us; None for any other URL."""
        parts = _split(url) if len(url) <= _LONGEST else None
        found = _MEDIA.fullmatch(plain(parts.path)) if parts else None
        if parts is None or found is None:
            return None
        host = Headers(scope=scope).get("host", "")
        own = (self.origin(scope), f"//{host}", f"//{_own_address(scope)}")
        is_ours = not parts.netloc or _place(parts) in [_place(_split(one)) for one in own]
        return found[1] if is_ours else None

    def client(self, scope: Scope) -> str:
        """The caller's address, as far as it can be believed; empty where there is none."""
        peer = _peer(scope)
        if self._from_proxy(scope):
            named = _last(Headers(scope=scope).get("x-forwarded-for"))
            return named if _is_address(named) else peer
        return peer

    def _from_proxy(self, scope: Scope) -> bool:
        if not self._trusted:
            return False
        try:
            peer = ipaddress.ip_address(_peer(scope))
        except ValueError:
            return False
        return any(peer in network for network in self._trusted)


def _split(url: str) -> SplitResult | None:
    """The URL in its parts; None where it is none, or of another kind."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in _SCHEMES and "@" not in parts.netloc else None


def _place(parts: SplitResult | None) -> tuple[str | None, int | None] | None:
    """Host and port; the scheme is that of a proxy, or ours, and says nothing."""
    if parts is None:
        return None
    port = parts.port
    return parts.hostname, None if port in (80, 443) else port


def _peer(scope: Scope) -> str:
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def _own_address(scope: Scope) -> str:
    server: tuple[str, Any] = scope.get("server") or ("127.0.0.1", None)
    host, port = server
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host


def _last(value: str | None) -> str:
    """The part that the nearest proxy wrote."""
    return (value or "").rpartition(",")[2].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def links_of(request: Request) -> Links:
    """The link maker of the application that serves this request."""
    links: Links = request.app.state.links
    return links
