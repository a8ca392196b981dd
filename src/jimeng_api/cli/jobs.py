"""`jimeng-api jobs`: the caller's generations, of a running gateway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from jimeng_api.cli.caller import DEFAULT_BASE_URL, BaseUrl, GatewayCaller, Token, out, run
from jimeng_api.domain.secret import Secret

app = typer.Typer(help="The caller's generations, of a running gateway.", no_args_is_help=True)


@app.command("list")
def list_jobs(
    token: Token,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """List the newest jobs."""

    async def work() -> None:
        async with GatewayCaller(base_url, Secret(token)) as gateway:
            page = await gateway.get(f"/v1/jobs?limit={limit}")
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("job", "state", "model", "created", "pictures"):
            table.add_column(column, overflow="fold")
        for job in page["data"]:
            table.add_row(
                job["id"], job["state"], job["model"], _time(job["created_at"]), _pictures(job)
            )
        out.print(table)

    run(work())


@app.command("show")
def show_job(
    job_id: Annotated[str, typer.Argument(help="As `jobs list` or the header x-job-id shows it.")],
    token: Token,
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Show one job with all that is known of it."""

    async def work() -> None:
        async with GatewayCaller(base_url, Secret(token)) as gateway:
            out.print_json(data=await gateway.get(f"/v1/jobs/{job_id}"), ensure_ascii=False)

    run(work())


@app.command("cancel")
def cancel_job(
    job_id: Annotated[str, typer.Argument(help="As `jobs list` or the header x-job-id shows it.")],
    token: Token,
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Take one job back. What the upstream has by then may be charged as usual."""

    async def work() -> None:
        async with GatewayCaller(base_url, Secret(token)) as gateway:
            job = await gateway.post(f"/v1/jobs/{job_id}/cancel")
        out.print(f"{job['id']}  {job['error']['message']}", soft_wrap=True)

    run(work())


@app.command("adopt")
def adopt_job(
    upstream_id: Annotated[
        str, typer.Argument(metavar="ID", help="The history id or the submit id that the site has.")
    ],
    token: Token,
    site: Annotated[
        str | None, typer.Option(help="Ask only this site: cn, us, hk, jp or sg.")
    ] = None,
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Take over a task that the upstream has, whoever submitted it."""

    async def work() -> None:
        order = {"id": upstream_id} | ({"site": site} if site else {})
        async with GatewayCaller(base_url, Secret(token)) as gateway:
            job = await gateway.post("/v1/jobs/adopt", order)
        out.print(f"{job['id']}  {job['state']}  {_pictures(job)} pictures", soft_wrap=True)

    run(work())


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _pictures(job: dict[str, Any]) -> str:
    return str(len(job["results"]))
