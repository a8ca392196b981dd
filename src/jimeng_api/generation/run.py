"""One generation, in the order it happens, each step saved before the next begins."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.clock import Clock
from jimeng_api.database.database import Superseded
from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    GenerationTimedOut,
    InternalError,
    JobLost,
    ResultCorrupt,
    ResultRejected,
    SessionExpired,
    SubmissionUnconfirmed,
)
from jimeng_api.domain.failure import UNKNOWN_CHARGE, Failure
from jimeng_api.generation.collecting import Collecting
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.sending import Sending, Sent, session_of
from jimeng_api.jobs.job import IllegalMove, Job, State, Submission

log = structlog.get_logger()

_NOT_NOW = (ResultCorrupt, ResultRejected, SessionExpired)
_MAY_STILL_COME = (GenerationTimedOut, JobLost, *_NOT_NOW)
_PAUSE_IN_WATCH = 60.0
_LONGEST_PAUSE_IN_WATCH = 3600.0


class Generation:
    """Carries submissions from the promise to the end. Knows no caller: whoever waits, waits elsewhere."""

    def __init__(
        self, *, sending: Sending, collecting: Collecting, placing: Placing, clock: Clock
    ) -> None:
        self._sending = sending
        self._collecting = collecting
        self._placing = placing
        self._clock = clock

    async def run(self, job: OpenJob, number: int, sessions: tuple[Session, ...]) -> None:
        """Bring a submission to its end, from wherever it stands, and collect what comes after that.

        Returns early when it is another gateway's from now on.
        """
        try:
            await self._brought_to_end(job, number, sessions)
            await self._watched(job, number, sessions)
            await self._sending.let_go(job.job)
        except (IllegalMove, Superseded) as error:
            log.info("submission_moved_elsewhere", job=job.job.id, number=number, how=str(error))

    async def finish_sending(self, *, seconds: float) -> None:
        """Send nothing more, and let what is on its way come to a verdict: less is left in doubt."""
        await self._sending.finish(seconds=seconds)

    def watched_until(self, job: Job) -> float:
        """Until when (unix seconds) the result of a job that was given up is still collected."""
        return self._collecting.watched_until(job)

    async def _brought_to_end(
        self, job: OpenJob, number: int, sessions: tuple[Session, ...]
    ) -> None:
        part = job.part(number)
        if part.state.ended:
            return
        try:
            sent = await self._sending.sent(job, part, sessions)
            if sent is None:
                return
            try:
                await self._collecting.collected(job, sent)
            except SubmissionUnconfirmed as unconfirmed:
                raise sent.answer or unconfirmed from None
        except GatewayError as error:
            await self._fail(job, number, error)
        except (IllegalMove, Superseded):
            raise
        except Exception as error:
            log.exception("generation_broke", job=job.job.id)
            await self._fail(
                job,
                number,
                InternalError(f"The gateway failed on this job: {type(error).__name__}."),
            )
        finally:
            self._placing.remove(job.part(number).account)

    async def _fail(self, job: OpenJob, number: int, error: GatewayError) -> None:
        part = job.part(number)
        if part.state.ended:
            return  # it was cancelled; what follows is only watching
        # Of what is in doubt no error says that it was not taken: a login page may have come after it was.
        doubt = part.state is State.RECONCILING
        taken = part.state is State.RUNNING and isinstance(error, _MAY_STILL_COME)
        watched_until = self.watched_until(job.job) if doubt or taken else None
        if job.job.pictures_of(part):  # what was paid for and kept is handed over
            await job.move(number, partial(Submission.collected, watched_until=watched_until))
            return
        log.info("submission_failed", job=job.job.id, number=number, code=error.code)
        await job.move(
            number,
            lambda now: now.failed(_failure(now, error), watched_until=watched_until),
        )

    async def _watched(self, job: OpenJob, number: int, sessions: tuple[Session, ...]) -> None:
        """Collect the result of a submission that was given up, should it come after all."""
        pause = _PAUSE_IN_WATCH
        if job.part(number).watched_until is not None and _not_now(job.part(number)):
            await self._clock.sleep(pause)  # what could not be had a moment ago cannot be now
        while (until := job.part(number).watched_until) is not None:
            part = job.part(number)
            try:
                await self._collecting.collected(
                    job, Sent(part, session_of(sessions, part.account))
                )
            except (IllegalMove, Superseded):
                raise
            except Exception as error:
                if isinstance(error, _NOT_NOW) and self._clock.now() + pause < until:
                    # Its files may open later, its account be signed in again.
                    await self._clock.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_IN_WATCH)
                    continue
                if not isinstance(error, GatewayError):
                    log.exception("watching_broke", job=job.job.id)
                log.info("result_never_came", job=job.job.id, number=number)
                await job.move(number, Submission.let_go)
            else:
                log.info("result_came_late", job=job.job.id, number=number)


def _not_now(part: Submission) -> bool:
    """Whether it ended here because its files, or its account, could not be had at that moment."""
    return part.failure is None or part.failure.code in {kind.code for kind in _NOT_NOW}


def _failure(part: Submission, error: GatewayError) -> Failure:
    """What the submission failed with. Of one that went out, no error alone can say that it cost nothing."""
    failure = Failure.of(error)
    unsent = part.state is State.SUBMITTING and isinstance(error, GenerationTimedOut)
    if part.state is State.ACCEPTED or unsent:
        return replace(failure, charge=Charge.NONE.value)
    if part.state is State.SUBMITTING:
        return failure
    return failure if error.charge is not Charge.NONE else replace(failure, charge=UNKNOWN_CHARGE)
