"""The map of the modules, out of the first line of each docstring, and the line of the layers."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "jimeng_api"
COLUMN = 30


def parts(language: str) -> dict[str, str]:
    tree = "\n".join(["src/jimeng_api/", *_tree(PACKAGE, 0)])
    return {
        "modules": f"```text\n{tree}\n```",
        "layers": f"```text\n{' → '.join(_layers())}\n```",
    }


def first_line(module: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    if not text:
        raise SystemExit(f"{module.relative_to(ROOT)} has no docstring; its first line is needed")
    return text.partition("\n")[0]


def _layers() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(one["layers"] for one in contracts if one["id"] == "layers")
    return layers


def _tree(folder: Path, depth: int) -> Iterator[str]:
    for path in sorted(_members(folder), key=_place if depth == 0 else _name):
        is_folder = path.is_dir()
        name = "    " * depth + path.name + "/" * is_folder
        yield f"{name:<{COLUMN}}{first_line(path / '__init__.py' if is_folder else path)}"
        if is_folder:
            yield from _tree(path, depth + 1)


def _members(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if (path / "__init__.py").exists():
                yield path
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield path


def _place(path: Path) -> int:
    """Where the layers contract names it."""
    order = [name.strip() for layer in _layers() for name in layer.split("|")]
    return order.index(path.stem)


def _name(path: Path) -> str:
    return path.name
