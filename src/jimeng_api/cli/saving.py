"""From an order at a running gateway to saved pictures, with progress meanwhile."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from jimeng_api.cli.caller import GatewayCaller, Refused, err, events, out

_LONGEST = 3600.0
_BETWEEN_LOOKS = 1.0  # at our own gateway, not upstream


async def ordered(caller: GatewayCaller, path: str, asked: Mapping[str, Any], folder: Path) -> None:
    """Order pictures, show how far they are, and save them in the folder. `asked` may hold None: absent."""
    order = {name: value for name, value in asked.items() if value is not None}
    body = msgspec.json.encode({**order, "stream": True})
    async with caller as gateway:
        stream = await gateway.stream(path, body, seconds=_LONGEST)
        job_id = stream.headers["x-job-id"]
        with bar() as progress:
            task = progress.add_task("queued", total=100)
            showing = asyncio.create_task(_show(gateway, job_id, progress, task))
            try:
                pictures = [
                    event async for event in events(stream) if event["type"].endswith(".completed")
                ]
            finally:
                showing.cancel()
            progress.update(task, description="done", completed=100)
        if not pictures:
            raise Refused(f"The gateway sent no picture. See: jimeng-api jobs show {job_id}")
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        for number, picture in enumerate(pictures, 1):
            path_saved = folder / f"{job_id}-{number}.{picture['output_format']}"
            await asyncio.to_thread(path_saved.write_bytes, base64.b64decode(picture["b64_json"]))
            out.print(f"{path_saved}  {picture['size']}", soft_wrap=True)


def as_data_uris(files: Sequence[Path]) -> list[str]:
    """The files as JSON may hold them; the gateway sees for itself of what type they are."""
    return [_data_uri(file) for file in files]


def _data_uri(file: Path) -> str:
    return f"data:;base64,{base64.b64encode(file.read_bytes()).decode()}"


async def _show(gateway: GatewayCaller, job_id: str, progress: Progress, task: TaskID) -> None:
    """Keep the bar true to the job, until cancelled."""
    with suppress(Refused):
        async for job in looks(gateway, job_id):
            progress.update(task, description=words(job), completed=job["progress"])


async def looks(gateway: GatewayCaller, job_id: str) -> AsyncIterator[dict[str, Any]]:
    """The job, again and again. Raises Refused."""
    while True:
        yield await gateway.get(f"/v1/jobs/{job_id}")
        await asyncio.sleep(_BETWEEN_LOOKS)  # noqa: TID251 - the terminal's own time, nothing waits for it


def words(job: dict[str, Any]) -> str:
    """What a person wants to know of a job that has not ended."""
    queue = job.get("queue") or {}
    if queue.get("position"):
        what = f"in line, place {queue['position']}"
    elif job["status"] == "in_progress":
        what = "filming" if job["kind"] == "video" else "drawing"
    else:
        what = str(job["status"])
    return f"{what}{_expected(job, queue)}"


def _expected(job: dict[str, Any], queue: dict[str, Any]) -> str:
    """How long the upstream says that a film still takes; pictures are there too soon for that."""
    whole = (queue.get("wait_seconds") or 0) + (queue.get("run_seconds") or 0)
    left = whole * (100 - job["progress"]) / 100
    if job["kind"] != "video" or not left:
        return ""
    return f", about {left / 60:.0f} min" if left >= 90 else f", about {left:.0f} s"


def bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=err,
    )
