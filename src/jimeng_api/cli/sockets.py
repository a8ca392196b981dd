"""Listening sockets, bound before anything is served on them, so that their port is known."""

from __future__ import annotations

import socket

import typer

from jimeng_api.cli.caller import err


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to the address; ends the program with exit code 1 where that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        err.print(f"Cannot listen on {host}:{port}: {error.strerror or error}.")
        raise typer.Exit(1) from None


def origin_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
