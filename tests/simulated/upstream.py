"""The simulated upstream in this process, with its control surface and its ledger."""

from __future__ import annotations

import json
from typing import Any

from jimeng_api.simulator.clock import Clock
from jimeng_api.simulator.serve import build_app
from tests.simulated.asgi import Talk
from tests.simulated.clock import UpstreamClock
from tests.simulated.door import UPSTREAM


class Upstream:
    def __init__(self, clock: Clock) -> None:
        self.app = build_app(clock=UpstreamClock(clock))

    async def control(self, method: str, path: str, order: object = None) -> Any:
        body = b"" if order is None else json.dumps(order).encode()
        answer = await Talk(body=body).run(self.app, method, f"{UPSTREAM}/_sim{path}")
        assert answer.status == 200, answer.body
        return answer.json

    async def fault(self, fault: str, on: str | None = None, **settings: Any) -> None:
        order = {"fault": fault, **({"on": on} if on else {}), **settings}
        await self.control("POST", "/faults", order)

    async def account(self, session: str, **rules: Any) -> Any:
        return await self.control("POST", "/accounts", {"session": session, **rules})

    async def balance(self, session: str) -> int:
        found = await self.account(session)
        return sum(found["credits"].values())

    async def time(self, **order: Any) -> None:
        await self.control("POST", "/time", order)

    async def switch(self, **values: Any) -> None:
        await self.control("POST", "/switches", values)

    async def unspent(self) -> int:
        left: int = (await self.control("GET", "/faults"))["unspent"]
        return left

    async def ledger(self, query: str = "brief=1") -> Any:
        return await self.control("GET", f"/ledger?{query}")

    async def submits(self, session: str) -> list[dict[str, Any]]:
        """What was accepted of this session."""
        found: list[dict[str, Any]] = (await self.ledger(f"brief=1&account={session}"))["submits"]
        return found

    async def uploads(self, session: str = "") -> list[dict[str, Any]]:
        """The pictures that were taken in, of this session or of all."""
        found: list[dict[str, Any]] = (await self.ledger(f"account={session}"))["uploads"]
        return found

    async def charged(self, session: str) -> int:
        """How often the account was charged."""
        return len((await self.ledger(f"brief=1&account={session}"))["charges"])

    async def requests(self, operation: str) -> int:
        found = await self.control("GET", "/requests")
        count: int = found["by_operation"].get(operation, 0)
        return count
