"""Which addresses belong to the public internet. Whoever names a host to us reaches those, and no other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_NOT_PUBLIC = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT; Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services for its machines
        "169.254.0.0/16",  # link-local: the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Of IPv6 only what has been given out is public: everything that carries an IPv4 address inside
# (::/96, ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48) lies outside, as do local and multicast addresses.
_GIVEN_OUT = IPv6Network("2000::/3")
_NOT_GIVEN_OUT = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
# An ISATAP host's lower half is ::0:5efe:a.b.c.d or ::200:5efe:a.b.c.d: a tunnel to that IPv4 address.
_ISATAP_MASK, _ISATAP = 0xFCFF_FFFF, 0x0000_5EFE


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach who listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet, written as systems write them; nothing else is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in block for block in _NOT_PUBLIC)
    if parsed.scope_id is not None or parsed not in _GIVEN_OUT:
        return False
    tunnel = (int(parsed) >> 32) & _ISATAP_MASK == _ISATAP
    return not tunnel and not any(parsed in block for block in _NOT_GIVEN_OUT)
