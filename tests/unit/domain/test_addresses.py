"""Which addresses only this machine reaches: elsewhere, a gateway with stored accounts must have keys."""

from __future__ import annotations

import pytest

from jimeng_api.domain.addresses import is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("::ffff:10.0.0.1", False),
        ("gateway.example", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_what_may_be_reached_from_elsewhere_is_no_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
