"""`jimeng-api accounts`: the accounts that are stored for the keys of this gateway."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from jimeng_api.cli.administration import OperatorUrl, administration
from jimeng_api.cli.caller import Refused, err, out, run

app = typer.Typer(
    help="The accounts that are stored for the keys of this gateway.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name or id, as `accounts list` shows.")
]
Proxy = Annotated[
    str | None,
    typer.Option(
        help="Its own way to the site: http://, https:// or socks5://host:port; `none` takes it away. "
        "With a password, use --proxy-file."
    ),
]
ProxyFile = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False, exists=True, help="A file with the address, which may hold a password."
    ),
]
Images = Annotated[
    int | None, typer.Option(min=0, help="Most picture tasks that it runs at once; 0: no limit.")
]
Films = Annotated[
    int | None, typer.Option(min=0, help="Most film tasks that it runs at once; 0: no limit.")
]
_CHECK_SECONDS = 600
_LIKE_A_SESSION = re.compile(r"(?:[A-Za-z]{2}-)?[0-9A-Fa-f]{24,}")


@app.command("add")
def add_account(
    name: Annotated[str | None, typer.Argument(help="How you call it.  [default: cn-1 …]")] = None,
    site: Annotated[
        str | None,
        typer.Option(help="cn, us, hk, jp or sg, for a session without a prefix.  [default: cn]"),
    ] = None,
    session_file: Annotated[
        Path | None,
        typer.Option("--file", dir_okay=False, exists=True, help="A file with the session."),
    ] = None,
    proxy: Proxy = None,
    proxy_file: ProxyFile = None,
    images_at_once: Images = None,
    films_at_once: Films = None,
    check: Annotated[bool, typer.Option(help="Ask the site about it first.")] = True,
    base_url: OperatorUrl = None,
) -> None:
    """Store an account. Its session is read from --file, from standard input, or asked for.

    It is never an argument, where others on this machine could read it. A session that is stored already, or
    another one of the same user, is the same account.
    """
    if name is not None and _LIKE_A_SESSION.fullmatch(name):
        raise typer.BadParameter(
            "this looks like a session, which does not belong on the command line: leave it out, "
            "and it is asked for"
        )
    order = {
        "session": _session(session_file),
        "name": name,
        "site": site,
        "proxy": _proxy(proxy, proxy_file),
        "images_at_once": images_at_once,
        "films_at_once": films_at_once,
        "check": check,
    }

    async def work() -> None:
        async with administration(base_url) as gateway:
            found = await gateway.post("/v1/admin/accounts", order)
        err.print("Stored." if found["new"] else "It was here already, and is renewed.")
        _show([found])

    run(work())


@app.command("list")
def list_accounts(base_url: OperatorUrl = None) -> None:
    """List the stored accounts with what is known of them; no site is asked."""

    async def work() -> None:
        async with administration(base_url) as gateway:
            found = await gateway.get("/v1/admin/accounts")
        _show(found["data"])

    run(work())


@app.command("check")
def check_accounts(
    name: Annotated[str | None, typer.Argument(help="One of them.  [default: all]")] = None,
    base_url: OperatorUrl = None,
) -> None:
    """Ask the sites who is signed in, about the credits and the membership.

    Exit code 1 where an account cannot be used.
    """

    async def work() -> None:
        at = "check" if name is None else f"{quote(name, safe='')}/check"
        async with administration(base_url) as gateway:
            found = await gateway.post(f"/v1/admin/accounts/{at}", seconds=_CHECK_SECONDS)
        accounts = found["data"] if name is None else [found]
        _show(accounts)
        troubled = [one for one in accounts if one["trouble"] is not None]
        if troubled:
            raise Refused(
                "\n".join(f"{one['name']}: {one['trouble']['message']}" for one in troubled)
            )

    run(work())


@app.command("change")
def change_account(
    account: Name,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    proxy: Proxy = None,
    proxy_file: ProxyFile = None,
    images_at_once: Images = None,
    films_at_once: Films = None,
    base_url: OperatorUrl = None,
) -> None:
    """Change its name, its proxy or its limits. For a new session, add it again."""
    order = {
        "name": name,
        "proxy": _proxy(proxy, proxy_file),
        "images_at_once": images_at_once,
        "films_at_once": films_at_once,
    }

    async def work() -> None:
        async with administration(base_url) as gateway:
            changed = await gateway.patch(f"/v1/admin/accounts/{quote(account, safe='')}", order)
        _show([changed])

    run(work())


@app.command("remove")
def remove_account(account: Name, base_url: OperatorUrl = None) -> None:
    """Forget an account and its session. Jobs that it has in hand go on."""

    async def work() -> None:
        async with administration(base_url) as gateway:
            gone = await gateway.delete(f"/v1/admin/accounts/{quote(account, safe='')}")
        out.print(f"{gone['id']}  {gone['name']}  removed", soft_wrap=True, markup=False)

    run(work())


@app.command("rekey")
def rekey(
    to: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write the new key here, where the key comes from JIMENG_API_SECRET_KEY.",
        ),
    ] = None,
    lost: Annotated[
        bool,
        typer.Option(
            "--lost",
            help="The old key is lost: delete stored accounts, keys, tokens and the sessions of jobs, "
            "and go on with the key that is there.",
        ),
    ] = False,
) -> None:
    """Seal all that is encrypted in the database with a new key, while no gateway runs."""
    from jimeng_api.cli.configuration import configured
    from jimeng_api.cli.rekeying import given_up, rekeyed

    async def work() -> None:
        settings = configured()
        if lost:
            await given_up(settings)
            out.print(
                "What was sealed with the lost key is deleted; the one that is there counts now."
            )
            return
        count = await rekeyed(settings, to)
        out.print(f"{count} rows are sealed with a new key.", soft_wrap=True)
        if settings.secret_key is not None:
            out.print(f"Put the line in {to} into JIMENG_API_SECRET_KEY, then delete that file.")
        else:
            out.print(
                f"It is in {settings.key_file}; other gateways on this database need it, too."
            )

    run(work())


def _session(file: Path | None) -> str:
    if file is not None:
        text = file.read_text(encoding="utf-8")
    elif sys.stdin.isatty():
        text = typer.prompt("Session id", hide_input=True)
    else:
        text = sys.stdin.read()
    if not text.strip():
        raise typer.BadParameter("there is no session in what was read")
    return text.strip()


def _proxy(address: str | None, file: Path | None) -> str | None:
    """The address that was given; empty takes one away, None leaves it as it is."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    if address is not None and "@" in address:
        raise typer.BadParameter(
            "an address with a password does not belong on the command line; use --proxy-file"
        )
    return "" if address == "none" else address


def _show(accounts: list[dict[str, Any]]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = ("account", "name", "site", "session", "standing", "member", "credits", "proxy")
    for column in columns:
        table.add_column(column, overflow="fold")
    for one in accounts:
        points = one["points"]
        table.add_row(
            one["id"], one["name"], one["site"], one["session"], one["standing"],
            one["membership"] or "-", "?" if points is None else str(points["totalCredit"]),
            one["proxy"] or "-",
        )  # fmt: skip
    out.print(table)
