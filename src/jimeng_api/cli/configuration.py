"""The settings for a command, or a sentence about the one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from jimeng_api.cli.caller import err

if TYPE_CHECKING:
    from jimeng_api.settings import Settings


def configured(**given: object) -> Settings:
    """What is set, with what the command line says (None: nothing) instead of it."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from jimeng_api.settings import Settings

    try:
        return Settings().model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
    except ValidationError as error:
        for wrong in error.errors():
            name = "__".join(str(part) for part in wrong["loc"])
            err.print(
                f"The setting {name} (JIMENG_API_{name.upper()}) is wrong: {wrong['msg']}",
                markup=False,
            )
    except SettingsError as error:
        err.print(f"The settings cannot be read: {error}", markup=False)
    raise typer.Exit(2)
