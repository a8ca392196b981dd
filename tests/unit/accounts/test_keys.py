"""What a caller may send as a key, and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.accounts.choice import choose
from jimeng_api.accounts.session import Session, sessions_of
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret

ONE = "0123456789abcdef0123456789abcdef"
TWO = "fedcba9876543210fedcba9876543210"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ONE, [("cn", ONE)]),
        (f"us-{ONE}", [("us", ONE)]),
        (f"US-{ONE}", [("us", ONE)]),
        (f"Hk-{ONE}", [("hk", ONE)]),
        (f"jP-{ONE}", [("jp", ONE)]),
        (f"sg-{ONE}", [("sg", ONE)]),
        (f"{ONE},us-{TWO}", [("cn", ONE), ("us", TWO)]),
        (f" {ONE} ,\tus-{TWO}\n", [("cn", ONE), ("us", TWO)]),
        (f",,{ONE},,", [("cn", ONE)]),
        (f"{ONE},{ONE},{TWO},{ONE}", [("cn", ONE), ("cn", TWO)]),
        (f"{ONE},us-{ONE}", [("cn", ONE), ("us", ONE)]),
        (
            "cn-session",
            [("cn", "cn-session")],
        ),  # there is no such prefix: it is part of the session
        ("abcdef", [("cn", "abcdef")]),
        ("a%2Fb~c.d_e-f", [("cn", "a%2Fb~c.d_e-f")]),
        ("x" * 512, [("cn", "x" * 512)]),
    ],
)
def test_a_key_is_one_session_or_several(key: str, expected: list[tuple[str, str]]) -> None:
    assert [(site, secret.reveal()) for site, secret in sessions_of(key)] == expected


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "No key"),
        (" , ,", "No key"),
        ("sk-" + "a" * 48, "OpenAI key"),
        ("sk-proj-" + "A1_-" * 12, "OpenAI key"),
        (f"{ONE},sk-{'a' * 48}", "OpenAI key"),
        (f"socks5://user:pass@10.0.0.1:1080@{ONE}", "proxy"),
        (f"http://proxy@{ONE}", "proxy"),
        (f"{ONE},https://proxy.example@{TWO}", "proxy"),
        ("jm-" + "a" * 32, "sent alone"),
        ("short", "not a session id"),
        ("us-", "not a session id"),
        ("session id", "not a session id"),
        ("session;id=1", "not a session id"),
        ('"session"', "not a session id"),
        ("sitzung-äöü", "not a session id"),
        ("a\r\nset-cookie: b", "not a session id"),
        ("x" * 513, "not a session id"),
        (f"{ONE},bad key", "not a session id"),
        (",".join(f"session-number-{n}" for n in range(65)), "at most 64"),
    ],
)
def test_what_cannot_be_a_session_is_refused_and_says_why(key: str, says: str) -> None:
    with pytest.raises(InvalidKey, match=says) as caught:
        sessions_of(key)
    for part in key.split(","):
        if len(part) >= 16:
            assert part not in caught.value.message


def test_sixty_four_sessions_are_not_too_many() -> None:
    assert len(sessions_of(",".join(f"session-number-{n}" for n in range(64)))) == 64


@given(st.text(max_size=60))
def test_any_text_is_either_sessions_or_refused(key: str) -> None:
    try:
        found = sessions_of(key)
    except InvalidKey:
        return
    assert found
    for _, secret in found:
        assert secret.reveal().isascii()
        assert not set(secret.reveal()) & set(' ;,"\\\r\n')


def a_session(name: str, site: str = "cn") -> Session:
    return Session(site=site, secret=Secret(name), account=name)


def test_the_least_loaded_session_is_chosen_and_the_callers_order_decides_between_equals() -> None:
    sessions = [a_session("a"), a_session("b"), a_session("c", "us")]
    loads = {"a": 2, "b": 1, "c": 0}

    def chosen(*names: str) -> str | None:
        fit = [session for session in sessions if session.account in names]
        found = choose(fit, load=loads.__getitem__)
        return found.account if found else None

    assert chosen("a", "b", "c") == "c"
    assert chosen("a", "b") == "b"
    assert chosen("a") == "a"
    assert chosen() is None
    loads["a"] = loads["b"]
    assert chosen("a", "b") == "a"
