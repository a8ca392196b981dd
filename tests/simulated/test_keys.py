"""What the terms of a key say to orders that reach a whole gateway, and what it is not shown of others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from pydantic import SecretStr
from typing_extensions import override

from jimeng_api.accounts.keys import Keys, NoAccounts
from jimeng_api.accounts.session import Caller, Session
from jimeng_api.accounts.terms import Terms
from jimeng_api.catalog.lookup import find_image_model, find_video_model
from jimeng_api.domain.errors import InvalidValue, NotFound
from jimeng_api.generation.adopting import Otherwise
from jimeng_api.generation.finishing import FinishedPictures
from jimeng_api.jobs.job import State
from tests.answer import Answer
from tests.simulated.asgi import Talk
from tests.simulated.house import CAT, KEY, House, submits_sent, until

ADMIN = "the-admin-key-of-this-gateway"


class OneAccount(NoAccounts):
    """A pool of one."""

    def __init__(self, sessions: tuple[Session, ...]) -> None:
        self._sessions = sessions

    @override
    async def sessions(
        self, *, sites: Collection[str] | None, ids: Collection[str] | None
    ) -> tuple[Session, ...]:
        return self._sessions


def keys_of(house: House) -> Keys:
    """Keys for the session that the other tests send themselves, on the gateway's own database."""
    desk = house.gateway.desk
    sessions = house.gateway.workshop._vault.caller(KEY).sessions
    return Keys(
        desk._store._database, house.gateway.workshop._vault, house.clock, OneAccount(sessions)
    )


async def a_key(house: House, **terms: Any) -> str:
    """A key with terms, by its text. It stands for a session as an access token does."""
    sessions = house.gateway.workshop._vault.caller(KEY).sessions
    _, text = await keys_of(house).issue(kind="token", sessions=sessions, terms=Terms(**terms))
    return text.reveal()


async def a_lent_account(house: House) -> Caller:
    keys = keys_of(house)
    _, text = await keys.issue()
    return await keys.caller(text.reveal())


async def test_a_key_makes_pictures_and_its_jobs_are_its_own(gateway: House) -> None:
    key = await a_key(gateway)
    answer = await gateway.generate(key)
    assert answer.status == 200, answer
    job = answer.headers["x-job-id"]
    assert (await gateway.call("GET", f"/v1/jobs/{job}", key=key)).status == 200
    for other in (KEY, await a_key(gateway)):
        assert (await gateway.call("GET", f"/v1/jobs/{job}", key=other)).status == 404
        assert (await gateway.call("GET", "/v1/jobs", key=other)).json["data"] == []


async def test_an_issued_key_makes_pictures_on_a_stored_account_of_its_sites(house: House) -> None:
    await house.start(admin_key=SecretStr(ADMIN))
    for session in (KEY, f"us-{'f' * 32}"):
        stored = await house.call("POST", "/v1/admin/accounts", {"session": session}, key=ADMIN)
        assert stored.status == 200, stored
    order = {"name": "one", "sites": ["us"]}
    key = (await house.call("POST", "/v1/admin/keys", order, key=ADMIN)).json["key"]
    made = await house.generate(key)
    assert made.status == 200, made
    assert [row["site"] for row in house.written()] == ["us"]
    # The owner of the session sees nothing of it, and the account, once it is gone, is lent no more.
    job = made.headers["x-job-id"]
    assert (await house.call("GET", f"/v1/jobs/{job}", key=f"us-{'f' * 32}")).status == 404
    accounts = (await house.call("GET", "/v1/admin/accounts", key=ADMIN)).json["data"]
    (american,) = [one["id"] for one in accounts if one["site"] == "us"]
    await house.call("DELETE", f"/v1/admin/accounts/{american}", key=ADMIN)
    refused = await house.generate(key)
    assert refused.status == 400
    assert "no account stands behind this key" in refused.error["message"]
    assert (await house.call("GET", f"/v1/jobs/{job}", key=key)).json["status"] == "completed"


async def test_a_model_that_the_key_may_not_use_is_refused_before_anything_is_sent(
    gateway: House,
) -> None:
    key = await a_key(gateway, models=("jimeng-3.0",))
    answer = await gateway.generate(key, model="jimeng-4.5")
    assert (answer.status, answer.error["code"]) == (403, "key_not_permitted")
    assert answer.error["param"] == "model"
    film = await gateway.call("POST", "/v1/videos", {"prompt": "a sea"}, key=key)
    assert (film.status, film.error["code"]) == (403, "key_not_permitted")
    assert submits_sent(gateway) == 0
    assert gateway.written() == []
    assert (await gateway.generate(key, model="jimeng-3.0")).status == 200


