"""What a site that fails is still asked, in virtual time: hours of it, by many accounts."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from jimeng_api.catalog.sites import CN, JP, US, Site
from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    Overloaded,
    ProtocolChanged,
    ProxyRefused,
    RiskControl,
    SubmissionUncertain,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Stage
from jimeng_api.domain.secret import Secret
from jimeng_api.polling.durations import Kind
from jimeng_api.polling.pace import Expectation
from jimeng_api.polling.poller import Poller, Watch
from jimeng_api.transport import (
    Broken,
    NoConnectionFree,
    NotSent,
    ProxyFailed,
    Request,
    Response,
    Stream,
)
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from tests.virtual_time import VirtualClock, run_virtually

HOUR = 3600.0
GENERATE = "/mweb/v1/aigc_draft/generate"
HISTORY = "/mweb/v1/get_history_by_ids"
CREDITS = "/commerce/v1/benefits/user_credit"


def said(data: Any = None, *, ret: str = "0") -> Response:
    body = json.dumps({"ret": ret, "errmsg": "e", "logid": "L", "data": data}).encode()
    return Response(status=200, headers={}, body=body)


def page(status: int) -> Response:
    return Response(status=status, headers={"content-type": "text/html"}, body=b"<html></html>")


class Upstream:
    """A transport whose answers can be changed at any time, and which counts."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.taken: dict[str, str] = {}
        self.submit: Exception | Response | None = None
        self.rest: Exception | Response | None = None
        self.asked: list[tuple[float, str]] = []
        self.seconds = 0.0

    async def send(self, request: Request) -> Response:
        path = urlsplit(request.url).path
        self.asked.append((self._clock.now(), path))
        await self._clock.sleep(self.seconds)
        outcome = self.submit if path == GENERATE else self.rest
        body = json.loads(request.body or b"{}")
        if isinstance(outcome, (NotSent, Broken)):
            raise outcome
        if path == GENERATE and outcome is None:
            self.taken[body["submit_id"]] = f"h{len(self.taken)}"
            return said({"aigc_data": self._record(body["submit_id"])})
        if outcome is not None:
            assert isinstance(outcome, Response)
            return outcome
        if path == CREDITS:
            return said({"credit": {"gift_credit": 66}})
        ids = [id_ for id_ in body.get("submit_ids", []) if id_ in self.taken]
        return said({id_: self._record(id_) for id_ in ids})

    def _record(self, submit_id: str) -> dict[str, Any]:
        return {
            "history_record_id": self.taken[submit_id],
            "submit_id": submit_id,
            "status": 20,
        }

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        raise NotImplementedError

    def count(self, path: str) -> int:
        return sum(one == path for _, one in self.asked)

    def smallest_pause(self, path: str) -> float:
        times = [at for at, one in self.asked if one == path]
        return min(later - earlier for earlier, later in itertools.pairwise(times))


