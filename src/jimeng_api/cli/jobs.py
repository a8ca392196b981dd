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


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _pictures(job: dict[str, Any]) -> str:
    return str(len(job.get("data") or ()))
