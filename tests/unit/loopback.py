"""Servers on the loopback for tests of the transport: honest ones, rude ones, with TLS, and a proxy."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server that speaks HTTP as it should; its address."""
    server = RawTestServer(answer)
    await server.start_server()
    try:
        yield str(server.make_url("/"))
    finally:
        await server.close()


@asynccontextmanager
async def raw(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that says what it likes; its address."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http{'s' if tls else ''}://{host}:{port}/"
    finally:
        server.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection as when the machine behind it lost its memory: with a reset."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """The two sides of TLS on 127.0.0.1."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """A certificate for 127.0.0.1 that only its own client side believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "loopback.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return Certificate(server, ssl.create_default_context(cafile=str(file)))


@dataclass
class Proxy:
    """What an HTTP proxy was asked, and how it shall answer a CONNECT: at first as it should."""

    address: str = ""
    asked: list[bytes] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    hangs_up: bool = False
    resets: bool = False

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await head(reader)
        self.asked.append(asked)
        if self.hangs_up:
            return
        if self.resets:
            reset(writer)
            return
        if not asked.startswith(b"CONNECT "):
            await self._forward(asked, reader, writer)
            return
        writer.write(self.answer)
        if b" 200 " in self.answer:
            await self._tunnel(asked.split(b" ")[1].decode(), b"", reader, writer)

    async def _forward(
        self, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        origin = asked.split(b" ")[1].split(b"/")[2]
        await self._tunnel(origin.decode(), asked, reader, writer)

    async def _tunnel(
        self,
        to: str,
        first: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        host, _, port = to.partition(":")
        their_reader, their_writer = await asyncio.open_connection(host, int(port))
        their_writer.write(first)
        try:
            await asyncio.gather(_pipe(reader, their_writer), _pipe(their_reader, writer))
        finally:
            their_writer.close()


@dataclass
class Socks:
    """A SOCKS5 proxy (RFC 1928, 1929): whom it was asked for and by whom, and how it shall answer."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    wants: str = ""
    reply: int = 0
    hangs_up: bool = False

    def address(self, user: str = "") -> str:
        return f"socks5://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        if self.hangs_up:
            return
        method = 2 if self.wants else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if self.wants and not await self._lets_in(reader, writer):
            return
        await reader.readexactly(3)
        (kind,) = await reader.readexactly(1)
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        named = await reader.readexactly(size)
        host = socket.inet_ntoa(named) if kind == 1 else named.decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"{host}:{port}")
        writer.write(bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if self.reply == 0:
            there = "127.0.0.1" if host == "upstream.test" else host
            their_reader, their_writer = await asyncio.open_connection(there, port)
            try:
                await asyncio.gather(_pipe(reader, their_writer), _pipe(their_reader, writer))
            finally:
                their_writer.close()

    async def _lets_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(1)
        user = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        self.users.append(f"{user}:{password}")
        right = self.users[-1] == self.wants
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        return right


@asynccontextmanager
async def socks_proxying() -> AsyncIterator[Socks]:
    proxy = Socks()
    async with raw(proxy.talk) as address:
        proxy.port = int(address.rstrip("/").rpartition(":")[2])
        yield proxy


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    async with raw(proxy.talk) as address:
        proxy.address = address.rstrip("/")
        yield proxy
