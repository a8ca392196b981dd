"""Small copies: their colours and their places."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jimeng_api.simulator.pictures import input_places
from jimeng_api.simulator.tiles import CUBE, FIRST_COLOUR, LONGEST, colour_number, places, tile_of

COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


@given(COLOUR, st.integers(1, 300), st.integers(1, 300))
def test_a_small_copy_has_the_nearest_of_the_colours(
    colour: tuple[int, int, int], width: int, height: int
) -> None:
    tile = tile_of(Image.new("RGB", (width, height), colour))
    assert max(tile.width, tile.height) <= LONGEST
    assert len(tile.cells) == tile.width * tile.height
    assert set(tile.cells) == {colour_number(*colour)}
    at = (tile.cells[0] - FIRST_COLOUR) * 3
    shown = CUBE[at : at + 3]
    assert all(abs(given - kept) <= 32 for given, kept in zip(colour, shown, strict=True))


@given(st.integers(20, 200), st.integers(20, 200), st.integers(1, 20))
def test_places_lie_on_the_area_and_beside_each_other(width: int, height: int, count: int) -> None:
    found = places(width, height, count)
    assert len(found) == count
    taken: set[tuple[int, int]] = set()
    for left, top, side in found:
        assert left >= 0
        assert top >= 0
        assert left + side <= width
        assert top + side <= height
        cells = {(x, y) for x in range(left, left + side) for y in range(top, top + side)}
        assert not cells & taken
        taken |= cells
    assert found == sorted(found, key=lambda place: (place.top, place.left))


@given(st.integers(256, 8000), st.integers(256, 8000), st.integers(1, 10))
def test_places_in_a_picture_lie_inside_it(width: int, height: int, count: int) -> None:
    if not 1 / 3 <= width / height <= 3:
        return
    for left, top, side in input_places(width, height, count):
        assert side > 0
        assert left + side <= width
        assert top + side <= height
