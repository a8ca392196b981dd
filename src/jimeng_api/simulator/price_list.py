"""What the sites charge for what they call benefits: a list of prices, by membership."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from jimeng_api.simulator.menu import Menu
from jimeng_api.simulator.sites import Site

MEMBERS = "vip"
EVERYONE = "all"


class _Price(NamedTuple):
    resource: str
    benefit: str
    unit: str
    credits: float
    role: str


def price_list(menu: Menu, site: Site, wanted: Any) -> dict[str, Any]:
    """The list, or the resources and benefits of it that are asked for."""
    asked = wanted if isinstance(wanted, list) else []
    prices = [price for price in _prices(menu, site) if any(_is_asked(price, one) for one in asked)]
    resources = dict.fromkeys(price.resource for price in prices)
    return {
        "metadata_list": [
            {
                "resource_type": "aigc",
                "resource_id": resource,
                "benefits_pay_strategy": [
                    _strategy(number, price)
                    for number, price in enumerate(prices, 1)
                    if price.resource == resource
                ],
            }
            for resource in resources
        ]
    }


def _is_asked(price: _Price, query: Any) -> bool:
    if not isinstance(query, dict) or query.get("resource_type") != "aigc":
        return False
    benefits = query.get("benefit_type_list") or [price.benefit]
    return query.get("resource_id") in ("get_all", price.resource) and price.benefit in benefits


def _strategy(number: int, price: _Price) -> dict[str, Any]:
    return {
        "benefit_type": price.benefit,
        "benefit_id": number,
        "name": price.benefit,
        "unit": price.unit,
        "use_mode": "use",
        "credit_strategy": {
            "credit_pricing_info": {
                "credit_unit_price": price.credits,
                "original_credit_unit_price": price.credits,
                "min_charge_cnt": 1,
            },
            "credit_limits": [{"role": price.role}],
        },
    }


def _prices(menu: Menu, site: Site) -> Iterator[_Price]:
    """Every price; what several models pay with at different prices is not listed at all."""
    listed: dict[tuple[str, str], set[_Price]] = {}
    for price in _all(menu, site):
        listed.setdefault((price.benefit, price.role), set()).add(price)
    doubtful = {benefit for (benefit, _), prices in listed.items() if len(prices) > 1}
    for prices in listed.values():
        yield from (price for price in prices if price.benefit not in doubtful)


def _all(menu: Menu, site: Site) -> Iterator[_Price]:
    for row in menu.listed_images(site):
        for resolution, benefit in row.benefits.items():
            if resolution not in row.prices:
                continue
            yield _Price("generate_img", benefit, "page", row.prices[resolution], EVERYONE)
            if resolution in row.member_prices:
                cheap = row.member_prices[resolution]
                yield _Price("generate_img", benefit, "page", cheap, MEMBERS)
    for film in menu.listed_films(site):
        for resolution, price in film.prices.items():
            for benefit in film.benefits[resolution]:
                yield _Price("generate_video", benefit, "second", price, EVERYONE)
