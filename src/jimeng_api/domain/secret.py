"""A text that must not be seen: printing, logging or formatting it gives `***`."""

from __future__ import annotations

from typing import Any, NoReturn, final

from typing_extensions import override


@final
class Secret:
    """A session, a key or an upload credential. `reveal()` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def masked(self) -> str:
        """The form that may be shown to its owner: `abcd…wxyz`, or `***` where that would tell all."""
        return f"{self._text[:4]}…{self._text[-4:]}" if len(self._text) >= 16 else "***"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    @override
    def __hash__(self) -> int:
        return hash(self._text)

    @override
    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    @override
    def __format__(self, spec: str) -> str:
        return "***"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self
