"""What a look at a submission leads to, one rule each, the first that speaks wins. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jimeng_api.domain.errors import (
    GatewayError,
    GenerationFailed,
    GenerationTimedOut,
    JobLost,
    SubmissionUnconfirmed,
)
from jimeng_api.domain.progress import Progress, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the gateway waits for what should come, in seconds."""

    confirmation: float = 180  # for the upstream to list a submission that it never answered
    listing: float = 600  # for a submission that it did answer, and then stopped listing
    items: float = 120  # for the pictures of a submission that calls itself finished
    stragglers: float = (
        10  # for the last pictures, when some are there and nothing changes any more
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of one submission at the end of a round of looks. Times are seconds.

    `age` counts from the sending, `budget` is the age at which to give up. `missing_for` counts since looks
    stopped listing it (0: the last look listed it, or there was none yet); `unchanged_for` since it last
    changed. `confirmed` says whether the upstream ever acknowledged it. `given_up` says that the caller was
    told already that nothing came of it: then only a result counts.
    """

    progress: Progress | None
    age: float
    budget: float
    confirmed: bool
    missing_for: float = 0
    missing_looks: int = 0
    unchanged_for: float = 0
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """There is nothing more to wait for: the items of the last look are the result."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Fail:
    """It will not become anything."""

    error: GatewayError


Verdict = Finish | Fail
Rule = Callable[[Sight, Patience], Verdict | None]


def judge(sight: Sight, patience: Patience) -> Verdict | None:
    """The verdict on what was seen, or None to keep looking."""
    return next((verdict for rule in RULES if (verdict := rule(sight, patience))), None)


def done(sight: Sight, patience: Patience) -> Verdict | None:
    """Finished, and all that it announced is there."""
    seen = sight.progress
    if seen is None or not seen.items:
        return None
    enough = len(seen.items) >= max(seen.finished, seen.total)
    counted = seen.total > 0 and seen.finished >= seen.total and seen.finished_at > 0
    if enough and (seen.stage is Stage.DONE or counted):
        return Finish(seen)
    return None


def failed(sight: Sight, patience: Patience) -> Verdict | None:
    """The upstream gave up on it; what pictures there are have been paid for and are kept."""
    seen = sight.progress
    if seen is None or seen.stage is not Stage.FAILED:
        return None
    if seen.items:
        return Finish(seen)
    return Fail(seen.failure.error() if seen.failure else GenerationFailed(_GAVE_UP))


def settled(sight: Sight, patience: Patience) -> Verdict | None:
    """It says that it is finished, fewer came than announced, and no more are coming."""
    seen = sight.progress
    if seen is None or not seen.items or sight.unchanged_for < patience.stragglers:
        return None
    over = seen.stage is Stage.DONE or (seen.stage is Stage.PARTIAL and seen.finished_at > 0)
    return Finish(seen) if over else None


def empty(sight: Sight, patience: Patience) -> Verdict | None:
    """It calls itself finished and never shows a result."""
    seen = sight.progress
    if seen is None or seen.stage is not Stage.DONE or seen.items:
        return None
    if sight.unchanged_for < patience.items:
        return None
    return Fail(GenerationFailed("The upstream finished the job without a result."))


def unconfirmed(sight: Sight, patience: Patience) -> Verdict | None:
    """It was sent, no answer came, and the upstream does not know it. Two looks must say so."""
    if sight.given_up or sight.confirmed:
        return None
    if sight.missing_looks < 2 or sight.age < patience.confirmation:
        return None
    return Fail(
        SubmissionUnconfirmed(
            "The request was sent, the connection broke before an answer, and the upstream does not list it. "
            "It was not sent again, so that nothing is paid twice."
        )
    )


def lost(sight: Sight, patience: Patience) -> Verdict | None:
    if sight.given_up or not sight.confirmed or sight.missing_for < patience.listing:
        return None
    return Fail(JobLost("The upstream accepted the job and no longer lists it."))


def too_late(sight: Sight, patience: Patience) -> Verdict | None:
    if sight.age < sight.budget:
        return None
    if sight.progress is not None and sight.progress.items:
        return Finish(sight.progress)
    if not sight.confirmed:
        return Fail(
            SubmissionUnconfirmed(
                "The request was sent, no answer came, and the upstream could not be asked about it."
            )
        )
    minutes = sight.budget / 60
    return Fail(
        GenerationTimedOut(f"The upstream did not finish the job within {minutes:.0f} minutes.")
    )


RULES: tuple[Rule, ...] = (done, failed, settled, empty, unconfirmed, lost, too_late)

_GAVE_UP = "The upstream gave up on the job and did not say why."
