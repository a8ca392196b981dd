"""Draws the finished pictures: true PNG files of any size, made at very little cost.

A picture is drawn small and enlarged by repeating pixels. The PNG is put together by hand:
a row that occurred in an earlier picture is a ready-made piece, and so are the rows that
only say "the same as above". So the cost hardly depends on the size.
"""

import functools
import hashlib
import io
import struct
import zlib
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from jimeng_api.simulator.tiles import CUBE, FIRST_COLOUR, Place, Tile, image_of, places, tile_of

GRAIN = 144
"""Pixels on the longer side of the small drawing."""
MARK = "SIMULATED"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ADLER = 65521
_KEPT_BYTES = 64 * 2**20

_SKY = 64  # palette entries for the sky
_HILLS = 48
_SHAPES = 12
_INK, _PAPER = 126, 127
_COLOURS = 128
_LANDSCAPES = 24


def _mixed(start: bytes, end: bytes, steps: int) -> bytes:
    """Colours from one to the other."""
    colours, last = bytearray(3 * steps), steps - 1
    for channel in range(3):
        first, reach = start[channel], end[channel] - start[channel]
        colours[channel::3] = bytes([first + reach * step // last for step in range(steps)])
    return bytes(colours)


def _palette(dice: bytes) -> bytes:
    """128 colours that go together, chosen by the dice."""
    top = bytes((dice[0] // 2 + 20, dice[1] // 2 + 30, dice[2] // 2 + 90))
    low = bytes((dice[3] // 3 + 165, dice[4] // 3 + 140, dice[5] // 3 + 120))
    hill = bytes((dice[6] // 3 + 10, dice[7] // 3 + 60, dice[8] // 3 + 40))
    deep = bytes(value // 4 for value in hill)
    shapes = b"".join(
        bytes((dice[9 + i] // 2 + 110, dice[10 + i] // 2 + 90, dice[11 + i] // 2 + 60))
        for i in range(_SHAPES)
    )
    colours = _mixed(top, low, _SKY) + _mixed(hill, deep, _HILLS) + shapes
    return colours.ljust(_INK * 3, b"\0") + bytes((255, 255, 255)) + bytes((16, 18, 24))


@functools.cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(10)


def _words(text: str) -> Image.Image:
    """A line of text as a mask."""
    glyphs = [_glyph(character) for character in text]
    mask = Image.new("L", (max(1, sum(glyph.width for glyph in glyphs)), 14))
    x = 0
    for glyph in glyphs:
        mask.paste(glyph, (x, 0))
        x += glyph.width
    return mask


@functools.lru_cache(maxsize=1024)
def _glyph(character: str) -> Image.Image:
    """One character as a mask. What the font lacks is drawn as a small pattern of its own."""
    known = character.isascii() and character.isprintable()
    width = max(3, round(_font().getlength(character))) if known else 8
    mask = Image.new("L", (width, 14))
    draw = ImageDraw.Draw(mask)
    draw.fontmode = "1"
    if known:
        draw.text((0, 0), character, fill=255, font=_font())
    else:
        _pattern(draw, 0, character)
    return mask


def _pattern(draw: ImageDraw.ImageDraw, left: int, character: str) -> None:
    """A symmetric mark, always the same for the same character."""
    bits = hashlib.blake2b(character.encode("utf-8", "replace"), digest_size=3).digest()
    for row in range(7):
        for column in range(4):
            if bits[(row * 4 + column) // 8 % 3] >> ((row * 4 + column) % 8) & 1:
                draw.point(((left + column, 2 + row), (left + 6 - column, 2 + row)), fill=255)


class Shows(NamedTuple):
    """What a picture shows of others."""

    inputs: tuple[Tile, ...] = ()
    """Set into the drawing, in the order in which they are read."""
    source: "Order | Tile | None" = None
    """The picture that was worked on, shown instead of a drawing."""
    edges: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """What was added at top, bottom, left and right, as shares of the whole."""
    mark: str = ""
    """The tool that was at work."""


PLAIN = Shows()


class Order(NamedTuple):
    """What is to be drawn."""

    form: str
    prompt: str
    seed: int
    number: int
    width: int
    height: int
    shows: Shows = PLAIN


_EDGE_COLOURS = (FIRST_COLOUR + 105, FIRST_COLOUR + 29, FIRST_COLOUR + 9, FIRST_COLOUR + 119)


def input_places(width: int, height: int, count: int) -> list[Place]:
    """Where a picture of this size shows each of so many inputs."""
    w, h = _grain(width, height)
    return [
        Place(
            left * width // w + -(-width // w),
            top * height // h + -(-height // h),
            side * min(width, height) // min(w, h) - 2,
        )
        for left, top, side in _small_places(w, h, count)
    ]


def _small_places(w: int, h: int, count: int) -> list[Place]:
    return [
        Place(2 + left, 2 + top, side)
        for left, top, side in places(max(count, w - 2), max(count, h - 32), count)
    ]


def _grain(width: int, height: int) -> tuple[int, int]:
    scale = GRAIN / max(width, height)
    return max(8, round(width * scale)), max(8, round(height * scale))


def _small(order: Order) -> Image.Image:
    """The drawing at its small size, in palette mode."""
    shows = order.shows
    if shows.source is not None:
        return _finished(order, shows, shows.source)
    image = _drawn(order.prompt, order.seed, order.number, order.width, order.height)
    all_places = _small_places(image.width, image.height, len(shows.inputs))
    for tile, (left, top, side) in zip(shows.inputs, all_places, strict=True):
        image.paste(image_of(tile, side, side), (left, top))
    return image


def _finished(order: Order, shows: Shows, source: "Order | Tile") -> Image.Image:
    """The source as a tool leaves it."""
    w, h = _grain(order.width, order.height)
    top, bottom, left, right = shows.edges
    inner = (
        max(1, round(w * (1 - left - right))),
        max(1, round(h * (1 - top - bottom))),
    )
    if isinstance(source, Order):
        before = _small(source)
        palette = before.getpalette()
        before = before.resize(inner, Image.Resampling.NEAREST)
    else:
        before, palette = image_of(source, *inner), None
    image = Image.new("P", (w, h), _EDGE_COLOURS[order.number % len(_EDGE_COLOURS)])
    image.paste(before, (round(w * left), round(h * top)))
    image.putpalette(_palette(bytes(64)) + CUBE if palette is None else palette)
    _caption(image, shows.mark, 1)
    return image


def _drawn(prompt: str, seed: int, index: int, width: int, height: int) -> Image.Image:
    dice = hashlib.blake2b(f"{prompt}\n{seed}\n{index}".encode("utf-8", "replace")).digest()
    w, h = _grain(width, height)
    image = _landscape(dice[63] % _LANDSCAPES, w, h).copy()
    image.putpalette(_palette(dice) + CUBE)
    _caption(image, MARK, h - 29)
    _caption(image, prompt, h - 15)
    return image


@functools.lru_cache(maxsize=256)
def _landscape(number: int, w: int, h: int) -> Image.Image:
    """One of a few drawings without colours or words: most rows of a picture were packed before."""
    dice = hashlib.blake2b(number.to_bytes(2, "big")).digest()
    rows = b"".join(bytes((y * _SKY // h,)) * w for y in range(h))
    image = Image.frombytes("P", (w, h), rows)
    draw = ImageDraw.Draw(image)
    size = h // 10 + dice[20] % max(1, h // 6)
    x, y = dice[21] * w // 255, h // 8 + dice[22] * h // 700
    draw.ellipse((x - size, y - size, x + size, y + size), fill=_SKY + _HILLS)
    for i in range(2 + dice[23] % 4):
        x, y = dice[24 + i] * w // 255, dice[30 + i] * h // 400
        size = 3 + dice[36 + i] % 9
        fill = _SKY + _HILLS + 1 + i
        draw.ellipse((x - size, y - size // 2, x + size, y + size // 2), fill=fill)
    for i in range(3):
        level = h * (52 + 13 * i) // 100
        points = [(0, h)]
        for step in range(9):
            lift = dice[40 + (step + 5 * i) % 20] * h // 1800
            points.append((step * w // 8, level - lift))
        points.append((w, h))
        draw.polygon(points, fill=_SKY + i * (_HILLS // 3))
    return image


def _caption(image: Image.Image, text: str, top: int) -> None:
    mask = _words(" ".join(text.split())[:40] or "-")
    image.paste(_PAPER, (2, top, min(image.width - 2, mask.width + 6), top + 13))
    image.paste(_INK, (4, top), mask)


# ------------------------------------------------------------------- the file


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _adler_of_both(first: int, second: int, length: int) -> int:
    """The Adler-32 of two strings one after the other; `length` is that of the second."""
    a1, b1 = first & 0xFFFF, first >> 16
    a2, b2 = second & 0xFFFF, second >> 16
    a = (a1 + a2 - 1) % _ADLER
    b = (b1 + b2 + length * (a1 - 1)) % _ADLER
    return b << 16 | a


class _Packed(NamedTuple):
    """Raw bytes, compressed so that they may stand anywhere in a stream."""

    body: bytes
    adler: int
    length: int


def _packed(raw: bytes, level: int) -> _Packed:
    packer = zlib.compressobj(level, zlib.DEFLATED, -9, 1)  # a small window: made quicker
    return _Packed(
        packer.compress(raw) + packer.flush(zlib.Z_FULL_FLUSH), zlib.adler32(raw), len(raw)
    )


@functools.lru_cache(maxsize=256)
def _repeats(width: int, times: int) -> _Packed:
    """So many rows that repeat the row above."""
    return _packed((b"\x02" + bytes(width)) * times, 9)


@functools.lru_cache(maxsize=8192)
def _row(cells: bytes, width: int) -> _Packed:
    """A row of the small drawing, as wide as the picture."""
    wide = Image.frombytes("L", (len(cells), 1), cells).resize((width, 1), Image.Resampling.NEAREST)
    return _packed(b"\0" + wide.tobytes(), 1)


def _pixels(small: Image.Image, width: int, height: int) -> bytes:
    """The compressed pixels of the small drawing at full size."""
    columns, rows = small.size
    cells = small.tobytes()
    parts = [b"\x78\x01"]
    checksum, y = 1, 0
    while y < rows:
        row, first = cells[y * columns : (y + 1) * columns], y
        while y < rows and cells[y * columns : (y + 1) * columns] == row:
            y += 1
        times = y * height // rows - first * height // rows
        pieces = (
            [_row(row, width)] if times == 1 else [_row(row, width), _repeats(width, times - 1)]
        )
        for piece in pieces:
            parts.append(piece.body)
            checksum = _adler_of_both(checksum, piece.adler, piece.length)
    parts += (_END, struct.pack(">I", checksum))
    return b"".join(parts)


_END = zlib.compressobj(1, zlib.DEFLATED, -15).flush(zlib.Z_FINISH)


def draw_png(order: Order) -> bytes:
    """The picture as a PNG file; the same bytes for the same order, always."""
    small = _small(order)
    width, height = order.width, order.height
    colours = _COLOURS if order.shows == PLAIN else _COLOURS + len(CUBE) // 3
    palette = bytes(small.getpalette() or ())[: colours * 3]
    about = f"seed {order.seed}, picture {order.number}"
    description = b"Description\0\0\0\0\0" + order.prompt.encode("utf-8", "replace")
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"tEXt", b"Software\0" + MARK.encode()),
            _chunk(b"tEXt", b"Comment\0" + about.encode()),
            _chunk(b"iTXt", description),
            _chunk(b"IDAT", _pixels(small, width, height)),
            _chunk(b"IEND", b""),
        )
    )


def draw_as(order: Order) -> bytes:
    """The picture in another form: `webp` or `jpeg`."""
    small = _small(order).convert("RGB")
    target = io.BytesIO()
    large = small.resize((order.width, order.height), Image.Resampling.NEAREST)
    form = order.form
    large.save(target, form, quality=60, **({"method": 0} if form == "webp" else {}))
    return target.getvalue()


def draw(order: Order) -> bytes:
    return draw_png(order) if order.form == "png" else draw_as(order)


def small_copy(order: Order) -> Tile:
    """A picture that was made here, as it shows inside others."""
    return tile_of(_small(order).convert("RGB"))


def enlarged(look: Order | Tile, width: int, height: int) -> Image.Image:
    """A drawing or a small copy at this size, in true colours."""
    if isinstance(look, Tile):
        image = image_of(look, width, height)
        image.putpalette(_palette(bytes(64)) + CUBE)
        return image.convert("RGB")
    small = _small(look).convert("RGB")
    return small.resize((width, height), Image.Resampling.NEAREST)


class Gallery:
    """Files that were made lately."""

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._bytes = 0
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()

    def kept(self, order: Hashable) -> bytes | None:
        found = self._files.get(order)
        if found is not None:
            self._files.move_to_end(order)
        return found

    def keep(self, order: Hashable, drawn: bytes) -> None:
        self._bytes += len(drawn) - len(self._files.get(order, b""))
        self._files[order] = drawn
        while self._bytes > self._most and len(self._files) > 1:
            self._bytes -= len(self._files.popitem(last=False)[1])
