"""`jimeng-api upscale`, `outpaint`, `repair`: what a running gateway does to a finished picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jimeng_api.cli.caller import DEFAULT_BASE_URL, BaseUrl, GatewayCaller, Token, run
from jimeng_api.cli.image import Output
from jimeng_api.domain.secret import Secret

File = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, help="The picture, unless --job names one."),
]
JobId = Annotated[
    str | None, typer.Option("--job", help="A finished job, in place of a file: see `jobs list`.")
]
Needed = Annotated[str, typer.Option("--job", help="The finished job: see `jobs list`.")]
Index = Annotated[int, typer.Option(min=0, help="Which of the job's pictures.")]
Share = Annotated[float, typer.Option(min=0, max=1, help="How much is added there: 0.5 is half.")]


def upscale(
    token: Token,
    file: File = None,
    job: JobId = None,
    index: Index = 0,
    smart: Annotated[bool, typer.Option("--smart", help="Draw details anew as well.")] = False,
    output: Output = Path(),
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Make a picture larger, and save it."""
    asked = {**_picture(file, job, index), "mode": "smart" if smart else "hd"}
    _order("upscale", asked, token, output, base_url)


def outpaint(
    token: Token,
    file: File = None,
    job: JobId = None,
    index: Index = 0,
    top: Share = 0.0,
    bottom: Share = 0.0,
    left: Share = 0.0,
    right: Share = 0.0,
    n: Annotated[int | None, typer.Option("-n", min=1, max=4, help="How many to save.")] = None,
    output: Output = Path(),
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Draw on beyond a picture's edges, and save what comes of it."""
    margins = {"top": top, "bottom": bottom, "left": left, "right": right}
    _order("outpaint", {**_picture(file, job, index), **margins, "n": n}, token, output, base_url)


def repair(
    token: Token,
    job: Needed,
    index: Index = 0,
    output: Output = Path(),
    base_url: BaseUrl = DEFAULT_BASE_URL,
) -> None:
    """Repair the details of a picture that a job made, and save it."""
    _order("repair", _picture(None, job, index), token, output, base_url)


def _picture(file: Path | None, job: str | None, index: int) -> dict[str, Any]:
    from jimeng_api.cli.saving import as_data_uris

    if (file is None) == (job is None):
        raise typer.BadParameter("Name a file, or a job with --job.")
    return {"job_id": job, "index": index} if file is None else {"image": as_data_uris([file])}


def _order(tool: str, asked: dict[str, Any], token: str, output: Path, base_url: str) -> None:
    from jimeng_api.cli.saving import ordered

    run(ordered(GatewayCaller(base_url, Secret(token)), f"/v1/images/{tool}", asked, output))
