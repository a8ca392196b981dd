"""What each command says about itself, as a terminal of 88 columns without colours would show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from jimeng_api.cli.app import app

WIDTH = 88


def parts(language: str) -> dict[str, str]:
    helps = "\n\n".join(
        f"## `{path}`\n\n```text\n{text}\n```"
        for path, text in every_help(typer.main.get_command(app))
    )
    return {"commands": helps}


def every_help(command: Any, parent: Any = None) -> Iterator[tuple[str, str]]:
    """(Command with the words before it, its help), the groups before what they hold."""
    command.rich_markup_mode = None  # plain text, without boxes
    context = command.context_class(
        command,
        parent=parent,
        info_name=command.name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    yield context.command_path, "\n".join(map(str.rstrip, command.get_help(context).splitlines()))
    for inner in getattr(command, "commands", {}).values():
        yield from every_help(inner, context)
