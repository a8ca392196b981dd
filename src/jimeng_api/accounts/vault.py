"""Sessions at rest and their names: encrypted and digested with the key file of this gateway."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jimeng_api.accounts.session import Caller, Session, sessions_of
from jimeng_api.domain.secret import Secret

_KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyFileUnusable(Exception):
    """The key file cannot be used as it is; the message tells the operator what to do."""


class VaultBroken(Exception):
    """What was kept cannot be read: another key file, or changed bytes."""


class Vault:
    """Seals and opens sessions (AES-256-GCM, bound to their row), and names callers and accounts.

    Names are keyed digests (HMAC-SHA-256): without the key file nobody can tell whose they are.
    """

    def __init__(self, key: Secret) -> None:
        self._key = key
        self._cipher = AESGCM(self._derived("sessions"))

    @classmethod
    def at(cls, path: Path) -> Vault:
        """The vault of a key file, which is made (mode 0600) if it is not there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        return cls(_read(path))

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
                "the sessions kept with a job do not open with this key file"
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
        return hmac.new(self._derived("names"), text, hashlib.sha256).hexdigest()[:32]

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self._key.reveal().encode(), purpose.encode(), "sha256")


def _revealed(session: Session) -> list[str]:
    way = [session.proxy.reveal()] if session.proxy else []
    return [session.site, session.secret.reveal(), *way]


def _make(path: Path) -> None:
    """A new key in one step: whoever is killed here, or loses a race, leaves no half of one."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(os.urandom(_KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(name)
    finally:
        Path(name).unlink()


def _read(path: Path) -> Secret:
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileUnusable(
            f"{path} can be read by others; make it yours alone: chmod 600 {path}"
        )
    key = path.read_text().strip()
    if len(key) < _KEY_BYTES:
        raise KeyFileUnusable(f"{path} does not hold a key; move it away and a new one is made")
    return Secret(key)
