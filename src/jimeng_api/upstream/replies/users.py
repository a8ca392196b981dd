"""Whom a session belongs to, if anybody. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from jimeng_api.domain.errors import ProtocolChanged
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.shapes import Shape
from jimeng_api.upstream.replies.words import identity


class _UserWire(msgspec.Struct):
    uid: Any = None
    user_id: Any = None


def signed_in(reply: Reply) -> bool:
    """Whether the answer names a user."""
    wire = _USER.read(reply.data)
    if wire is None or (wire.uid is None and wire.user_id is None):
        raise ProtocolChanged("The upstream's answer about the user names none.")
    return bool(identity(wire.uid) or identity(wire.user_id))


_USER: Final = Shape(_UserWire)
