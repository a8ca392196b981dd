"""The key on the disk: made once, its owner's alone, and replaced in one step."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jimeng_api.domain.secret import Secret

_KEY_BYTES = 32


class KeyFileUnusable(Exception):
    """The key file cannot be used as it is; the message tells the operator what to do."""


def key_at(path: Path) -> Secret:
    """The text of a key file, which is made (mode 0600) if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Whoever loses a race takes what the other has made.
        with _written_beside(path, new_key()) as written, contextlib.suppress(FileExistsError):
            path.hardlink_to(written)
    return _read(path)


def new_key() -> Secret:
    return Secret(os.urandom(_KEY_BYTES).hex())


def checked(text: str) -> Secret:
    """A key that came from elsewhere. Raises KeyFileUnusable."""
    key = text.strip()
    if len(key) < _KEY_BYTES:
        raise KeyFileUnusable("The key is too short: at least 32 characters, better 64 hex digits.")
    return Secret(key)


def next_to(path: Path) -> Path:
    """Where the key waits that is to replace the one of this file."""
    return path.with_name(f"{path.name}.next")


def write(path: Path, key: Secret) -> None:
    """Write a key down, in one step: it is on the disk when this returns."""
    with _written_beside(path, key) as written:
        written.replace(path)
        _sync(path.parent)


def take_next(path: Path) -> None:
    """Put the key that waits in the place of the file's, in one step, unless somebody else has done it."""
    with contextlib.suppress(FileNotFoundError):
        next_to(path).replace(path)
    _sync(path.parent)


@contextlib.contextmanager
def _written_beside(path: Path, key: Secret) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key.reveal() + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read(path: Path) -> Secret:
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileUnusable(
            f"{path} can be read by others; make it yours alone: chmod 600 {path}"
        )
    try:
        return checked(path.read_text())
    except KeyFileUnusable:
        raise KeyFileUnusable(
            f"{path} does not hold a key; move it away and a new one is made"
        ) from None
