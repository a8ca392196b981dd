"""What the rows of all kinds of models have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

# current    the site offers it
# legacy     the site still knows it, and may refuse it to some accounts
# dropped    clients stopped offering it
# refused    the site has been seen to refuse it
# announced  known by name, not known on which site
Status = Literal["current", "legacy", "dropped", "refused", "announced"]

# A  seen in independent places
# B  seen in one place
# C  inferred
Confidence = Literal["A", "B", "C"]

ASIA = ("hk", "jp", "sg")
DREAMINA = ("us", *ASIA)
EVERYWHERE = ("cn", *DREAMINA)


def on(sites: tuple[str, ...], key: str) -> Mapping[str, str]:
    """The upstream's key of a model on each of the sites that offer it."""
    return MappingProxyType(dict.fromkeys(sites, key))
