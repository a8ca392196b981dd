"""Spoils answers on their way out, as a queued wire fault says."""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Awaitable, Callable

from jimeng_api.simulator.envelope import encoded
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.wire import HTML, Line, Reply

MIB = 2**20

EDGE_PAGE = (
    b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n"
    b"<hr><center>edge</center>\r\n</body>\r\n</html>\r\n"
)
LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b'<body><form action="/passport/web/login" method="post"></form></body></html>'
)
MAINTENANCE_PAGE = (
    b"<!DOCTYPE html><html><head><title>Maintenance</title></head>"
    b"<body><p>The service is being maintained.</p></body></html>"
)

_NOT_DONE = frozenset(
    ("timeout", "reset", "maintenance", "too_many_requests", "unauthorized", "login_redirect",
     "lone_surrogate", "hostile_text")
)  # fmt: skip


def is_done(fault: Queued) -> bool:
    """Whether the request takes effect although its answer is spoilt."""
    if fault.fault.name in _NOT_DONE:
        return False
    return bool(fault.settings.get("accepted", True))


def _page(status: int) -> Reply:
    return Reply(EDGE_PAGE % (status, status), status, HTML)


async def _delay(line: Line, reply: Reply, fault: Queued) -> None:
    if await line.wait(float(fault["seconds"])):
        await line.answer(reply)


async def _silence(line: Line, _: Reply, fault: Queued) -> None:
    if await line.wait(float(fault["seconds"])):
        await line.reset()


async def _reset(line: Line, _: Reply, __: Queued) -> None:
    await line.reset()


async def _cut(line: Line, reply: Reply, fault: Queued) -> None:
    await line.broken_answer(reply, int(len(reply.body) * fault["keep"]))


async def _http_error(line: Line, _: Reply, fault: Queued) -> None:
    await line.answer(_page(int(fault["status"])))


async def _html_502(line: Line, _: Reply, __: Queued) -> None:
    await line.answer(_page(502))


async def _html_504(line: Line, _: Reply, __: Queued) -> None:
    await line.answer(_page(504))


async def _json_500(line: Line, _: Reply, fault: Queued) -> None:
    body = {"ret": str(fault["ret"]), "errmsg": "internal error", "data": None}
    await line.answer(Reply(encoded(body), 500))


async def _maintenance(line: Line, _: Reply, fault: Queued) -> None:
    headers = {"retry-after": str(fault["retry_after"])}
    await line.answer(Reply(MAINTENANCE_PAGE, 503, HTML, headers))


async def _too_many(line: Line, _: Reply, fault: Queued) -> None:
    headers = {"retry-after": str(fault["retry_after"])}
    await line.answer(Reply(_page(429).body, 429, HTML, headers))


async def _unauthorized(line: Line, _: Reply, fault: Queued) -> None:
    await line.answer(Reply(b"{}", int(fault["status"])))


async def _login_page(line: Line, _: Reply, __: Queued) -> None:
    await line.answer(Reply(LOGIN_PAGE, 200, HTML))


async def _login_redirect(line: Line, _: Reply, fault: Queued) -> None:
    await line.answer(Reply(b"", 302, HTML, {"location": str(fault["to"])}))


async def _redirect(line: Line, _: Reply, fault: Queued) -> None:
    await line.answer(Reply(b"", int(fault["status"]), HTML, {"location": str(fault["to"])}))


async def _empty(line: Line, reply: Reply, _: Queued) -> None:
    await line.answer(Reply(b"", 200, reply.content_type))


async def _truncated(line: Line, reply: Reply, fault: Queued) -> None:
    reply.body = reply.body[: int(len(reply.body) * fault["keep"])]
    await line.answer(reply)


async def _non_utf8(line: Line, reply: Reply, _: Queued) -> None:
    reply.body = reply.body[:-1] + b',"note":"\xff\xfe\xc3\x28"}'
    await line.answer(reply)


async def _deep(line: Line, reply: Reply, fault: Queued) -> None:
    depth = int(fault["depth"])
    reply.body = reply.body[:-1] + b',"note":' + b"[" * depth + b"]" * depth + b"}"
    await line.answer(reply)


async def _duplicate_keys(line: Line, reply: Reply, _: Queued) -> None:
    reply.body = b'{"ret":"1000","data":null,' + reply.body[1:]
    await line.answer(reply)


async def _lone_surrogate(line: Line, reply: Reply, fault: Queued) -> None:
    ret = str(fault["ret"]).encode()
    reply.body = b'{"ret":"%b","errmsg":"half \\ud83d of it","data":null}' % ret
    await line.answer(reply)


