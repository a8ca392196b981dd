"""Small copies of pictures: made when one is uploaded, shown inside those made from it."""

from typing import NamedTuple

from PIL import Image, ImageChops

LONGEST = 64
"""Pixels on the longer side of a small copy."""
FIRST_COLOUR = 128
"""The colours before it belong to the drawing that a small copy is put into."""
_LEVELS = 5

CUBE = bytes(
    level * 255 // (_LEVELS - 1)
    for red in range(_LEVELS)
    for green in range(_LEVELS)
    for blue in range(_LEVELS)
    for level in (red, green, blue)
)
"""The 125 colours of every small copy, as a palette."""

_WIDEST = 40


class Tile(NamedTuple):
    """A small copy; each cell is the number of one of the colours."""

    width: int
    height: int
    cells: bytes


class Place(NamedTuple):
    """Where a small copy stands."""

    left: int
    top: int
    side: int


def colour_number(red: int, green: int, blue: int) -> int:
    """The number of the colour that comes closest."""
    steps = [round(value * (_LEVELS - 1) / 255) for value in (red, green, blue)]
    return FIRST_COLOUR + (steps[0] * _LEVELS + steps[1]) * _LEVELS + steps[2]


def tile_of(image: Image.Image) -> Tile:
    """The small copy of a picture, which is made small itself."""
    image.thumbnail((LONGEST, LONGEST))
    channels = image.convert("RGB").split()
    weights = (_LEVELS * _LEVELS, _LEVELS, 1)
    numbers = [
        channel.point([round(value * (_LEVELS - 1) / 255) * weight for value in range(256)])
        for channel, weight in zip(channels, weights, strict=True)
    ]
    added = ImageChops.add(ImageChops.add(numbers[0], numbers[1]), numbers[2], 1, FIRST_COLOUR)
    return Tile(*image.size, added.tobytes())


UNKNOWN = Tile(2, 2, bytes(colour_number(*[value] * 3) for value in (64, 191, 191, 64)))
"""Stands for bytes that are no picture."""
SOUND = Tile(4, 1, bytes(colour_number(*colour) for colour in ((191, 64, 191), (64, 64, 64)) * 2))
"""Stands for something that is only heard."""


def image_of(tile: Tile, width: int, height: int) -> Image.Image:
    """A small copy at another size, in palette mode."""
    image = Image.frombytes("L", (tile.width, tile.height), tile.cells)
    wide = image.resize((width, height), Image.Resampling.NEAREST)
    return Image.frombytes("P", (width, height), wide.tobytes())


def places(width: int, height: int, count: int) -> list[Place]:
    """Where so many small copies stand on an area, in the order in which they are read."""
    columns, side = 1, 0
    for tried in range(1, count + 1):
        rows = -(-count // tried)
        fits = min(width // tried, height // rows, _WIDEST)
        if fits > side:
            columns, side = tried, fits
    return [
        Place(number % columns * side, number // columns * side, max(1, side - 2))
        for number in range(count)
    ]
