"""Where a prompt names the files that came with it. Pure.

A name begins with @ and is the file's own (@boat.png), its number among all files (@2), or its number among
those of its kind, from 1 on: @image_file_1, @image1, @图1, @图片1, and likewise for films and sounds.
@image_file alone is the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from jimeng_api.domain.errors import InvalidValue
from jimeng_api.domain.inputs import Material
from jimeng_api.domain.requests import Piece


@dataclass(frozen=True, slots=True)
class Named:
    """A file of a request: what it is, and what it is called where it came with a name."""

    kind: Material
    name: str = ""


def pieces_of(prompt: str, files: Sequence[Named], *, param: str = "prompt") -> tuple[Piece, ...]:
    """The prompt cut where it names one of the files; an @ that names nothing of the kind is text.

    Raises InvalidValue where it counts to more files of a kind than there are.
    """
    pattern = _pattern(files)
    pieces: list[Piece] = []
    rest = prompt
    while named := _first(pattern, rest, files, param):
        found, index = named
        if found.start():
            pieces.append(Piece(text=rest[: found.start()]))
        pieces.append(Piece(input=index))
        rest = rest[found.end() :]
    if rest:
        pieces.append(Piece(text=rest))
    return tuple(pieces)


def _first(
    pattern: re.Pattern[str], text: str, files: Sequence[Named], param: str
) -> tuple[re.Match[str], int] | None:
    for found in pattern.finditer(text):
        index = _index(found, files, param)
        if index is not None:
            return found, index
    return None


def _pattern(files: Sequence[Named]) -> re.Pattern[str]:
    # The longest first: one name may begin like another.
    names = sorted({re.escape(file.name) for file in files if file.name}, key=len, reverse=True)
    own = f"(?P<name>{'|'.join(names)})|" if names else ""
    return re.compile(rf"(?<![A-Za-z0-9_])@(?:{own}{_COUNTED})(?![A-Za-z0-9_])", re.IGNORECASE)


def _index(found: re.Match[str], files: Sequence[Named], param: str) -> int | None:
    """Which file is meant; None where none is."""
    groups = found.groupdict()
    if name := groups.get("name"):
        exact = [index for index, file in enumerate(files) if file.name == name]
        alike = [index for index, file in enumerate(files) if file.name.lower() == name.lower()]
        return next(iter((*exact, *alike)), None)
    number = int(groups["number"] or groups["all"] or 1)
    if groups["all"]:
        return number - 1 if 1 <= number <= len(files) else None
    word = (groups["word"] or groups["first"]).lower()
    kind = _KINDS[word]
    own = [index for index, file in enumerate(files) if file.kind == kind]
    if not 1 <= number <= len(own):
        there = f"there are {len(own)}" if own else "there is none"
        raise InvalidValue(
            f"The prompt names {found.group()[:80]!r}, but of the files with it {there} of that kind.",
            param=param,
        )
    return own[number - 1]


_KINDS: Final[Mapping[str, Material]] = MappingProxyType(
    {
        "image_file": "image",
        "image": "image",
        "图片": "image",
        "图": "image",
        "video_file": "video",
        "video": "video",
        "视频": "video",
        "audio_file": "audio",
        "audio": "audio",
        "音频": "audio",
    }
)
_FIRST: Final = "|".join(word for word in _KINDS if word.endswith("_file"))
_COUNTED: Final = (
    rf"(?P<word>{'|'.join(_KINDS)})[_ ]?(?P<number>[0-9]{{1,3}})"
    rf"|(?P<first>{_FIRST})|(?P<all>[0-9]{{1,3}})"
)
