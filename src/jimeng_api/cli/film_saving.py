"""From a film that is ordered at a running gateway to a saved one, with progress meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jimeng_api.cli.caller import GatewayCaller, Refused, out
from jimeng_api.cli.saving import bar, looks, words


async def filmed(caller: GatewayCaller, asked: Mapping[str, Any], folder: Path) -> None:
    """Order a film, show how far it is, and save it in the folder. `asked` may hold None: absent."""
    order = {name: value for name, value in asked.items() if value is not None}
    async with caller as gateway:
        job = await gateway.post("/v1/videos/generations", {**order, "async": True})
        with bar() as progress:
            task = progress.add_task("queued", total=100)
            async for look in looks(gateway, job["id"]):
                job = look
                progress.update(task, description=words(job), completed=job["progress"])
                if job["status"] in ("completed", "failed"):
                    break
        if job["status"] == "failed":
            raise Refused(f"{job['error']['message']} ({job['error']['code']})")
        if not job["results"]:
            raise Refused(f"The film is not kept any more. See: jimeng-api jobs show {job['id']}")
        film = job["results"][0]
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        saved = folder / f"{job['id']}.mp4"
        await gateway.save(film["url"], saved)
        size = f"{film['width']}x{film['height']}"
        out.print(f"{saved}  {size}  {film['seconds']:g} s", soft_wrap=True)
