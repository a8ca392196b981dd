"""A site's own list of prices. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from jimeng_api.catalog.prices import Rate, Rates
from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.trees import Tree, objects, tree_at
from jimeng_api.upstream.replies.words import count, number, plain, word

MOST_PRICES: Final = 5000
_DEAREST: Final = 1e9


class _PricesWire(msgspec.Struct):
    metadata_list: Any = None


def rates(reply: Reply) -> Rates:
    """The prices by what they are for; of what has no price in credits there is none."""
    wire = _PRICES.read(reply.data)
    if wire is None or not isinstance(wire.metadata_list, list):
        raise ProtocolChanged("The upstream's list of prices cannot be read.")
    found: dict[str, tuple[Rate, ...]] = {}
    for tree in list(_strategies(wire.metadata_list))[:MOST_PRICES]:
        item, rate = plain(word(tree.get("benefit_type")), 128), _rate(tree)
        if item and rate is not None:
            found[item] = (*found.get(item, ()), rate)
    return found


def _strategies(resources: Any) -> Iterator[Tree]:
    for resource in objects(resources):
        yield from objects(resource.get("benefits_pay_strategy"))


def _rate(tree: Tree) -> Rate | None:
    strategy = tree_at(tree, "credit_strategy")
    price = tree_at(strategy, "credit_pricing_info")
    credits_ = number(price.get("credit_unit_price"))
    if credits_ is None or not 0 <= credits_ <= _DEAREST:
        return None
    roles = (plain(word(one.get("role")), 64) for one in objects(strategy.get("credit_limits")))
    return Rate(
        credits=credits_,
        unit=plain(word(tree.get("unit")), 64) or "count",
        least=max(count(price.get("min_charge_cnt")), 1),
        roles=tuple(dict.fromkeys(role for role in roles if role)),
    )


_PRICES: Final = Shape(_PricesWire)
