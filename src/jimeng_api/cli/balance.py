"""`jimeng-api credits`: what accounts may spend."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from jimeng_api.cli.administration import OperatorUrl, administration
from jimeng_api.cli.caller import DEFAULT_BASE_URL, GatewayCaller, Refused, out, run
from jimeng_api.domain.secret import Secret

_SECONDS = 600


def credits_(
    token: Annotated[
        str | None,
        typer.Option(
            envvar="JIMENG_API_TOKEN",
            show_envvar=True,
            help="Sessions or a token to ask about, better in the environment. Without it: the stored "
            "accounts.",
        ),
    ] = None,
    base_url: OperatorUrl = None,
) -> None:
    """Show the credits of the stored accounts, or of a token's."""

    async def work() -> None:
        rows = await (_stored(base_url) if token is None else _of_token(base_url, Secret(token)))
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("account", overflow="fold")
        for column in ("gift", "member", "bought", "all"):
            table.add_column(column, justify="right")
        for name, points in rows:
            table.add_row(name, *_numbers(points))
        out.print(table)
        if rows and not any(points for _, points in rows):
            raise Refused("None of them could be asked; `jimeng-api accounts check` says why.")

    run(work())


async def _stored(base_url: str | None) -> list[tuple[str, dict[str, int] | None]]:
    async with administration(base_url) as gateway:
        found = await gateway.post("/v1/admin/accounts/check", seconds=_SECONDS)
    return [(one["name"], one["points"]) for one in found["data"]]


async def _of_token(base_url: str | None, token: Secret) -> list[tuple[str, dict[str, int] | None]]:
    async with GatewayCaller(base_url or DEFAULT_BASE_URL, token) as gateway:
        found: list[dict[str, Any]] = await gateway.post("/v1/token/points", seconds=_SECONDS)
    for one in found:
        if "error" in one and len(found) == 1:
            raise Refused(f"{one['error']} ({one['code']})")
    return [(one["token"], one["points"]) for one in found]


def _numbers(points: dict[str, int] | None) -> list[str]:
    names = ("giftCredit", "vipCredit", "purchaseCredit", "totalCredit")
    return ["?"] * len(names) if points is None else [str(points[name]) for name in names]