class World:
    """A client, its upstream, and accounts enough."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.upstream = Upstream(self.clock)
        self.client = UpstreamClient(self.upstream, self.clock, Constants())
        self._numbers = itertools.count()

    async def submit(self, account: int = 0, *, site: Site = CN, id_: str = "") -> Any:
        submit_id = id_ or f"s{next(self._numbers)}"
        payload = json.dumps({"submit_id": submit_id, "extend": {"root_model": "m"}}).encode()
        return await self.client.submit(site, session(account), payload)

    async def look(self, account: int = 0, *, site: Site = CN) -> Any:
        return await self.client.look(site, session(account), submit_ids=[f"a{account}"])

    async def refused(self, call: Coroutine[Any, Any, Any]) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await call
        return caught.value

    async def five(self, call: Callable[[int], Coroutine[Any, Any, Any]]) -> None:
        """Five accounts meet trouble, one after the other."""
        for account in range(5):
            await self.refused(call(account))
            await self.clock.sleep(2.0 if account < 4 else 0.0)


def session(account: int) -> Secret:
    return Secret(f"{account:032d}")


def virtually(work: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await work(World())

    run_virtually(run())


TROUBLE: list[Any] = [
    pytest.param(NotSent("ClientConnectorError"), id="nobody listens"),
    pytest.param(Broken("ServerDisconnectedError"), id="hangs up"),
    pytest.param(page(502), id="502"),
    pytest.param(page(503), id="maintenance"),
    pytest.param(Response(status=200, headers={}, body=b'{"ret":"0"'), id="half an answer"),
    pytest.param(page(404), id="no such endpoint"),
]


# ---------------------------------------------------------------- risk control


def test_an_account_that_risk_control_stops_is_left_alone_for_half_an_hour() -> None:
    async def work(world: World) -> None:
        world.upstream.rest = said(ret="1019")
        spoke = await world.refused(world.look(1))
        world.upstream.rest = None
        for _ in range(17):
            await world.clock.sleep(100)
            for call in (world.submit(1), world.look(1)):
                error = await world.refused(call)
                assert isinstance(error, RiskControl)
                assert error.upstream == spoke.upstream
                assert error.charge is Charge.NONE
                assert error.retry_after == pytest.approx(1800 - world.clock.monotonic())
            await world.submit(2)
            await world.look(2)
        assert len(world.upstream.asked) == 1 + 2 * 17
        await world.clock.sleep(100)
        await world.submit(1)
        await world.look(1)

    virtually(work)


def test_a_submission_that_risk_control_stops_keeps_no_look_back() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = said(ret="1019")
        await world.refused(world.submit(1))
        await world.look(1)

    virtually(work)


# ------------------------------------------------------------------ hours of it


async def orders(world: World, *, every: float) -> None:
    """Someone wants a picture every so many seconds; what was not sent is tried three times."""
    for number in itertools.count():
        for pause in (1.0, 3.0, None):
            try:
                await world.submit(number % 20, id_=f"order{number}")
            except (UpstreamUnreachable, ProxyRefused):
                if pause is not None:
                    await world.clock.sleep(pause)
                    continue
            except GatewayError:
                pass
            break
        await world.clock.sleep(every)


async def follow(world: World, poller: Poller, account: int) -> None:
    """As the gateway follows a job."""

    async def look(**ids: Any) -> Any:
        return await world.client.look(CN, session(account), **ids)

    watch = Watch(
        account=str(account),
        submit_id=f"a{account}",
        history_id=f"h{account}",
        kind=Kind("cn", "m", "1k", "text"),
        first_guess=Expectation(low=5, high=20),
        age=0.0,
        budget=48 * HOUR,
        look=look,
    )
    async for _ in poller.follow(watch):
        pass


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [
        *(pytest.param(*one.values, 0.0, id=one.id) for one in TROUBLE),
        pytest.param(Broken("TimeoutError"), 20.0, id="hangs"),
    ],
)
def test_twenty_accounts_ask_a_site_that_is_down_twice_a_minute(
    trouble: Exception | Response, seconds: float
) -> None:
    async def work(world: World) -> None:
        upstream, clock = world.upstream, world.clock
        poller = Poller(clock)
        upstream.taken = {f"a{account}": f"h{account}" for account in range(20)}
        tasks = [asyncio.create_task(follow(world, poller, account)) for account in range(20)]
        tasks.append(asyncio.create_task(orders(world, every=7.0)))
        await clock.sleep(60)
        assert upstream.count(HISTORY) > 200
        upstream.submit = upstream.rest = trouble
        upstream.seconds = seconds
        await clock.sleep(300)
        upstream.asked.clear()
        await clock.sleep(HOUR / 4)
        for path in (HISTORY, GENERATE):
            assert upstream.smallest_pause(path) >= 30
            assert upstream.count(path) > 8  # and yet it is asked
        # Once it is back, all are looked at again within a minute or so, and pictures are ordered.
        upstream.submit = upstream.rest = None
        upstream.seconds = 0.0
        upstream.asked.clear()
        await clock.sleep(75)
        assert upstream.count(HISTORY) >= 20
        assert upstream.count(GENERATE) >= 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtually(work)


def test_a_site_that_is_dead_for_a_day_is_asked_at_most_2880_times_for_each_purpose() -> None:
    async def work(world: World) -> None:
        upstream, clock = world.upstream, world.clock
        upstream.submit = upstream.rest = NotSent("ClientConnectorError")

        async def ask(call: Callable[[int], Coroutine[Any, Any, Any]], account: int) -> None:
            while True:
                try:
                    await call(account)
                except UpstreamUnreachable as error:
                    wait = max(30.0, error.retry_after or 0.0)
                    await clock.sleep(wait * clock.uniform(0.8, 1.2))

        async def credits_of(account: int) -> None:
            await world.client.credits(CN, session(account))

        tasks = [
            asyncio.create_task(ask(call, account))
            for call in (world.submit, world.look, credits_of)
            for account in range(3)
        ]
        await clock.sleep(24 * HOUR)
        for path in (GENERATE, HISTORY, CREDITS):
            # A few until it is clear that it is dead, and then one each half minute or a little later.
            assert 1800 < upstream.count(path) <= 10 + 2880
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtually(work)


# --------------------------------------------------------- what is kept back, and what is not


def test_a_dead_site_is_left_in_peace_even_by_the_only_account_there_is() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = world.upstream.rest = NotSent("ClientConnectorError")
        for call in (world.submit, world.look):
            for _ in range(20):
                await world.refused(call(0))
                await world.clock.sleep(1)
        assert world.upstream.count(GENERATE) == 6
        assert world.upstream.count(HISTORY) == 6

    virtually(work)


def test_a_submission_that_is_kept_back_has_cost_nothing_and_names_the_time() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = NotSent("ClientConnectorError")
        await world.five(world.submit)
        sent = world.upstream.count(GENERATE)
        error = await world.refused(world.submit())
        assert type(error) is UpstreamUnreachable
        assert error.charge is Charge.NONE
        assert error.retry_after is not None
        assert 29 < error.retry_after <= 36
        assert world.upstream.count(GENERATE) == sent == 5
        world.upstream.submit = None
        await world.clock.sleep(error.retry_after)
        await world.submit()

    virtually(work)


def test_looks_and_submissions_do_not_stop_each_other() -> None:
    async def submits_fail(world: World) -> None:
        world.upstream.submit = NotSent("x")
        await world.five(world.submit)
        for _ in range(50):
            await world.look()
        await world.client.credits(CN, session(1))

    async def looks_fail(world: World) -> None:
        world.upstream.rest = page(502)
        await world.five(world.look)
        assert (await world.refused(world.look())).retry_after
        assert world.upstream.count(HISTORY) == 5
        for _ in range(50):
            await world.submit()
        await world.refused(world.client.credits(CN, session(1)))
        assert world.upstream.count(CREDITS) == 1

    virtually(submits_fail)
    virtually(looks_fail)


def test_sites_do_not_stop_each_other() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = NotSent("x")
        await world.five(lambda account: world.submit(account, site=US))
        assert (await world.refused(world.submit(site=US))).retry_after
        world.upstream.submit = None
        await world.submit(site=CN)
        await world.submit(site=JP)

    virtually(work)


@pytest.mark.parametrize(
    "refusal",
    [
        said(ret="1006"),
        said(ret="1015"),
        said(ret="1310"),
        said(ret="2038"),
        said(ret="1019"),
        said(ret="3018"),
        said(ret="424242"),
        page(429),
        Response(status=302, headers={"location": "https://a.example/passport"}, body=b""),
        page(401),
        NoConnectionFree("all connections are in use"),
    ],
)
def test_refusals_stop_nobody(refusal: Any) -> None:
    async def work(world: World) -> None:
        world.upstream.submit = world.upstream.rest = refusal
        for number in range(60):
            await world.refused(world.submit(number))
            await world.refused(world.look(number))
            await world.clock.sleep(1)
        assert world.upstream.count(GENERATE) == 60
        assert world.upstream.count(HISTORY) == 60

    virtually(work)


def test_no_place_left_here_says_nothing_of_a_site_that_is_down() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = NotSent("x")
        await world.five(world.submit)
        await world.clock.sleep(40)
        world.upstream.submit = NoConnectionFree("all connections are in use")
        await world.refused(world.submit())
        assert (await world.refused(world.submit())).retry_after

    virtually(work)


def test_no_place_left_here_is_said_as_it_is() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = NoConnectionFree("all connections are in use")
        error = await world.refused(world.submit())
        assert type(error) is Overloaded
        assert error.charge is Charge.NONE

    virtually(work)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (NotSent("x"), UpstreamUnreachable),
        (ProxyFailed("it answers HTTP 407"), ProxyRefused),
        (page(503), UpstreamMaintenance),
        (page(502), UpstreamUnreachable),
    ],
)
def test_whoever_is_kept_back_hears_the_reason_of_those_who_were_not(
    trouble: Any, kind: type[GatewayError]
) -> None:
    async def work(world: World) -> None:
        world.upstream.submit = world.upstream.rest = trouble
        for call in (world.submit, world.look):
            await world.five(call)
            if call == world.submit and isinstance(trouble, Response):
                await world.clock.sleep(30)  # what was in doubt is a failure by now
            error = await world.refused(call())
            assert type(error) is kind
            assert error.charge is Charge.NONE
            assert error.retry_after

    virtually(work)


def test_a_proxy_that_refuses_is_named_with_its_answer() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = world.upstream.rest = ProxyFailed("it answers HTTP 407")
        for call in (world.submit(), world.look()):
            error = await world.refused(call)
            assert type(error) is ProxyRefused
            assert "407" in error.message

    virtually(work)


# ------------------------------------------------------------------------ doubt


def test_submissions_whose_answers_are_lost_and_that_are_seen_later_go_on() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = Broken("ServerDisconnectedError")

        async def job(number: int) -> None:
            id_ = f"s{number}"
            with pytest.raises(SubmissionUncertain):
                await world.submit(number % 10, id_=id_)
            world.upstream.taken[id_] = f"h{number}"
            await world.clock.sleep(2)
            found = await world.client.look(CN, session(number % 10), submit_ids=[id_])
            assert found[id_].stage is Stage.WAITING

        for number in range(0, 1000, 10):
            await asyncio.gather(*(job(number + one) for one in range(10)))
        assert world.upstream.count(GENERATE) == 1000

    virtually(work)


def test_submissions_that_are_never_seen_stop_the_next_ones() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = Broken("ServerDisconnectedError")
        for number in range(60):
            await world.refused(world.submit(number))
            await world.clock.sleep(1)
            await world.look(number)
        assert world.upstream.count(GENERATE) <= 36

    virtually(work)


def test_what_only_one_account_meets_stops_no_other() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = world.upstream.rest = page(500)
        for _ in range(40):
            await world.refused(world.submit(7))
            await world.refused(world.look(7))
            await world.clock.sleep(2)
        world.upstream.submit = world.upstream.rest = None
        await world.submit(8)
        await world.look(8)

    virtually(work)


def test_a_try_whose_caller_has_gone_makes_room_for_another() -> None:
    async def work(world: World) -> None:
        world.upstream.submit = NotSent("x")
        await world.five(world.submit)
        await world.clock.sleep(40)
        world.upstream.submit = None
        world.upstream.seconds = 10
        trying = asyncio.create_task(world.submit())
        await world.clock.sleep(1)
        assert (await world.refused(world.submit())).retry_after
        trying.cancel()
        with suppress(asyncio.CancelledError):
            await trying
        await world.clock.sleep(40)
        await world.submit()
        await world.submit()

    virtually(work)


# --------------------------------------------------------------------- language


@pytest.mark.parametrize(("answers", "accounts"), [(5, 5), (20, 1)])
def test_when_nobody_is_understood_no_more_is_submitted_and_looks_go_on(
    answers: int, accounts: int
) -> None:
    async def work(world: World) -> None:
        world.upstream.submit = said(ret="1014")
        for number in range(answers):
            await world.refused(world.submit(number % accounts))
        assert world.upstream.count(GENERATE) == answers
        for _ in range(10):
            error = await world.refused(world.submit(99))
            assert type(error) is ProtocolChanged
            assert error.charge is Charge.NONE
            assert error.upstream is not None
            assert error.upstream.code == "1014"
            await world.look()
        assert world.upstream.count(GENERATE) == answers
        world.upstream.asked.clear()
        for _ in range(360):
            await world.clock.sleep(10)
            await world.refused(world.submit(99))
        assert 90 <= world.upstream.count(GENERATE) <= 120
        world.upstream.submit = None
        await world.clock.sleep(40)
        await world.submit(1)
        await world.submit(2)

    virtually(work)


@pytest.mark.parametrize(
    "between", [NotSent("x"), ProxyFailed("x"), Broken("x"), NoConnectionFree("x"), page(503)]
)
def test_what_says_nothing_of_the_language_does_not_count_as_understood(between: Any) -> None:
    async def work(world: World) -> None:
        for account in range(5):
            world.upstream.submit = said(ret="1014")
            await world.refused(world.submit(account))
            world.upstream.submit = between
            await world.refused(world.submit(account))
        world.upstream.submit = None
        assert type(await world.refused(world.submit(9))) is ProtocolChanged

    virtually(work)


def test_some_who_are_not_understood_among_others_who_are_stop_nobody() -> None:
    async def work(world: World) -> None:
        for number in range(60):
            world.upstream.submit = said(ret="1014") if number % 3 else None
            with suppress(ProtocolChanged):
                await world.submit(number)
        assert world.upstream.count(GENERATE) == 60

    virtually(work)


# ---------------------------------------------------------------------------- log


def test_it_is_logged_once_that_a_site_is_left_in_peace_and_once_that_it_works_again() -> None:
    async def work(world: World) -> None:
        world.upstream.rest = NotSent("x")
        with capture_logs() as logged:
            for number in range(50):
                await world.refused(world.look(number))
                await world.clock.sleep(10)
            world.upstream.rest = None
            await world.clock.sleep(30)
            await world.look()
            await world.look()
        assert [(one["event"], one["site"], one["operation"]) for one in logged] == [
            ("upstream_left_in_peace", "cn", "look"),
            ("upstream_works_again", "cn", "look"),
        ]

    virtually(work)
