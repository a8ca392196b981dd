"""What is remembered of accounts, and what each refusal makes of them."""

from __future__ import annotations

import asyncio
import math

import pytest
from structlog.testing import capture_logs

from jimeng_api.accounts.choice import Need, Rest, Standing
from jimeng_api.accounts.health import Balance, Health
from jimeng_api.accounts.resting import RESTS, row_for
from jimeng_api.accounts.session import Session
from jimeng_api.domain import errors
from jimeng_api.domain.errors import GatewayError, UpstreamCode
from jimeng_api.domain.secret import Secret
from tests.chance import SeededChance

NOON = 1_767_225_600.0 + 4 * 3600  # in China
SESSION = Session(site="cn", secret=Secret("s"), account="a")
NEIGHBOUR = Session(site="cn", secret=Secret("t"), account="b")
ABROAD = Session(site="us", secret=Secret("u"), account="c")
PICTURE = Need(kind="image", model="m", price=4)
OTHER_MODEL = Need(kind="image", model="n", price=4)
FILM = Need(kind="video", model="f", price=4)
HOUR, DAY = 3600.0, 86_400.0


class Hands(SeededChance):
    """A clock that is set by hand."""

    at = 0.0

    def now(self) -> float:
        return NOON + self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Ward:
    def __init__(self, **settings: object) -> None:
        self.clock = Hands()
        self.health = Health(self.clock, **settings)  # type: ignore[arg-type]

    def seen(self, session: Session = SESSION, need: Need = PICTURE, *, held: int = 0) -> Standing:
        return self.health.standing(session, need, held=held, unanswered=0)

    def refuses(
        self, kind: type[GatewayError], *, retry_after: float | None = None, running: int = 0
    ) -> None:
        error = kind("no", upstream=UpstreamCode("7"))
        error.retry_after = retry_after
        self.health.refused(SESSION, PICTURE, error, running=running, others=0)

    def rests(self, *where: tuple[Session, Need]) -> list[Rest]:
        return [self.seen(session, need).rest for session, need in where]


def test_of_an_account_that_nobody_knows_only_the_load_counts() -> None:
    assert Ward().seen(held=3) == Standing(account="a", running=3)


@pytest.mark.parametrize(
    ("kind", "rest", "same_model", "same_kind", "same_site"),
    [
        (errors.SessionExpired, Rest.SHUT, False, False, False),
        (errors.RiskControl, Rest.SHUT, False, False, False),
        (errors.RegionRefused, Rest.LAST, False, False, False),
        (errors.OutOfCredits, Rest.LAST, True, False, False),
        (errors.ModelNotPermitted, Rest.LAST, True, False, False),
        (errors.ConsentRequired, Rest.LAST, True, False, False),
        (errors.DailyLimitReached, Rest.LAST, False, True, False),
        (errors.UpstreamUnreachable, Rest.LAST, False, False, True),
        (errors.UpstreamMaintenance, Rest.LAST, False, False, True),
        (errors.ProxyRefused, Rest.LAST, False, False, True),
        (errors.UploadFailed, Rest.LAST, False, False, True),
    ],
)
def test_a_refusal_concerns_as_much_as_it_says(
    kind: type[GatewayError], rest: Rest, same_model: bool, same_kind: bool, same_site: bool
) -> None:
    ward = Ward()
    ward.refuses(kind)
    others = (SESSION, OTHER_MODEL), (SESSION, FILM), (NEIGHBOUR, PICTURE), (ABROAD, PICTURE)
    free = [same_model, same_model or same_kind, not same_site, True]
    assert ward.rests((SESSION, PICTURE)) == [rest]
    assert ward.rests(*others) == [Rest.NONE if each else rest for each in free]


