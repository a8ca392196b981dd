"""What a look leads to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jimeng_api.domain.errors import (
    ContentRefused,
    GenerationFailed,
    GenerationTimedOut,
    JobLost,
    SubmissionUnconfirmed,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.polling.rules import RULES, Fail, Finish, Patience, Sight, judge

PATIENCE = Patience()
ITEMS = tuple(Item(id=str(number), url="https://x.byteimg.com/a.png") for number in range(4))


def progress(stage: Stage, **values: object) -> Progress:
    seen = Progress(submit_id="s", history_id="h", stage=stage, status=0)
    return replace(seen, **values)  # type: ignore[arg-type]


def sight(seen: Progress | None, **values: object) -> Sight:
    plain = Sight(progress=seen, age=10, budget=1200, confirmed=True)
    return replace(plain, **values)  # type: ignore[arg-type]


def error_of(verdict: object) -> object:
    assert isinstance(verdict, Fail)
    return type(verdict.error)


def test_a_job_with_all_its_pictures_is_finished() -> None:
    seen = progress(Stage.DONE, items=ITEMS, total=4, finished=4, finished_at=1)
    assert judge(sight(seen), PATIENCE) == Finish(seen)


def test_a_partial_job_whose_counts_are_full_is_finished() -> None:
    seen = progress(Stage.PARTIAL, items=ITEMS, total=4, finished=4, finished_at=1)
    assert judge(sight(seen), PATIENCE) == Finish(seen)


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.RUNNING, Stage.PARTIAL])
def test_a_job_under_way_is_awaited(stage: Stage) -> None:
    assert judge(sight(progress(stage, total=4, items=ITEMS[:2], finished=2)), PATIENCE) is None


def test_pictures_without_a_finish_time_are_not_yet_the_end() -> None:
    seen = progress(Stage.PARTIAL, items=ITEMS, total=4, finished=4, finished_at=0)
    assert judge(sight(seen), PATIENCE) is None


def test_a_finished_job_gets_a_moment_for_its_last_pictures_and_no_longer() -> None:
    seen = progress(Stage.DONE, items=ITEMS[:3], total=4, finished=4, finished_at=1)
    assert judge(sight(seen, unchanged_for=9), PATIENCE) is None
    assert judge(sight(seen, unchanged_for=11), PATIENCE) == Finish(seen)


def test_a_finished_job_without_any_picture_fails_after_its_grace() -> None:
    seen = progress(Stage.DONE, total=4, finished=4, finished_at=1)
    assert judge(sight(seen, unchanged_for=119), PATIENCE) is None
    assert error_of(judge(sight(seen, unchanged_for=121), PATIENCE)) is GenerationFailed


def test_a_failed_job_fails_with_what_the_upstream_said() -> None:
    failure = Failure.of(ContentRefused("no"))
    seen = progress(Stage.FAILED, failure=failure)
    assert error_of(judge(sight(seen), PATIENCE)) is ContentRefused


def test_a_failed_job_with_pictures_hands_them_over() -> None:
    seen = progress(Stage.FAILED, items=ITEMS[:1])
    assert judge(sight(seen), PATIENCE) == Finish(seen)


def test_an_unconfirmed_submission_is_given_up_only_after_the_window_and_two_looks() -> None:
    doubt = sight(None, confirmed=False)
    assert judge(replace(doubt, age=179, missing_looks=5), PATIENCE) is None
    assert judge(replace(doubt, age=500, missing_looks=1), PATIENCE) is None
    assert (
        error_of(judge(replace(doubt, age=181, missing_looks=2), PATIENCE)) is SubmissionUnconfirmed
    )


def test_a_job_that_is_no_longer_listed_is_lost_after_ten_minutes() -> None:
    seen = progress(Stage.RUNNING)
    assert judge(sight(seen, missing_for=599, age=700), PATIENCE) is None
    assert error_of(judge(sight(seen, missing_for=601, age=700), PATIENCE)) is JobLost


def test_a_job_past_its_time_fails_unless_it_has_pictures() -> None:
    late = sight(progress(Stage.RUNNING), age=1200)
    assert error_of(judge(late, PATIENCE)) is GenerationTimedOut
    two = progress(Stage.PARTIAL, items=ITEMS[:2], total=4)
    assert judge(replace(late, progress=two), PATIENCE) == Finish(two)


def test_an_upstream_that_never_answered_leaves_the_submission_unconfirmed_not_timed_out() -> None:
    never = sight(None, confirmed=False, age=1300)
    assert error_of(judge(never, PATIENCE)) is SubmissionUnconfirmed


@pytest.mark.parametrize("confirmed", [True, False])
def test_what_was_given_up_is_watched_to_the_end_of_its_day_whatever_is_not_listed(
    confirmed: bool,
) -> None:
    watched = sight(
        None,
        given_up=True,
        confirmed=confirmed,
        budget=87_600,
        missing_looks=50,
        missing_for=80_000,
    )
    assert judge(replace(watched, age=86_000), PATIENCE) is None
    assert isinstance(judge(replace(watched, age=87_600), PATIENCE), Fail)


def test_what_was_given_up_is_still_collected_when_it_comes_and_let_go_when_it_fails() -> None:
    watched = sight(None, given_up=True, age=50_000, budget=87_600)
    seen = progress(Stage.DONE, items=ITEMS, total=4, finished=4, finished_at=1)
    assert judge(replace(watched, progress=seen), PATIENCE) == Finish(seen)
    gone = progress(Stage.FAILED)
    assert error_of(judge(replace(watched, progress=gone), PATIENCE)) is GenerationFailed


def test_the_time_of_a_job_is_over_to_the_second() -> None:
    under_way = sight(progress(Stage.RUNNING), budget=1200)
    assert judge(replace(under_way, age=1199.9), PATIENCE) is None
    assert error_of(judge(replace(under_way, age=1200.0), PATIENCE)) is GenerationTimedOut


def test_every_rule_is_silent_about_a_job_that_has_just_begun() -> None:
    fresh = sight(None, age=0)
    assert [rule(fresh, PATIENCE) for rule in RULES] == [None] * len(RULES)
