"""What happens to a submission that nothing took."""

from __future__ import annotations

import pytest

from jimeng_api.domain import errors
from jimeng_api.domain.errors import GatewayError
from jimeng_api.generation.refusals import RULES, Again, Persistence, after_refusal, rule_for

PERSISTENCE = Persistence(unsent=(1.0, 3.0), busy=(10.0, 20.0, 40.0))
ELSEWHERE = Again(elsewhere=True)
IN_LINE = Again(in_line=True)
ACCOUNT = (errors.SessionExpired, errors.OutOfCredits, errors.DailyLimitReached,
           errors.ModelNotPermitted, errors.RegionRefused, errors.ConsentRequired)  # fmt: skip
FINAL = (errors.ContentRefused, errors.InvalidValue, errors.ProtocolChanged, errors.UnknownUpstreamCode,
         errors.GenerationFailed, errors.UpstreamTrouble, errors.InternalError, errors.RiskControl,
         errors.InvalidKey, errors.SubmissionUnconfirmed)  # fmt: skip
SITE = (errors.UpstreamUnreachable, errors.UpstreamMaintenance, errors.ProxyRefused)
UNSENT = (*SITE, errors.Overloaded)
BUSY = (errors.AccountBusy, errors.RateLimited)


def after(
    kind: type[GatewayError],
    *,
    attempt: int = 0,
    others: bool = False,
    retry_after: float | None = None,
) -> Again | None:
    error = kind("refused")
    error.retry_after = retry_after
    return after_refusal(error, PERSISTENCE, attempt=attempt, others=others)


@pytest.mark.parametrize("kind", ACCOUNT)
def test_what_is_the_accounts_own_is_tried_with_another(kind: type[GatewayError]) -> None:
    assert after(kind, others=True) == ELSEWHERE
    assert after(kind, others=True, attempt=99) == ELSEWHERE


@pytest.mark.parametrize("kind", FINAL)
@pytest.mark.parametrize("others", [True, False])
def test_what_all_would_refuse_alike_is_not_tried_again(
    kind: type[GatewayError], others: bool
) -> None:
    assert after(kind, others=others) is None


@pytest.mark.parametrize("kind", UNSENT)
def test_what_never_left_is_tried_three_times_in_all_and_with_the_same_session(
    kind: type[GatewayError],
) -> None:
    waits = [after(kind, attempt=attempt) for attempt in range(3)]
    assert waits == [Again(seconds=1.0), Again(seconds=3.0), None]


@pytest.mark.parametrize("kind", [*SITE, errors.UploadFailed])
def test_what_is_the_sites_own_is_tried_on_another_site(kind: type[GatewayError]) -> None:
    assert rule_for(kind("down")).elsewhere == "site"
    assert after(kind, others=True, retry_after=29) == ELSEWHERE


def test_what_is_our_own_is_no_better_elsewhere() -> None:
    assert after(errors.Overloaded, others=True) == Again(seconds=1.0)


@pytest.mark.parametrize("kind", UNSENT)
def test_where_the_way_is_known_to_be_closed_for_longer_it_is_told_at_once(
    kind: type[GatewayError],
) -> None:
    assert after(kind, retry_after=0.5) == Again(seconds=1.0)
    assert after(kind, retry_after=29) is None


@pytest.mark.parametrize("kind", BUSY)
@pytest.mark.parametrize("others", [True, False])
def test_a_busy_account_is_waited_for_in_line(kind: type[GatewayError], others: bool) -> None:
    assert [after(kind, attempt=attempt, others=others) for attempt in range(3)] == [IN_LINE] * 3


@pytest.mark.parametrize("kind", BUSY)
def test_one_that_is_busy_again_and_again_gives_way_to_another(kind: type[GatewayError]) -> None:
    assert after(kind, attempt=3, others=True) == ELSEWHERE
    assert after(kind, attempt=3) is None


@pytest.mark.parametrize("kind", ACCOUNT)
def test_what_waiting_does_not_mend_is_told_at_once(kind: type[GatewayError]) -> None:
    assert after(kind) is None


@pytest.mark.parametrize("kind", errors.every_error())
def test_every_error_has_an_answer(kind: type[GatewayError]) -> None:
    for others in (True, False):
        again = after(kind, others=others)
        assert again is None or again.seconds >= 0


def test_a_class_without_a_row_goes_by_the_one_above_it() -> None:
    assert errors.OutOfCredits not in RULES
    assert rule_for(errors.OutOfCredits("none left")) is RULES[errors.AccountUnusable]
    assert rule_for(errors.AccountBusy("busy")) is RULES[errors.AccountBusy]
    assert rule_for(errors.ContentRefused("no")) is RULES[GatewayError]
