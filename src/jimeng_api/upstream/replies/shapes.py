"""JSON read into structs; a part that is not of its shape is left out, and the rest is read. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, get_args, get_origin

import msgspec

_Kind = TypeVar("_Kind", bound=msgspec.Struct)
_T = TypeVar("_T")
_Reader = Callable[[msgspec.Raw], Any]

_UNREADABLE: Final = (ValueError, RecursionError)  # msgspec's and Unicode's errors are ValueErrors
_NOTHING: Final = (b"", b"null", b"[]", b'""')


class Shape(Generic[_Kind]):
    """A struct as it comes in JSON: read in one go, and part by part where that fails.

    A part is a field declared `Struct | None` or `list[Struct | None] | None`; every other field is `Any`.
    """

    def __init__(self, kind: type[_Kind]) -> None:
        fields = msgspec.structs.fields(kind)
        readers = ((field.name, _reader(field.type)) for field in fields)
        self._kind = kind
        self._whole = msgspec.json.Decoder(kind)
        self._map = msgspec.json.Decoder(dict[str, kind | None])  # type: ignore[valid-type]
        self._parts = {name: reader for name, reader in readers if reader is not None}
        self._loose = msgspec.json.Decoder(
            msgspec.defstruct(
                f"Loose{kind.__name__}",
                [
                    (field.name, msgspec.Raw, msgspec.Raw())
                    if field.name in self._parts
                    else (field.name, Any, None)
                    for field in fields
                ],
            )
        )

    def read(self, raw: bytes | msgspec.Raw) -> _Kind | None:
        """What the JSON says; None where it is no such object at all."""
        try:
            return self._whole.decode(raw)
        except _UNREADABLE:
            return self._read_in_parts(raw) if self._parts else None

    def read_map(self, raw: bytes) -> dict[str, _Kind | None] | None:
        """Such objects by id, None for what is none; ids with nothing at all are left out."""
        try:
            entries = self._map.decode(raw)
            return {id_: entry for id_, entry in entries.items() if entry is not None}
        except _UNREADABLE:
            raws = decoded(_MAP, raw)
        if raws is None:
            return None
        return {id_: self.read(entry) for id_, entry in raws.items() if not nothing(entry)}

    def _read_in_parts(self, raw: bytes | msgspec.Raw) -> _Kind | None:
        loose = decoded(self._loose, raw)
        if loose is None:
            return None
        values = msgspec.structs.asdict(loose)
        return self._kind(
            **values | {name: read(values[name]) for name, read in self._parts.items()}
        )


def _reader(declared: Any) -> _Reader | None:
    """How a part so declared is read by itself; None of what is no part."""
    for one in get_args(declared):
        if get_origin(one) is list:
            inner = _reader(*get_args(one))
            return None if inner is None else _each(inner)
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return Shape(one).read
    return None


def _each(read: _Reader) -> _Reader:
    def read_each(raw: msgspec.Raw) -> list[Any]:
        return [read(one) for one in decoded(_LIST, raw) or []]

    return read_each


def decoded(decoder: msgspec.json.Decoder[_T], raw: bytes | msgspec.Raw) -> _T | None:
    try:
        return decoder.decode(raw)
    except _UNREADABLE:
        return None


def nothing(raw: bytes | msgspec.Raw) -> bool:
    """Whether this is one of the ways to say that there is none."""
    return bytes(raw) in _NOTHING


_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MAP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
