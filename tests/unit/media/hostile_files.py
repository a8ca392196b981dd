"""Sixty files that are no picture for us: bombs, broken ones and liars, none larger than a megabyte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping

from PIL import Image

from tests.unit.media.pictures import claiming, picture

MEGABYTE = 1024 * 1024
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = zlib.compress(bytes(4000))


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(
    width: int = 30, height: int = 30, depth: int = 8, colours: int = 2, rest: bytes = b"\0\0\0"
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colours) + rest)


def png(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks)


DATA, END = chunk(b"IDAT", PIXELS), chunk(b"IEND")


def segment(mark: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(data) + 2) + data


def frame(width: int = 30, height: int = 30, mark: int = 0xC0) -> bytes:
    return segment(mark, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"coded \xff\x00 data"


def jpeg(*segments: bytes, end: bytes = b"\xff\xd9") -> bytes:
    return b"\xff\xd8" + b"".join(segments) + end


def riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


def lossy(width: int = 30, height: int = 30, mark: bytes = b"\x9d\x01\x2a", tag: int = 0) -> bytes:
    return riff(b"VP8 ", bytes((tag, 0, 0)) + mark + struct.pack("<HH", width, height) + bytes(50))


def lossless(width: int = 30, height: int = 30, mark: int = 0x2F, version: int = 0) -> bytes:
    bits = (width - 1) | (height - 1) << 14 | version << 29
    return riff(b"VP8L", struct.pack("<BI", mark, bits) + bytes(50))


def moving(form: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


def cut(form: str, part: float) -> bytes:
    body = picture(form, (400, 300))
    return body[: int(len(body) * part)]


def flipped(at: float) -> bytes:
    body = bytearray(picture("png", (200, 200)))
    body[int(len(body) * at)] ^= 0x10
    return bytes(body)


def bomb(side: int) -> bytes:
    """A real one: all its pixels are there, packed a thousand times."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png(header(side, side, 1, 0), chunk(b"IDAT", data), END)


