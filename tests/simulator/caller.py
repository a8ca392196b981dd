"""Calls the simulated upstream without sockets and without waiting."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.types import Message

from jimeng_api.simulator.app import create_app
from jimeng_api.simulator.world import World
from tests.simulator.forms import browser_form

NEW_YEAR = 1_767_225_600.0  # 2026-01-01T00:00:00Z, 08:00 where the day is counted
AIDS = {"cn": 513695, "us": 513641, "hk": 513641, "jp": 513641, "sg": 513641}
SESSION = "0123456789abcdef0123456789abcdef"

GENERATE = "/mweb/v1/aigc_draft/generate"
POLL = "/mweb/v1/get_history_by_ids"
CREDIT = "/commerce/v1/benefits/user_credit"
RECEIVE = "/commerce/v1/benefits/credit_receive"
CREDIT_HISTORY = "/commerce/v1/benefits/user_credit_history"
SUBSCRIPTION = "/commerce/v1/subscription/user_info"
USER_INFO = "/mweb/v1/get_user_info"
PASSPORT = "/passport/account/info/v2"


class VirtualClock:
    """Sleeping moves the time on and takes none."""

    def __init__(self, start: float = NEW_YEAR) -> None:
        self.at = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class Answer:
    def __init__(self, messages: list[Message]) -> None:
        start = messages[0]
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ret(self) -> Any:
        return self.json["ret"]

    @property
    def data(self) -> Any:
        return self.json["data"]


class Sim:
    """A simulated upstream with one usual caller."""

    def __init__(
        self, *, seed: int = 0, speed: float = 1.0, site: str = "cn", session: str = SESSION
    ) -> None:
        self.clock = VirtualClock()
        self.world = World(seed=seed, speed=speed, clock=self.clock)
        self.app = create_app(self.world)
        self.site = site
        self.session = session

    async def raw(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        parts = urlsplit(target)
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        given = {"host": "127.0.0.1:5199", **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "scheme": "http",
        }
        await self.app(scope, receive, send)
        return Answer(messages)

    async def ask(
        self,
        path: str,
        body: Any = None,
        *,
        site: str | None = None,
        session: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Answer:
        """One call as a client of the site makes it."""
        name = site or self.site
        secret = self.session if session is None else session
        given = {"appid": str(AIDS[name]), "content-type": "application/json"}
        if secret:
            given["cookie"] = f"_tea_web_id=7; sessionid={secret}; sessionid_ss={secret}"
        if path.startswith("/commerce/"):
            given["loc"] = name
            usual: dict[str, Any] = {}
        else:
            usual = {"aid": AIDS[name], "region": name if name == "cn" else name.upper()}
        target = path + "?" + urlencode(usual if query is None else query)
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return await self.raw("POST", target, raw, given | (headers or {}))

    async def submit(self, form: dict[str, Any] | None = None, **options: Any) -> Answer:
        """Submit a job; without a form, the browser's for a 2k square."""
        return await self.ask(GENERATE, form or browser_form(aid=AIDS[self.site]), **options)

    async def accepted(self, form: dict[str, Any] | None = None, **options: Any) -> str:
        """Submit a job that must be accepted; gives its submit id."""
        answer = await self.submit(form, **options)
        assert answer.ret == "0", answer.json
        submit_id: str = answer.data["aigc_data"]["submit_id"]
        return submit_id

    async def poll(self, *submit_ids: str, **options: Any) -> Any:
        answer = await self.ask(POLL, {"submit_ids": list(submit_ids)}, **options)
        assert answer.ret == "0", answer.json
        return answer.data

    async def record(self, submit_id: str) -> Any:
        """The record of one job, or None while it is not listed."""
        return (await self.poll(submit_id)).get(submit_id)

    async def finished(self, submit_id: str) -> Any:
        """The record once so much time has gone by that the job is over."""
        self.clock.at += 1000
        return await self.record(submit_id)

    async def fetch(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url)
        return await self.raw("GET", f"{parts.path}?{parts.query}", headers=headers)

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.raw(method, "/_sim" + path, raw)

    async def fault(self, fault: str, on: str | None = None, **settings: Any) -> None:
        order = {"fault": fault, **({"on": on} if on else {}), **settings}
        answer = await self.control("POST", "/faults", order)
        assert answer.status == 200, answer.body

    async def account(self, **fields: Any) -> Any:
        answer = await self.control("POST", "/accounts", {"session": self.session, **fields})
        assert answer.status == 200, answer.body
        return answer.json

    async def switch(self, **values: Any) -> None:
        answer = await self.control("POST", "/switches", values)
        assert answer.status == 200, answer.body

    async def time(self, **order: Any) -> None:
        answer = await self.control("POST", "/time", order)
        assert answer.status == 200, answer.body

    async def ledger(self, query: str = "") -> Any:
        return (await self.control("GET", "/ledger" + query)).json

    async def credits(self) -> Any:
        return (await self.ask(CREDIT)).data["credit"]

    async def balance(self) -> int:
        return sum((await self.credits()).values())


def links_of(record: Any) -> list[str]:
    return [item["image"]["large_images"][0]["image_url"] for item in record["item_list"]]


def statuses(records: Iterable[Any]) -> list[Any]:
    return [None if record is None else record["status"] for record in records]
