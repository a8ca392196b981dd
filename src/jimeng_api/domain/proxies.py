"""What the address of a proxy looks like."""

from __future__ import annotations

from urllib.parse import urlsplit

from jimeng_api.domain.secret import Secret

SCHEMES = ("http", "https", "socks5")


def proxy_at(address: str) -> Secret:
    """The address, which may hold a password. Raises a ValueError that does not repeat it."""
    address = address.strip().rstrip("/")
    if not _is_proxy(address):
        raise ValueError(
            "must be http://host:port, https://host:port or socks5://host:port, "
            "with user:password@ before the host where the proxy asks for them"
        )
    return Secret(address)


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        whole = parts.scheme in SCHEMES and parts.hostname and parts.port
    except ValueError:
        return False
    return bool(whole) and not (parts.path or parts.query or parts.fragment)
