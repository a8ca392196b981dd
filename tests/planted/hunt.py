"""Secrets that are planted, every form in which one could be lying about, and the places to look in."""

from __future__ import annotations

import base64
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote


def forms(text: str) -> set[bytes]:
    """As it is, percent-encoded, in hex, and in base64 wherever in a longer text it may have stood."""
    raw = text.encode()
    found = {raw, quote(text, safe="").encode(), raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        # Without the characters that depend on what stands before and behind.
        core = base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]
        found |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form for form in found if len(form) >= 8}


@dataclass
class Hunt:
    """`planted` by their names, and what was `found` of them: place and name."""

    planted: dict[str, str] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    found: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def plant(self, name: str, text: str) -> str:
        assert len(text) >= 8, f"{name} is too short to be looked for"
        assert text not in self.planted.values(), f"{name} is planted twice"
        self.planted[name] = text
        return text

    def search(self, place: str, content: bytes, *, but: frozenset[str] = frozenset()) -> None:
        """`but`: those that have to stand there."""
        self.searched[place] += len(content)
        for name, text in self.planted.items():
            if name not in but:
                self.found[place, name] += sum(content.count(form) for form in forms(text))

    def search_folder(self, place: str, folder: Path, *, but: frozenset[str] = frozenset()) -> None:
        for file in files_below(folder):
            self.search(place, file, but=but)

    @property
    def hits(self) -> list[str]:
        return sorted(
            f"{name} in {place} ({count})" for (place, name), count in self.found.items() if count
        )

    def table(self) -> str:
        lines = [f"{'place':34}{'bytes':>12}{'planted':>9}{'found':>7}"]
        for place, size in self.searched.items():
            hits = sum(count for (where, _), count in self.found.items() if where == place)
            lines.append(f"{place:34}{size:12,}{len(self.planted):9}{hits:7}")
        return "\n".join(lines)


def files_below(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                yield path.read_bytes()
        except OSError:  # gone again
            continue


class Watch:
    """Keeps what is in a folder of temporary files, again and again, also of those that are gone again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.seen: set[bytes] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.seen.update(files_below(self._folder))
