from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Material
from jimeng_api.domain.references import Named, pieces_of
from jimeng_api.domain.requests import Piece

FILES = (
    Named("image", "boat.png"),
    Named("video", "waves.mp4"),
    Named("image", "boat.png.png"),
    Named("audio", "tune (1).mp3"),
    Named("image"),
)
KINDS: list[Material] = ["image", "video", "audio"]


def cut(prompt: str) -> list[str | int]:
    return [
        piece.text if piece.input is None else piece.input for piece in pieces_of(prompt, FILES)
    ]


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("@image_file_1 sails", [0, " sails"]),
        ("@image_file sails", [0, " sails"]),
        ("@image_file_2 beside @image_file_3", [2, " beside ", 4]),
        ("like @video_file_1", ["like ", 1]),
        ("like @video_file", ["like ", 1]),
        ("to @audio_file_1", ["to ", 3]),
        ("@1@2@5", [0, 1, 4]),
        ("让@图1里的船像@视频1一样,配@音频1", ["让", 0, "里的船像", 1, "一样,配", 3]),
        ("@图片2在跑", [2, "在跑"]),
        ("@image1, @Image2!", [0, ", ", 2, "!"]),
        ("@boat.png and @boat.png.png", [0, " and ", 2]),
        ("@BOAT.png", [0]),
        ("sing @tune (1).mp3 aloud", ["sing ", 3, " aloud"]),
        ("nothing is named", ["nothing is named"]),
        (
            "ask me@1.example or @6 or @1st or @somebody",
            ["ask me@1.example or @6 or @1st or @somebody"],
        ),
        ("", []),
        ("@0", ["@0"]),
        ("@image", ["@image"]),
    ],
)
def test_a_prompt_is_cut_where_it_names_a_file(prompt: str, pieces: list[str | int]) -> None:
    assert cut(prompt) == pieces


@pytest.mark.parametrize("prompt", ["@image_file_4", "@图9 runs", "@video2", "@audio_file_0"])
def test_a_name_that_counts_to_more_files_than_there_are_is_refused(prompt: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        pieces_of(prompt, FILES)
    assert caught.value.param == "prompt"
    assert prompt.split()[0] in caught.value.message


def test_without_files_only_names_with_a_kind_are_refused() -> None:
    assert pieces_of("@1 of a kind", ()) == (Piece(text="@1 of a kind"),)
    with pytest.raises(InvalidValue, match="none of that kind"):
        pieces_of("@image_file_1", ())


names = st.text(alphabet="ab1.*(图@ ", max_size=4)


@given(
    files=st.lists(st.builds(Named, st.sampled_from(KINDS), names), max_size=4),
    parts=st.lists(
        st.one_of(st.text(alphabet="ab1.@图 _", max_size=5), st.integers(0, 3)), max_size=6
    ),
)
def test_no_letter_is_lost_and_none_added(files: list[Named], parts: list[str | int]) -> None:
    prompt = "".join(part if isinstance(part, str) else f"@{part + 1}" for part in parts)
    try:
        pieces = pieces_of(prompt, files)
    except InvalidValue:
        return
    rest = prompt
    for before, piece in zip((None, *pieces), pieces, strict=False):
        if piece.input is None:
            assert piece.text
            assert before is None or before.input is not None  # no two texts in a row
            assert rest.startswith(piece.text)
            rest = rest[len(piece.text) :]
        else:
            assert 0 <= piece.input < len(files)
            assert rest.startswith("@")
            ways = (
                f"@{piece.input + 1}",
                f"@{files[piece.input].name}",
                "@图1",
                f"@图{piece.input + 1}",
            )
            named = [way for way in ways if rest.lower().startswith(way.lower()) and way != "@"]
            assert named
            following = pieces[_position(pieces, piece) + 1 :]
            rest = _after(rest, named, following)
    assert rest == ""


def _position(pieces: tuple[Piece, ...], piece: Piece) -> int:
    return next(index for index, one in enumerate(pieces) if one is piece)


def _after(rest: str, named: list[str], following: tuple[Piece, ...]) -> str:
    """What is behind the name that makes what follows fit."""
    for name in sorted(named, key=len, reverse=True):
        left = rest[len(name) :]
        if not following:
            if not left:
                return left
        elif following[0].input is not None:
            if left.startswith("@"):
                return left
        elif left.startswith(following[0].text):
            return left
    raise AssertionError(rest)
