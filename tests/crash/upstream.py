"""The control side of the simulated upstream: how it behaves, and the truth that it knows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import aiohttp
import msgspec

from tests.crash.callers import Tell
from tests.crash.history import Charged, Taken, Totals
from tests.crash.processes import DidNotStart

MOST_IDS = 50
"""How many jobs a gateway names in one request, at most."""


class Looks(NamedTuple):
    number: int
    ended: bool


class Upstream:
    def __init__(self, origin: str, http: aiohttp.ClientSession) -> None:
        self._origin = origin
        self._http = http

    async def prepare(self, *, job: tuple[float, float], answer: float, vanish: float) -> None:
        await self._post("time", {"seconds": list(job)})
        for fault, share in (("timeout", vanish), ("delay", 0.5)):
            if share:
                await self.fault(fault, seconds=answer, times=-1, probability=share)

    async def fault(self, fault: str, **settings: Any) -> None:
        """Let submissions meet a fault, the next one where nothing else is said."""
        await self._post("faults", {"on": "generate", "fault": fault, **settings})

    async def tell_truth(self, tell: Tell) -> None:
        ledger = await self._get("ledger", brief="1")
        for one in ledger["submits"]:
            names = ("submit_id", "session", "prompt", "pictures", "price", "double")
            tell(Taken(**{name: one[name] for name in names}))
        for one in ledger["charges"]:
            tell(Charged(submit_id=one["submit_id"], credits=one["credits"]))
        totals = ledger["totals"]
        tell(Totals(**{name: totals[name] for name in ("accepted", "double", "charged")}))

    async def looks(self) -> dict[str, Looks]:
        """How often each accepted submission was looked at so far, by its submit id."""
        return {
            one["submit_id"]: Looks(one["looks"], ended=one["ending"] is not None)
            for one in await self.submissions()
        }

    async def submissions(self) -> list[dict[str, Any]]:
        """Whatever was accepted so far."""
        ledger = await self._get("ledger", brief="1")
        return list(ledger["submits"])

    async def look_times(self) -> dict[str, list[float]]:
        """When each account was looked at, in unix seconds.

        A look at more jobs than one request may name is several requests; the first of them counts.
        """
        times: dict[str, list[float]] = defaultdict(list)
        full: dict[str, bool] = defaultdict(bool)
        for one in (await self._get("requests", times="1"))["times"]:
            if one["operation"] == "poll":
                account = one["account"]
                if not full[account]:
                    times[account].append(one["at"])
                full[account] = one["ids"] >= MOST_IDS
        return times

    async def _get(self, what: str, **query: str) -> Any:
        async with self._http.get(f"{self._origin}/_sim/{what}", params=query) as answer:
            return msgspec.json.decode(await answer.read())

    async def _post(self, what: str, order: dict[str, Any]) -> None:
        async with self._http.post(f"{self._origin}/_sim/{what}", json=order) as answer:
            if answer.status != 200:
                raise DidNotStart(f"the simulator refused {what}: {await answer.text()}")
