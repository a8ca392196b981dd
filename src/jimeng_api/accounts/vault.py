"""Sessions at rest and their names: encrypted and digested with the key file of this gateway."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jimeng_api.accounts import key_file
from jimeng_api.accounts.session import Caller, Session, sessions_of
from jimeng_api.domain.secret import Secret

_NONCE_BYTES = 12
_NAMES = " names:"


class VaultBroken(Exception):
    """What was kept cannot be read: another key file, or changed bytes."""


class Vault:
    """Seals and opens sessions (AES-256-GCM, bound to their row), and names callers and accounts.

    Names are keyed digests (HMAC-SHA-256): without the key nobody can tell whose they are. They stay when the
    key is replaced, since what was named cannot be named anew: the text of a later key has the first one
    behind it.
    """

    def __init__(self, key: Secret) -> None:
        """`key` is the text of a key file."""
        own, _, before = key.reveal().partition(_NAMES)
        self._first = before or own
        self._cipher = AESGCM(_derived(own, "sessions"))
        self._naming = _derived(self._first, "names")
        self.key_digest = hmac.digest(_derived(own, "names"), b"key file", "sha256").hex()[:32]

    @classmethod
    def at(cls, path: Path) -> Vault:
        """The vault of a key file, which is made (mode 0600) if it is not there."""
        return cls(key_file.key_at(path))

    def later_key(self, new: Secret) -> Secret:
        """The text of a key file with this new key, for a vault that gives the same names."""
        return Secret(f"{new.reveal()}{_NAMES}{self._first}")

    def caller(self, key: str) -> Caller:
        """Who sent this key. Raises InvalidKey where it holds no session."""
        pairs = sessions_of(key)
        sessions = tuple(self.session(site, secret) for site, secret in pairs)
        return Caller(
            owner=self.digest("owner", *(session.account for session in sessions)),
            sessions=sessions,
        )

    def seal(self, sessions: Iterable[Session], *, row: str) -> bytes:
        plain = msgspec.json.encode([_revealed(session) for session in sessions])
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, row.encode())

    def open(self, sealed: bytes, *, row: str) -> tuple[Session, ...]:
        nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, box, row.encode())
        except (InvalidTag, ValueError) as error:
            raise VaultBroken(
                "the sessions kept in a row do not open with this key file"
            ) from error
        kept = msgspec.json.decode(plain, type=list[list[str]])
        return tuple(
            self.session(site, Secret(text), *map(Secret, way)) for site, text, *way in kept
        )

    def session(self, site: str, secret: Secret, proxy: Secret | None = None) -> Session:
        account = self.digest("account", site, secret.reveal())
        return Session(site=site, secret=secret, account=account, proxy=proxy)

    def digest(self, *parts: str) -> str:
        """A name for the parts that nobody can tell, or guess, without the key file."""
        text = "\0".join(parts).encode()
        return hmac.new(self._naming, text, hashlib.sha256).hexdigest()[:32]


def _revealed(session: Session) -> list[str]:
    way = [session.proxy.reveal()] if session.proxy else []
    return [session.site, session.secret.reveal(), *way]


def _derived(key: str, purpose: str) -> bytes:
    return hmac.digest(key.encode(), purpose.encode(), "sha256")
