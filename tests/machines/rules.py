"""What must hold of jobs at every moment, whatever has happened, and at the end of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from jimeng_api.jobs.job import Job, State, Submission
from tests.machines.upstream import Books, Taken
from tests.machines.world import JOB_SECONDS, WATCH_SECONDS

PUNCTUAL = 2.0
TO_LOOK_ROUND = 61.0
"""Seconds that a gateway may take to end jobs whose time ran out when it was away."""
TO_BE_TOLD = 1.5
"""Seconds in which what was taken back may still be sent: it was on its way."""


@dataclass
class Overseer:
    """`promised` are the jobs that a caller was told of. Times are unix seconds."""

    promised: set[str] = field(default_factory=set)
    ended: dict[str, Job] = field(default_factory=dict)
    ended_parts: dict[tuple[str, int], Submission] = field(default_factory=dict)
    trouble_until: float = 0.0

    def look(self, jobs: dict[str, Job], books: Books, *, began: float, now: float) -> None:
        """`began` is the unix time of the books' second 0."""
        assert self.promised <= set(jobs), "a job that was promised is lost"
        taken: dict[tuple[str, int], Taken] = {}
        by_request = {job.request.seed: job for job in jobs.values()}
        for one in books.taken:
            job = by_request.get(one.request)
            assert job is not None, "something was paid for that nobody ordered"
            part = (job.id, one.number)
            assert part not in taken, "paid twice"
            taken[part] = one
            assert began + one.at <= job.deadline + PUNCTUAL, "paid for when its time was over"
            if job.cancelled_at is not None:
                assert began + one.at <= job.cancelled_at + TO_BE_TOLD, (
                    "paid for what was taken back"
                )
        for job in jobs.values():
            self._look_at(job, taken, now)

    def _look_at(self, job: Job, taken: dict[tuple[str, int], Taken], now: float) -> None:
        before = self.ended.get(job.id)
        if job.state.ended:
            self.ended.setdefault(job.id, job)
            assert job.finished_at is not None
            late = job.finished_at
        else:
            late = now
        if before is not None:
            assert (job.state, job.failure, job.finished_at) == (
                before.state, before.failure, before.finished_at,
            ), "an end was not the end"  # fmt: skip
            assert set(before.pictures) <= set(job.pictures)
        over = max(job.deadline, self.trouble_until + TO_LOOK_ROUND) + PUNCTUAL
        assert late <= over, f"not ended {late - job.deadline} seconds after its time"
        assert job.state.ended == all(part.state.ended for part in job.submissions)
        assert bool(job.sessions) == any(part.open for part in job.submissions), "sessions"
        for part in job.submissions:
            self._look_at_part(job, part, taken.get((job.id, part.number)))
        if job.untouched:
            assert not any((job.id, part.number) in taken for part in job.submissions)

    def _look_at_part(self, job: Job, part: Submission, taken: Taken | None) -> None:
        key = (job.id, part.number)
        if part.state.ended:
            before = self.ended_parts.setdefault(key, part)
            assert (part.state, part.failure) == (before.state, before.failure)
        if taken is None:
            assert part.state is not State.COMPLETED
            assert not job.pictures_of(part)
            assert part.history_id is None
        else:
            assert part.submit_id == taken.submit_id, "what was taken is known by another name"
            free = part.failure is not None and part.failure.charge == "none"
            assert not free, "it says that nothing was charged, and something was"
        assert part.state is not State.COMPLETED or job.pictures_of(part)

    def look_at_the_end(
        self, jobs: dict[str, Job], books: Books, *, began: float, forgiven: set[str]
    ) -> None:
        """When everything has had its time. Of `forgiven` sessions, results may have stayed upstream."""
        by_request = {job.request.seed: job for job in jobs.values()}
        for job in jobs.values():
            assert job.state.ended
            assert not any(part.open for part in job.submissions)
        for one in books.taken:
            job = by_request[one.request]
            part = job.submissions[one.number]
            if one.comes_at is None or one.session in forgiven:
                continue
            # One whose time was over before anybody could look again may be given up first, and come late.
            in_time = job.finished_at is not None and job.finished_at <= job.deadline + PUNCTUAL
            if in_time and began + one.comes_at < job.deadline - PUNCTUAL and not job.cancelled_at:
                assert part.failure is None or self._may_be_given_up(one), part.failure
            if began + one.comes_at < job.created_at + JOB_SECONDS + WATCH_SECONDS - 700:
                assert job.pictures_of(part), "what was paid for was never collected"

    @staticmethod
    def _may_be_given_up(one: Taken) -> bool:
        """Whether it was not to be seen for so long that the caller was told so."""
        return one.fate.listed_after > 100