FILES: Mapping[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "zeros": lambda: bytes(MEGABYTE),
    "all ones": lambda: b"\xff" * MEGABYTE,
    "html": lambda: b"<!DOCTYPE html><html></html>",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "svg with entities": lambda: b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg>&a;</svg>',
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": lambda: b"%PDF-1.7\n",
    "gif": lambda: picture("gif"),
    "bmp": lambda: picture("bmp"),
    "tiff": lambda: picture("tiff"),
    "ico": lambda: picture("ico"),
    "psd": lambda: b"8BPS\0\1" + bytes(200),
    "avif": lambda: b"\0\0\0\x20ftypavif" + bytes(200),
    "zip": lambda: b"PK\3\4" + bytes(200),
    "gzip of a picture": lambda: b"\x1f\x8b" + zlib.compress(picture("png")),
    "png: signature only": lambda: SIGNATURE,
    "png: 13,000 x 13,000, all there": lambda: bomb(13_000),
    "png: 60,000 x 60,000 claimed": lambda: claiming(60_000, 60_000),
    "png: as large as can be claimed": lambda: claiming(2**31 - 1, 2**31 - 1),
    "png: one line too long": lambda: claiming(50_000_001, 1),
    "png: no width": lambda: png(header(0, 30), DATA, END),
    "png: no height": lambda: png(header(30, 0), DATA, END),
    "png: depth that does not exist": lambda: png(header(depth=3), DATA, END),
    "png: colours that do not exist": lambda: png(header(colours=5), DATA, END),
    "png: packed in another way": lambda: png(header(rest=b"\1\0\0"), DATA, END),
    "png: laced in another way": lambda: png(header(rest=b"\0\0\2"), DATA, END),
    "png: short header": lambda: png(chunk(b"IHDR", bytes(12)), DATA, END),
    "png: no header": lambda: png(DATA, END),
    "png: two headers": lambda: png(header(), header(9000, 9000), DATA, END),
    "png: header later": lambda: png(chunk(b"tEXt", b"a\0b"), header(), DATA, END),
    "png: no data": lambda: png(header(), END),
    "png: no end": lambda: png(header(), DATA),
    "png: no palette": lambda: png(header(colours=3), DATA, END),
    "png: a million empty chunks": lambda: png(header(), chunk(b"tEXt") * 87_000, DATA, END),
    "png: chunk longer than the file": lambda: png(header(), b"\x7f\xff\xff\xffIDAT" + bytes(99)),
    "png: chunk longer than can be": lambda: png(header(), b"\xff\xff\xff\xffIDAT" + bytes(99)),
    "png: wrong checksum": lambda: png(header(), DATA[:-1] + b"\0", END),
    "png: one bit": lambda: flipped(0.5),
    "png: one bit near the end": lambda: flipped(0.99),
    "png: ends early": lambda: cut("png", 0.9),
    "png: animated": lambda: moving("PNG"),
    "png: packed notes without end": lambda: png(
        header(), *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9_000_000), 9))] * 100, DATA
    ),
    "jpeg: start only": lambda: b"\xff\xd8\xff\xe0",
    "jpeg: 60,000 x 60,000 claimed": lambda: jpeg(frame(60_000, 60_000), SCAN),
    "jpeg: two sizes": lambda: jpeg(frame(), frame(9000, 9000), SCAN),
    "jpeg: height told later": lambda: jpeg(frame(30, 0), SCAN),
    "jpeg: no frame": lambda: jpeg(SCAN),
    "jpeg: frame and no scan": lambda: jpeg(frame()),
    "jpeg: short frame": lambda: jpeg(segment(0xC0, b"\x08\0"), SCAN),
    "jpeg: arithmetic": lambda: jpeg(frame(mark=0xC9), SCAN),
    "jpeg: no end": lambda: jpeg(frame(), SCAN, end=b""),
    "jpeg: ends early": lambda: cut("jpeg", 0.9),
    "jpeg: marks filled without end": lambda: jpeg(b"\xff" * (MEGABYTE - 10), end=b""),
    "jpeg: restarts without end": lambda: jpeg(frame(), SCAN, b"\xff\xd0" * 500_000, end=b""),
    "jpeg: a quarter million notes": lambda: jpeg(segment(0xFE) * 250_000, frame(), SCAN),
    "jpeg: scans without end": lambda: jpeg(frame(), segment(0xDA, b"\x01\x01\0") * 140_000),
    "jpeg: segment longer than the file": lambda: jpeg(b"\xff\xe1\xff\xff", end=b""),
    "jpeg: segment of no length": lambda: jpeg(b"\xff\xe1\0\0" * 9, frame(), SCAN),
    "webp: 16,383 x 16,383": lambda: webp(lossless(16_383, 16_383)),
    "webp: canvas of 16,777,216 x 16,777,216": lambda: webp(canvas(2**24, 2**24), lossy()),
    "webp: canvas unlike its picture": lambda: webp(canvas(31, 30), lossy()),
    "webp: canvas and no picture": lambda: webp(canvas(30, 30)),
    "webp: no width": lambda: webp(lossy(0)),
    "webp: no key frame": lambda: webp(lossy(tag=1)),
    "webp: another mark": lambda: webp(lossy(mark=b"abc")),
    "webp: another version": lambda: webp(lossless(version=1)),
    "webp: two pictures": lambda: webp(lossy(), lossy()),
    "webp: empty": lambda: webp(),
    "webp: animated": lambda: moving("WEBP"),
    "webp: animated without saying so": lambda: webp(canvas(30, 30), riff(b"ANMF", bytes(60))),
    "webp: ends early": lambda: cut("webp", 0.9),
    "webp: chunk longer than the file": lambda: webp(b"VP8 \xff\xff\xff\x7f" + bytes(40)),
    "webp: longer than it is": lambda: webp(lossy(), length=2**32 - 1),
    "webp: a hundred thousand empty chunks": lambda: webp(lossy(), riff(b"XXXX", b"") * 125_000),
    "wave sound": lambda: b"RIFF" + struct.pack("<I", 40) + b"WAVEfmt " + bytes(40),
}
