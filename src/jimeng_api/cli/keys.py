"""`jimeng-api keys`: the keys that this gateway issues for its stored accounts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from jimeng_api.cli.administration import OperatorUrl, administration
from jimeng_api.cli.caller import err, out, run

app = typer.Typer(
    help="The keys that this gateway issues for its stored accounts.", no_args_is_help=True
)

_LIMITS = {
    "models": "models",
    "sites": "sites",
    "accounts": "accounts",
    "concurrency": "jobs at once",
    "requests_per_minute": "requests/min",
    "credits_per_day": "credits/day",
}


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whom or what it is for.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model that it may use; several are named one by one."),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="A site whose stored accounts it may use.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="The id of a stored account that it may use.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Most unfinished jobs at once.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="Most POST requests in any minute.")
    ] = None,
    credits_per_day: Annotated[
        int | None, typer.Option(min=0, help="Most credits that its jobs may cost in a day.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until it expires.")] = None,
    replaces: Annotated[
        str | None, typer.Option(help="The id of a key whose jobs are to be this one's as well.")
    ] = None,
    base_url: OperatorUrl = None,
) -> None:
    """Issue a key. It is printed once, to standard output, and kept nowhere."""
    order = {
        "name": name,
        "models": model or None,
        "sites": site or None,
        "accounts": account or None,
        "concurrency": concurrency,
        "requests_per_minute": requests_per_minute,
        "credits_per_day": credits_per_day,
        "expires_in": None if days is None else days * 86_400,
        "replaces": replaces,
    }

    async def work() -> None:
        async with administration(base_url) as gateway:
            made = await gateway.post("/v1/admin/keys", order)
        err.print(f"{made['id']}  {_limits(made)}", soft_wrap=True, markup=False)
        sys.stdout.write(f"{made['key']}\n")

    run(work())


@app.command("list")
def list_keys(base_url: OperatorUrl = None) -> None:
    """List the keys that were ever issued, the newest first."""

    async def work() -> None:
        async with administration(base_url) as gateway:
            found = await gateway.get("/v1/admin/keys")
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("key", "name", "ends with", "state", "last used", "limits"):
            table.add_column(column, overflow="fold")
        for one in found["data"]:
            used = _time(one["last_used_at"])
            table.add_row(one["id"], one["name"], one["hint"], one["state"], used, _limits(one))
        out.print(table)

    run(work())


@app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    base_url: OperatorUrl = None,
) -> None:
    """Take a key back. It is refused from now on; its jobs run on."""

    async def work() -> None:
        async with administration(base_url) as gateway:
            gone = await gateway.delete(f"/v1/admin/keys/{key_id}")
        out.print(f"{gone['id']}  {gone['state']}", soft_wrap=True)

    run(work())


def _limits(key: dict[str, Any]) -> str:
    """The limits in one line."""
    found = []
    for name, shown in _LIMITS.items():
        value = key[name]
        if value is not None:
            found.append(f"{shown}: {' '.join(value) if isinstance(value, list) else value}")
    if key["expires_at"] is not None:
        found.append(f"until {_time(key['expires_at'])}")
    return ", ".join(found) or "no limits"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
