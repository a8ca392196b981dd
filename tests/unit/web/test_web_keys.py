"""The admin routes, and what a key's terms say at the edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from jimeng_api.accounts.terms import Terms
from jimeng_api.clock import SystemClock
from jimeng_api.domain.secret import Secret
from jimeng_api.web.rates import Rates
from tests.answer import Answer
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, Edge

ADMIN = "the-admin-key-of-this-gateway"


@dataclass
class Desk:
    """The edge with a database for its keys."""

    edge: Edge

    async def admin(self, method: str, path: str = "", body: object = None) -> Answer:
        return await self.edge.call(method, f"/v1/admin/keys{path}", key=ADMIN, json_body=body)

    async def issue(self, **order: Any) -> dict[str, Any]:
        answer = await self.admin("POST", body={"name": "one", **order})
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    async def token(self, **terms: Any) -> str:
        """A key with terms that stands for a session, so that it can order."""
        keys = self.edge.parts.keys
        caller = await keys.caller(KEY)
        _, text = await keys.issue(kind="token", sessions=caller.sessions, terms=Terms(**terms))
        return text.reveal()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    edge = Edge(database=f"sqlite:///{tmp_path / 'keys.db'}", admin_key=Secret(ADMIN))
    await edge.database.open()
    yield Desk(edge)
    await edge.database.close()


# --------------------------------------------------------------------- admin ----


async def test_a_key_is_issued_shown_without_its_text_and_revoked(desk: Desk) -> None:
    made = await desk.issue(
        name="playground",
        models=["4.5", "jimeng-4.5"],
        sites=["US"],
        accounts=["account_1"],
        concurrency=2,
        requests_per_minute=30,
        credits_per_day=0,
        expires_in=3600,
    )
    text = made.pop("key")
    assert text.startswith("jm-")
    assert made["hint"] == f"jm-…{text[-4:]}"
    assert (made["models"], made["sites"], made["accounts"]) == (
        ["jimeng-4.5"], ["us"], ["account_1"],
    )  # fmt: skip
    assert (made["concurrency"], made["requests_per_minute"], made["credits_per_day"]) == (2, 30, 0)
    assert made["expires_at"] - made["created_at"] == 3600
    assert (made["state"], made["last_used_at"]) == ("active", None)

    assert (await desk.admin("GET", f"/{made['id']}")).json == made
    assert (await desk.admin("GET")).json == {"object": "list", "data": [made]}
    assert (await desk.edge.get("/v1/jobs", key=text)).status == 200
    used = (await desk.admin("GET", f"/{made['id']}")).json
    assert used["last_used_at"] >= made["created_at"]

    gone = (await desk.admin("DELETE", f"/{made['id']}")).json
    assert (gone["state"], gone["id"]) == ("revoked", made["id"])
    answer = await desk.edge.get("/v1/jobs", key=text)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert "revoked" in answer.error["message"]
    assert text not in str(answer)


async def test_an_answer_with_a_key_is_not_kept_on_its_way(desk: Desk) -> None:
    answer = await desk.admin("POST", body={"name": "one"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("order", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "models": ["no-such"]}, "models"),
        ({"name": "x", "models": []}, "models"),
        ({"name": "x", "models": "jimeng-4.5"}, "models"),
        ({"name": "x", "sites": ["mars"]}, "sites"),
        ({"name": "x", "concurrency": 0}, "concurrency"),
        ({"name": "x", "concurrency": True}, "concurrency"),
        ({"name": "x", "requests_per_minute": "30"}, "requests_per_minute"),
        ({"name": "x", "credits_per_day": -1}, "credits_per_day"),
        ({"name": "x", "expires_in": 0}, "expires_in"),
        ({"name": "x", "request_per_minute": 1}, "request_per_minute"),
    ],
)
async def test_a_limit_that_is_not_understood_makes_no_key(
    desk: Desk, order: dict[str, Any], param: str
) -> None:
    answer = await desk.admin("POST", body=order)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert (await desk.admin("GET")).json["data"] == []


@pytest.mark.parametrize("path", ["/key_0", "/..%2f", "/" + "x" * 300, "/key_0'--"])
async def test_a_key_that_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await desk.admin(method, path)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
    answer = await desk.admin("POST", body={"name": "x", "replaces": "key_0"})
    assert answer.status == 404


async def test_a_key_that_replaces_another_finds_its_jobs(desk: Desk) -> None:
    old = await desk.issue()
    new = await desk.issue(replaces=old["id"])
    keys = desk.edge.parts.keys
    owners = {(await keys.caller(one["key"])).owner for one in (old, new)}
    assert len(owners) == 1
    await desk.admin("DELETE", f"/{old['id']}")
    assert (await desk.edge.get("/v1/jobs", key=new["key"])).status == 200


async def test_without_an_admin_key_there_are_no_admin_routes() -> None:
    for key in (None, KEY, ""):
        answer = await Edge().call("GET", "/v1/admin/keys", key=key)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert "JIMENG_API_ADMIN_KEY" in answer.error["message"]


@pytest.mark.parametrize(
    "key", ["", ADMIN[:-1], ADMIN + "x", ADMIN.upper(), KEY, f"{ADMIN},{KEY}", "jm-" + "a" * 43]
)
async def test_only_the_admin_key_opens_the_admin_routes(desk: Desk, key: str) -> None:
    answer = await desk.edge.call("GET", "/v1/admin/keys", key=key)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    if key:
        assert key not in answer.body.decode()


@pytest.mark.parametrize("key", [ADMIN, f"{ADMIN},{KEY}", f"{KEY} , {ADMIN}"])
async def test_the_admin_key_is_no_session_of_anybody(desk: Desk, key: str) -> None:
    """As one it would be sent to a site."""
    for path in (GENERATIONS, "/v1/jobs"):
        answer = await desk.edge.call(
            "POST" if path == GENERATIONS else "GET", path, key=key, json_body=CAT
        )
        assert (answer.status, answer.error["code"]) == (403, "key_not_permitted")
    assert desk.edge.desk.jobs == {}


# --------------------------------------------------------------------- terms ----


async def test_only_the_models_of_the_key_are_listed(desk: Desk) -> None:
    key = await desk.token(models=("jimeng-4.5",))
    listed = (await desk.edge.get("/v1/models", key=key)).json["data"]
    assert [model["id"] for model in listed] == ["jimeng-4.5"]


async def test_requests_beyond_the_limit_are_told_when_there_is_room_again(desk: Desk) -> None:
    key = await desk.token(requests_per_minute=2)

    async def order() -> Answer:
        return await desk.edge.call("POST", GENERATIONS, key=key, json_body=CAT)

    left = []
    for _ in range(2):
        answer = await order()
        assert answer.status == 200, answer
        assert answer.headers["x-ratelimit-limit-requests"] == "2"
        left.append(answer.headers["x-ratelimit-remaining-requests"])
        assert 0 < float(answer.headers["x-ratelimit-reset-requests"].removesuffix("s")) <= 60
    assert left == ["1", "0"]
    refused = await order()
    assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
    assert refused.error["type"] == "rate_limit_error"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-should-retry" not in refused.headers
    assert len(desk.edge.desk.jobs) == 2
    # Whoever only looks is not counted, and another key has its own count.
    for _ in range(5):
        looked = await desk.edge.get("/v1/jobs", key=key)
        assert looked.status == 200
        assert "x-ratelimit-limit-requests" not in looked.headers
    assert (await desk.edge.generate(await desk.token(requests_per_minute=2))).status == 200
    assert (await desk.edge.generate()).status == 200


async def test_a_key_behind_which_no_account_stands_may_look_and_is_told(desk: Desk) -> None:
    key = (await desk.issue())["key"]
    assert (await desk.edge.get("/v1/jobs", key=key)).status == 200
    assert (await desk.edge.get("/v1/models", key=key)).json["data"] == []
    answer = await desk.edge.generate(key)
    assert answer.status == 400
    assert "no account stands behind this key" in answer.error["message"]


class HandClock(SystemClock):
    def __init__(self) -> None:
        self.at = 1000.0

    @override
    def monotonic(self) -> float:
        return self.at


@given(
    limit=st.integers(1, 5),
    pauses=st.lists(st.floats(0, 40, allow_nan=False), max_size=60),
)
def test_in_no_minute_are_more_requests_than_the_limit(limit: int, pauses: list[float]) -> None:
    clock = HandClock()
    rates = Rates(clock)
    taken: list[float] = []
    for pause in pauses:
        clock.at += pause
        standing = rates.take("owner", limit)
        within = [at for at in taken if at > clock.at - 60]
        assert (standing.wait is None) is (len(within) < limit)
        if standing.wait is None:
            taken.append(clock.at)
            assert standing.remaining == limit - len(within) - 1
        else:
            # Neither too early nor later than needed.
            assert standing.wait == pytest.approx(within[-limit] + 60 - clock.at)
    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= limit


async def test_a_flood_of_strangers_leaves_nothing_behind(desk: Desk) -> None:
    for number in range(50):
        answer = await desk.edge.generate(f"jm-{number:043}")
        assert answer.status == 401
    await asyncio.sleep(0)
    assert desk.edge.parts.keys._noted == {}
