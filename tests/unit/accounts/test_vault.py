"""Sessions at rest: sealed, bound to their row, named by digests."""

from __future__ import annotations

import copy
import pickle
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.accounts.key_file import KeyFileUnusable
from jimeng_api.accounts.vault import Vault, VaultBroken
from jimeng_api.domain.secret import Secret

KEY = "0123456789abcdef0123456789abcdef,us-fedcba9876543210fedcba9876543210"
VAULT = Vault(Secret("k" * 64))
SESSIONS = VAULT.caller(KEY).sessions


def test_the_key_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    first = Vault.at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) == 64
    assert Vault.at(path).open(first.seal(SESSIONS, row="1"), row="1") == SESSIONS_OF(first)
    assert Vault.at(tmp_path / "other.key").caller(KEY).owner != first.caller(KEY).owner


def SESSIONS_OF(vault: Vault) -> object:  # noqa: N802 - read as what it stands for
    """The same sessions, named by another vault."""
    return tuple(
        replace(session, account=named.account)
        for session, named in zip(SESSIONS, vault.caller(KEY).sessions, strict=True)
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret.key"
    Vault.at(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnusable, match="chmod 600"):
        Vault.at(path)


@pytest.mark.parametrize("content", ["", "\n", "too short"])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match="does not hold a key"):
        Vault.at(path)
    assert path.read_text() == content


def test_what_was_sealed_opens_with_the_same_key_and_row() -> None:
    assert VAULT.open(VAULT.seal(SESSIONS, row="job_1"), row="job_1") == SESSIONS


def test_nothing_of_a_session_can_be_read_in_what_is_kept() -> None:
    sealed = VAULT.seal(SESSIONS, row="job_1")
    for session in SESSIONS:
        assert session.secret.reveal().encode() not in sealed
        assert session.secret.reveal()[:8].encode() not in sealed
    assert VAULT.seal(SESSIONS, row="job_1") != sealed  # never the same bytes twice


@pytest.mark.parametrize("row", ["job_2", "", "job_1 "])
def test_a_seal_that_was_moved_to_another_row_does_not_open(row: str) -> None:
    with pytest.raises(VaultBroken):
        VAULT.open(VAULT.seal(SESSIONS, row="job_1"), row=row)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(VaultBroken):
        Vault(Secret("j" * 64)).open(VAULT.seal(SESSIONS, row="job_1"), row="job_1")


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, change: int) -> None:
    sealed = bytearray(VAULT.seal(SESSIONS, row="job_1"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(VaultBroken):
        VAULT.open(bytes(sealed), row="job_1")


@given(st.binary(max_size=40))
def test_no_other_bytes_open(sealed: bytes) -> None:
    with pytest.raises(VaultBroken):
        VAULT.open(sealed, row="job_1")


def test_names_say_nothing_and_are_the_same_for_the_same_key() -> None:
    caller = VAULT.caller(KEY)
    assert caller == VAULT.caller(f" {KEY} ,")
    assert caller.sites == ("cn", "us")
    names = {caller.owner, *(session.account for session in caller.sessions)}
    assert len(names) == 3
    for name in names:
        assert len(name) == 32
        assert int(name, 16)
    assert VAULT.caller(KEY.split(",")[0]).owner != caller.owner


def test_an_account_on_two_sites_has_two_names() -> None:
    session = KEY.split(",")[0]
    first, second = VAULT.caller(f"{session},us-{session}").sessions
    assert first.account != second.account


def test_a_secret_is_shown_nowhere() -> None:
    secret = SESSIONS[0].secret
    text = secret.reveal()
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>40}",
        repr(SESSIONS),
        f"{secret}",
    ):
        assert text not in shown
    assert secret.masked() == "0123…cdef"
    assert Secret("short").masked() == "***"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert copy.deepcopy(secret) is secret
    assert secret == Secret(text)
    assert secret != text
    assert len({secret, Secret(text)}) == 1
