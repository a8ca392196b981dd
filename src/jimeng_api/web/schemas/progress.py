"""How far a job has come, in percent, by what the last looks at it showed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from jimeng_api.domain.progress import Progress, Queue
from jimeng_api.jobs.job import Job, State, Submission

_BEGUN = 1  # the upstream has it, and has not said more


def percent(job: Job, looks: Mapping[str, Progress], *, now: float) -> int:
    """0 before anything is sent, 100 once the results are kept.

    Of pictures, the share that is finished; of a film, the share of the time that the upstream says it takes.
    """
    if job.delivered:
        return 100
    if job.state.ended or not job.submissions:
        return 0
    if job.kind == "video":
        return max(_film_percent(part, looks.get(part.submit_id), now) for part in job.submissions)
    shares = [_share(part, looks.get(part.submit_id)) for part in job.submissions]
    return min(99, int(100 * sum(shares) / len(shares)))


def _share(part: Submission, look: Progress | None) -> float:
    if part.state is State.COMPLETED:
        return 1.0
    if look is None or look.total <= 0:
        return 0.0
    return min(1.0, max(0, look.finished) / look.total)


def _film_percent(part: Submission, look: Progress | None, now: float) -> int:
    if part.sent_at is None:
        return 0
    if look is None:
        return _BEGUN
    return max(_BEGUN, min(99, int(100 * elapsed_share(look.queue, now - part.sent_at))))


def elapsed_share(queue: Queue, elapsed: float) -> float:
    """How much of the whole time is over. Never less at a later look, unless more is said to be left.

    Whoever is still in line has all of the work before them, however long the line has taken already. Where
    the upstream says nothing of the time, nothing is known.
    """
    wait, run = queue.wait_seconds or 0.0, queue.run_seconds or 0.0
    elapsed = max(0.0, elapsed)
    in_line = queue.waiting or queue.position > 0
    whole = (max(wait, elapsed) if in_line else wait) + run
    if run <= 0 or whole <= 0:
        return 0.0
    return min(1.0, elapsed / whole)
