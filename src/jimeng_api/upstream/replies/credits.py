"""The credits of an account: the balance, and what a daily grant gave. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.domain.credits import Credits, Expiring
from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import count, moment


class _SumsWire(msgspec.Struct):
    vip_credit: Any = None
    gift_credit: Any = None
    purchase_credit: Any = None


class _ExpiringWire(msgspec.Struct):
    credit_amount: Any = None
    expire_time: Any = None


class _ResidualWire(msgspec.Struct):
    residual_credits: Any = None


class _DetailWire(msgspec.Struct):
    gift_credits: list[_ResidualWire | None] | None = None
    vip_credits: list[_ResidualWire | None] | None = None


class _CreditsWire(msgspec.Struct):
    credit: _SumsWire | None = None
    expiring_credits: list[_ExpiringWire | None] | None = None
    credits_detail: _DetailWire | None = None


class _GrantWire(msgspec.Struct):
    receive_quota: Any = None


def credits_of(reply: Reply) -> Credits:
    """The balance. The sums lag behind the details after a grant, so the larger of both counts."""
    wire = _CREDITS.read(reply.data)
    if wire is None or wire.credit is None:
        raise ProtocolChanged("The upstream's account of the credits cannot be read.")
    sums, detail = wire.credit, wire.credits_detail or _DetailWire()
    lapses = [
        Expiring(amount=count(one.credit_amount), at=moment(one.expire_time))
        for one in wire.expiring_credits or ()
        if one is not None and count(one.credit_amount)
    ]
    return Credits(
        vip=max(count(sums.vip_credit), _residual(detail.vip_credits)),
        gift=max(count(sums.gift_credit), _residual(detail.gift_credits)),
        purchased=count(sums.purchase_credit),
        expiring=tuple(sorted(lapses, key=lambda one: one.at)),
    )


def granted(reply: Reply) -> int:
    """How many credits the daily grant gave; 0 where it was received before."""
    wire = _GRANT.read(reply.data)
    return 0 if wire is None else count(wire.receive_quota)


def _residual(entries: list[_ResidualWire | None] | None) -> int:
    return sum(count(entry.residual_credits) for entry in entries or () if entry is not None)


_CREDITS: Final = Shape(_CreditsWire)
_GRANT: Final = Shape(_GrantWire)
