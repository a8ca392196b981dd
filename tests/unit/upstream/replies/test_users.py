from __future__ import annotations

import pytest

from jimeng_api.domain.errors import (
    ProtocolChanged,
)
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.users import signed_in


def test_a_user_is_signed_in_where_one_is_named() -> None:
    assert signed_in(Reply(data=b'{"uid":"700000000000001","name":"n"}'))
    assert signed_in(Reply(data=b'{"user_id":7}'))
    assert not signed_in(Reply(data=b'{"uid":"0"}'))
    with pytest.raises(ProtocolChanged):
        signed_in(Reply(data=b"{}"))
