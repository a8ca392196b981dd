"""Whom a session belongs to, if anybody, and whether that is a member. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import identity, plain, word


class _UserWire(msgspec.Struct):
    uid: Any = None
    user_id: Any = None


class _MembershipWire(msgspec.Struct):
    flag: Any = None
    cur_vip_level: Any = None


def user_of(reply: Reply) -> str:
    """The id of the user that the answer names; empty where it says that there is none."""
    wire = _USER.read(reply.data)
    if wire is None or (wire.uid is None and wire.user_id is None):
        raise ProtocolChanged("The upstream's answer about the user names none.")
    return identity(wire.uid) or identity(wire.user_id)


def membership_of(reply: Reply) -> str:
    """The level of the account's membership, in the upstream's word; empty without one."""
    wire = _MEMBERSHIP.read(reply.data)
    if wire is None or wire.flag is not True:
        return ""
    return plain(word(wire.cur_vip_level), 64) or "member"


_USER: Final = Shape(_UserWire)
_MEMBERSHIP: Final = Shape(_MembershipWire)