async def _hostile_text(line: Line, reply: Reply, fault: Queued) -> None:
    errmsg = "<script>alert(1)</script>\x1b[31m\r\nSet-Cookie: a=b " + "x" * 2000
    body = {"ret": str(fault["ret"]), "errmsg": errmsg, "data": None}
    await line.answer(Reply(encoded(body), headers=reply.headers))


async def _drip(line: Line, reply: Reply, fault: Queued) -> None:
    pieces = (reply.body[at : at + 1] for at in range(len(reply.body)))
    await line.dripping_answer(reply, pieces, float(fault["seconds_per_byte"]))


async def _huge(line: Line, reply: Reply, fault: Queued) -> None:
    await line.endless_answer(reply, b" " * MIB, int(fault["megabytes"]))


async def _gzip_bomb(line: Line, reply: Reply, fault: Queued) -> None:
    body = await asyncio.to_thread(_bomb, reply.body, int(fault["megabytes"]))
    headers = {**reply.headers, "content-encoding": "gzip"}
    await line.answer(Reply(body, reply.status, reply.content_type, headers))


def _bomb(tail: bytes, megabytes: int) -> bytes:
    """A gzip file of so many megabytes of blanks, then the tail."""
    filling = b" " * MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(filling) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(filling, checksum)
    checksum = zlib.crc32(tail, checksum)
    end = packer.compress(tail) + packer.flush()
    length = (megabytes * MIB + len(tail)) & 0xFFFF_FFFF
    return (
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
        + piece * megabytes
        + end
        + struct.pack("<II", checksum, length)
    )


async def _unasked(line: Line, reply: Reply, fault: Queued) -> None:
    await line.answer(compressed(reply, str(fault["encoding"])))


async def _close_after(line: Line, reply: Reply, _: Queued) -> None:
    await line.answer(reply)
    line.close_quietly()


async def _as_it_is(line: Line, reply: Reply, _: Queued) -> None:
    await line.answer(reply)


SPOILERS: dict[str, Callable[[Line, Reply, Queued], Awaitable[None]]] = {
    "delay": _delay,
    "timeout": _silence,
    "accepted_then_timeout": _silence,
    "reset": _reset,
    "accepted_then_reset": _reset,
    "cut_answer": _cut,
    "http_error": _http_error,
    "html_502": _html_502,
    "html_504": _html_504,
    "json_500": _json_500,
    "maintenance": _maintenance,
    "too_many_requests": _too_many,
    "unauthorized": _unauthorized,
    "login_page": _login_page,
    "login_redirect": _login_redirect,
    "redirect": _redirect,
    "empty_body": _empty,
    "null_data": _as_it_is,
    "truncated_json": _truncated,
    "non_utf8": _non_utf8,
    "deep_json": _deep,
    "duplicate_keys": _duplicate_keys,
    "lone_surrogate": _lone_surrogate,
    "hostile_text": _hostile_text,
    "drip": _drip,
    "huge_body": _huge,
    "gzip_bomb": _gzip_bomb,
    "unasked_encoding": _unasked,
    "close_after_answer": _close_after,
    "clock_skew": _as_it_is,
    "number_as_ret": _as_it_is,
}
"""The last three kinds change what is put into the envelope, not how it is sent."""


def compressed(reply: Reply, encoding: str) -> Reply:
    body = brotli_stored(reply.body) if encoding == "br" else gzip.compress(reply.body, 1, mtime=0)
    headers = {**reply.headers, "content-encoding": encoding}
    return Reply(body, reply.status, reply.content_type, headers)


def brotli_stored(body: bytes) -> bytes:
    """A valid Brotli stream that holds the bytes as they are, without a Brotli library."""
    parts: list[bytes] = []
    bits, filled = 0b1011, 4  # 4 bits: a window of 2^22
    for start in range(0, len(body), 65_536):
        piece = body[start : start + 65_536]
        # not last (1 bit: 0), four nibbles of length (2 bits: 0), length - 1, stored (1 bit: 1)
        header = (len(piece) - 1) << 3 | 1 << 19
        bits |= header << filled
        filled += 20
        whole = -(-filled // 8)
        parts += (bits.to_bytes(whole, "little"), piece)
        bits, filled = 0, 0
    bits |= 0b11 << filled  # last and empty
    filled += 2
    parts.append(bits.to_bytes(-(-filled // 8), "little"))
    return b"".join(parts)
