from __future__ import annotations

import pytest

from jimeng_api.domain.errors import (
    ProtocolChanged,
)
from jimeng_api.upstream.replies.answers import Reply
from jimeng_api.upstream.replies.users import user_of


def test_a_user_is_known_by_its_id_whatever_that_is_called() -> None:
    assert user_of(Reply(data=b'{"uid":"700000000000001","name":"n"}'))
    assert user_of(Reply(data=b'{"user_id":7}'))
    assert not user_of(Reply(data=b'{"uid":"0"}'))
    with pytest.raises(ProtocolChanged):
        user_of(Reply(data=b"{}"))