@pytest.mark.speed(10)
async def test_of_orders_at_the_same_moment_only_as_many_come_in_as_the_key_may_have(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=1100)  # nothing ends by itself meanwhile
    key = await a_key(gateway, concurrency=3)

    async def order() -> Answer:
        gone = Talk()
        gone.gone.set()
        return await gateway.ask("generations", key, talk=gone)

    answers = await asyncio.gather(*(order() for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [429] * 5 + [499] * 3
    for answer in answers:
        if answer.status == 429:
            assert answer.error["code"] == "rate_limit_exceeded"
            assert int(answer.headers["retry-after"]) > 0
            assert "x-should-retry" not in answer.headers
    await until(lambda: sum(bool(row["history_id"]) for row in gateway.written()) == 3)
    assert submits_sent(gateway) == 3
    # One ends: there is room for one.
    job = gateway.written()[0]["job_id"]
    assert (await gateway.call("POST", f"/v1/jobs/{job}/cancel", key=key)).status == 200
    assert sorted([(await order()).status, (await order()).status]) == [429, 499]
    await until(lambda: sum(bool(row["history_id"]) for row in gateway.written()) == 4)


async def test_a_key_spends_no_more_credits_in_a_day_than_it_may(gateway: House) -> None:
    key = await a_key(gateway, credits_per_day=10)  # a picture costs 4
    answers = await asyncio.gather(*(gateway.generate(key, prompt=f"cat {n}") for n in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 200, 429, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.error["code"] == "rate_limit_exceeded"
    left = 86_400 - gateway.clock.now() % 86_400
    assert left <= int(refused.headers["retry-after"]) <= 86_400
    assert "x-job-id" not in refused.headers
    assert submits_sent(gateway) == 2
    assert (await gateway.generate(KEY)).status == 200, "others are none of it"
    cheaper = await gateway.generate(key, model="jimeng-3.0", prompt="a dog")
    assert cheaper.status == 200, "what is left of the day can be spent"


async def test_a_key_that_may_spend_nothing_gets_nothing(gateway: House) -> None:
    key = await a_key(gateway, credits_per_day=0)
    assert (await gateway.generate(key)).status == 429
    assert submits_sent(gateway) == 0


async def test_a_request_sent_again_needs_no_room_of_its_own(gateway: House) -> None:
    key = await a_key(gateway, concurrency=1)
    again = {"idempotency-key": "once"}
    answers = await asyncio.gather(
        *(
            gateway.call("POST", "/v1/images/generations", CAT, key=key, headers=again)
            for _ in range(3)
        )
    )
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer.headers["x-job-id"] for answer in answers}) == 1
    assert submits_sent(gateway) == 1


async def test_a_revoked_key_is_refused_and_its_jobs_run_on(gateway: House) -> None:
    key = await a_key(gateway)
    job = await gateway.leave(key)
    keys = keys_of(gateway)
    (issued,) = await keys.all("token")
    await keys.revoke(issued.id, "token")
    refused = await gateway.generate(key)
    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert (await gateway.call("GET", f"/v1/jobs/{job}", key=key)).status == 401
    await until(lambda: gateway.gateway.workshop.find(job) is None)
    found = await gateway.gateway.desk._store.find(issued.owner, job)
    assert found.state is State.COMPLETED


@pytest.mark.parametrize("name", ["history_id", "submit_id"])
async def test_what_else_happens_on_a_stored_account_is_not_shown_to_a_key(
    gateway: House, name: str
) -> None:
    """Somebody else's task, by an id that the upstream has it by: to show it is not ours to give."""
    assert (await gateway.generate()).status == 200
    (row,) = gateway.written()
    lent, desk = await a_lent_account(gateway), gateway.gateway.desk
    asked = len(gateway.door.asked)
    by: dict[str, Any] = {"history_id": None, "submit_id": None} | {name: row[name]}
    otherwise = Otherwise(picture=find_image_model("jimeng"), film=find_video_model("jimeng"))
    with pytest.raises(NotFound):
        await desk.adopt(lent, **by, site=None, otherwise=otherwise)
    finished = FinishedPictures(desk._store, desk._takeover._adopting)
    with pytest.raises(InvalidValue):
        await finished.of_item(lent, gateway.kept()[0]["item_id"], row["history_id"])
    assert len(gateway.door.asked) == asked  # the upstream was not even asked