@pytest.mark.parametrize(
    ("kind", "first", "second", "longest"),
    [
        (errors.SessionExpired, 10, 20, 600),
        (errors.RiskControl, 1800, 3600, DAY),
        (errors.RegionRefused, 600, 1200, HOUR),
        (errors.ModelNotPermitted, HOUR, 2 * HOUR, DAY),
        (errors.UpstreamUnreachable, 5, 10, 60),
    ],
)
def test_each_further_refusal_makes_the_rest_longer(
    kind: type[GatewayError], first: float, second: float, longest: float
) -> None:
    ward = Ward()
    for seconds in (first, second):
        ward.refuses(kind)
        ward.refuses(kind)  # another one that was on its way at the same time
        ward.clock.at += seconds - 1
        assert ward.seen().rest is not Rest.NONE
        ward.clock.at += 1
        assert ward.seen().rest is Rest.NONE
    for _ in range(20):
        ward.refuses(kind)
        ward.clock.at += longest
        assert ward.seen().rest is Rest.NONE


def test_what_is_taken_ends_all_rests() -> None:
    ward = Ward()
    for kind in (errors.RiskControl, errors.OutOfCredits, errors.UpstreamUnreachable):
        ward.refuses(kind)
    ward.health.taken(SESSION, PICTURE, running=1)
    assert ward.seen().rest is Rest.NONE
    ward.refuses(errors.RiskControl)
    ward.clock.at += 1800
    assert ward.seen().rest is Rest.NONE, "and their growing"


def test_the_upstreams_own_word_on_when_to_come_back_is_kept() -> None:
    ward = Ward()
    ward.refuses(errors.DailyLimitReached, retry_after=5 * HOUR)
    ward.clock.at += 5 * HOUR - 1
    assert ward.seen().rest is Rest.LAST
    ward.clock.at += 1
    assert ward.seen().rest is Rest.NONE


def test_what_is_spent_comes_back_when_the_sites_day_turns() -> None:
    ward = Ward()
    ward.refuses(errors.OutOfCredits)
    ward.clock.at += 12 * HOUR - 1
    assert ward.seen().rest is Rest.LAST
    ward.clock.at += 1
    assert ward.seen().rest is Rest.NONE


def test_a_short_rest_hides_no_longer_one() -> None:
    ward = Ward()
    ward.refuses(errors.SessionExpired)
    ward.refuses(errors.RiskControl)
    assert ward.health.unchecked("a")
    assert ward.seen().until == 1800
    ward.clock.at += 1800
    assert ward.health.unchecked("a"), "it is asked before it is used, however long ago that was"
    ward.health.alive("a")
    assert not ward.health.unchecked("a")


def test_whoever_runs_the_gateway_is_told_once_of_an_account_that_is_shut() -> None:
    ward = Ward()
    with capture_logs() as told:
        ward.refuses(errors.OutOfCredits)
        for _ in range(3):
            ward.refuses(errors.RiskControl)
    assert [(one["event"], one["code"], one["seconds"]) for one in told] == [
        ("account_left_alone", "upstream_risk_control", 1800)
    ]


def test_a_login_page_in_place_of_a_verdict_lets_it_be_asked_and_shuts_nothing() -> None:
    ward = Ward()
    ward.health.doubted(SESSION, PICTURE, errors.SessionExpired("a page"))
    assert ward.seen().rest is Rest.NONE
    assert ward.health.unchecked("a")
    ward.refuses(errors.SessionExpired)
    assert ward.seen().until == 10
    ward = Ward()
    ward.health.doubted(SESSION, PICTURE, errors.SubmissionUncertain("nothing came"))
    assert (ward.seen().rest, ward.seen().trouble) == (Rest.NONE, 1)
    assert not ward.health.unchecked("a")


def test_an_order_for_an_account_that_is_shut_is_told_why_and_until_when() -> None:
    ward = Ward()
    ward.refuses(errors.SessionExpired)
    ward.refuses(errors.RiskControl)
    ward.clock.at += 100
    refusal = ward.health.refusal(SESSION, PICTURE)
    assert isinstance(refusal, errors.RiskControl)
    assert refusal.retry_after == 1700
    assert refusal.upstream == UpstreamCode("7")
    assert refusal.message == RESTS[errors.RiskControl].says


