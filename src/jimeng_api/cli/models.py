"""`jimeng-api models`: what can be asked for, from the catalogue of this installation."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from jimeng_api.cli.caller import out


def models(
    site: Annotated[
        str | None, typer.Option(help="Only what this site offers: cn, us, hk, jp or sg.")
    ] = None,
) -> None:
    """List the models, their sites and what they can do."""
    from jimeng_api.catalog.lookup import image_models, video_models
    from jimeng_api.catalog.sites import SITES

    if site is not None and site not in SITES:
        raise typer.BadParameter(f"must be one of {', '.join(SITES)}", param_hint="--site")
    place = SITES[site] if site else None
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("model", "kind", "sites", "resolutions", "pictures or seconds", "other names"):
        table.add_column(column, overflow="fold")
    for picture in image_models(place):
        counts = picture.count_options or (picture.count_default,)
        table.add_row(
            _name(picture.name, deprecated=picture.deprecated),
            "image",
            " ".join(picture.upstream),
            " ".join(picture.resolutions),
            _range(counts),
            " ".join(picture.aliases),
        )
    for film in video_models(place):
        table.add_row(
            _name(film.name, deprecated=film.deprecated),
            "video",
            " ".join(film.upstream),
            " ".join(film.resolutions),
            _range(film.durations),
            " ".join(film.aliases),
        )
    out.print(table)


def _name(name: str, *, deprecated: bool) -> str:
    return f"[dim]{name}[/dim]" if deprecated else name


def _range(numbers: tuple[int, ...]) -> str:
    if len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]}"
    return " ".join(str(number) for number in numbers)