@pytest.mark.parametrize("kind", [errors.AccountBusy, errors.RateLimited])
def test_an_account_that_is_busy_with_other_things_is_left_alone_a_little_longer_every_time(
    kind: type[GatewayError],
) -> None:
    ward = Ward(busy=(10.0, 20.0))
    for seconds in (10, 20, 20):
        ward.refuses(kind)
        seen = ward.seen()
        assert (seen.rest, seen.room) == (Rest.NONE, False)
        assert seen.opens is not None
        assert seconds <= seen.opens - ward.clock.at <= 1.2 * seconds
        assert ward.health.changes_at(SESSION, PICTURE) == seen.opens
        ward.clock.at = seen.opens
        assert ward.seen().room


def test_one_that_runs_as_much_as_it_may_only_has_no_room() -> None:
    ward = Ward()
    ward.refuses(errors.AccountBusy, running=2)
    assert (ward.seen(held=1).room, ward.seen(held=2).room) == (True, False)
    assert ward.seen(held=2).opens is None
    assert ward.health.limit("a", "image") == 2
    assert ward.seen(need=FILM, held=9).room, "films are counted apart"


def test_the_operators_bound_holds_for_accounts_that_nobody_knows() -> None:
    ward = Ward(most={"image": 2, "video": None})
    assert (ward.seen(held=1).room, ward.seen(held=2).room) == (True, False)
    assert ward.seen(need=FILM, held=99).room
    assert (ward.health.limit("a", "image"), ward.health.limit("a", "video")) == (2, None)


def test_trouble_is_remembered_and_slowly_forgotten() -> None:
    ward = Ward()
    for _ in range(4):
        ward.health.failed(SESSION, PICTURE, errors.GenerationFailed("no"))
    ward.health.failed(SESSION, PICTURE, errors.ContentRefused("the caller's own"))
    assert ward.seen().trouble == 4
    ward.clock.at += 300
    assert ward.seen().trouble == 2
    ward.health.taken(SESSION, PICTURE, running=1)
    assert ward.seen().trouble == 1


def test_how_long_it_took_lately_counts_most() -> None:
    ward = Ward()
    assert ward.health.seconds("a", "image") is None
    for seconds in (10.0, 20.0):
        ward.health.delivered("a", "image", seconds=seconds)
    assert ward.health.seconds("a", "image") == ward.seen().seconds == 13.0


def test_credits_that_were_seen_say_whether_they_are_enough_and_when_they_lapse() -> None:
    ward = Ward()
    assert (ward.seen().pays, ward.seen().expires) == (None, math.inf)
    ward.refuses(errors.OutOfCredits)
    ward.health.credits("a", Balance(10, ((6, NOON + 60), (2, NOON + 90))))
    seen = ward.seen()
    assert (seen.rest, seen.pays, seen.expires) == (Rest.NONE, True, NOON + 60)
    ward.health.taken(SESSION, PICTURE, running=1)
    ward.health.taken(SESSION, PICTURE, running=2)
    assert ward.seen().pays is False, "two are left"
    assert ward.seen(need=Need(kind="image", model="m")).pays is None, "nobody knows the price"
    ward.health.credits("a", None)
    assert ward.seen().pays is None


def test_credits_that_have_lapsed_pay_nothing() -> None:
    ward = Ward()
    ward.health.credits("a", Balance(10, ((8, NOON + 60),)))
    ward.clock.at += 61
    assert (ward.seen().pays, ward.seen().expires) == (False, math.inf)


@pytest.mark.parametrize("kind", errors.every_error())
def test_a_refusal_without_a_row_leaves_the_account_as_it_is(kind: type[GatewayError]) -> None:
    error = kind("no")
    row = row_for(error)
    ward = Ward()
    ward.health.failed(SESSION, PICTURE, error)
    if row is None:
        assert ward.seen().rest is Rest.NONE
    else:
        assert row.rest in (Rest.WAIT, Rest.LAST, Rest.SHUT)
        assert bool(row.says) == (row.rest is Rest.SHUT)
