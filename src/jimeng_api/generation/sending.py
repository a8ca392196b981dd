"""From the promise to the sending: the one paid request of a submission, and what refuses it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    GatewayError,
    InternalError,
    SessionExpired,
    StorageUnavailable,
    SubmissionUncertain,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.refusals import Persistence, after_refusal, rule_for
from jimeng_api.generation.uploading import Uploading
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload
from jimeng_api.upstream.payloads.video import video_payload

log = structlog.get_logger()

_TOO_LONG = 60.0
"""Seconds from the last look at the disk to the sending: another may have taken over by then."""
_NO_SESSION = "The session that this job was sent with is not kept any more."


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission that may be upstream, and the session that it went out with.

    `answer` is what came back in place of a verdict, where that says something: a login page, maintenance.
    """

    submission: Submission
    session: Session
    answer: SessionExpired | UpstreamMaintenance | None = None


class Sending:
    """Sends submissions, each at most once: whatever comes back in place of a verdict is a doubt."""

    def __init__(
        self,
        *,
        upstream: UpstreamClient,
        uploading: Uploading,
        placing: Placing,
        clock: Clock,
        constants: Constants,
        persistence: Persistence | None = None,
    ) -> None:
        self._upstream = upstream
        self._uploading = uploading
        self._placing = placing
        self._clock = clock
        self._constants = constants
        self._persistence = persistence or Persistence()
        self._sending = 0
        self._stopping = False

    async def finish(self, *, seconds: float) -> None:
        """Send nothing more, and let what is on its way come to a verdict: less is left in doubt."""
        self._stopping = True
        until = self._clock.monotonic() + seconds
        while self._sending and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)

    async def let_go(self, job: Job) -> None:
        """Of a job that nothing came of, not even what it was to start from is kept."""
        over = job.state is State.FAILED and not any(part.open for part in job.submissions)
        if over and job.request.inputs:
            await self._uploading.drop(job.request.inputs)

    async def sent(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> Sent | None:
        """The submission once it may be upstream: acknowledged, or in doubt and to be asked about.

        None when another gateway is to send it.
        """
        if part.state is State.ACCEPTED:
            return await self._submitted(job, part, sessions)
        session = session_of(sessions, part.account)
        if part.state is State.SUBMITTING:
            part = await job.move(part.number, Submission.reconciling)
        return Sent(part, session)

    async def _submitted(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> Sent | None:
        waited = 0
        if not part.account:  # written down before submissions had one
            part = await self._given_account(job, part, sessions)
        while True:
            session = session_of(sessions, part.account)
            try:
                part = await self._uploaded(job, part, session)
                return await self._attempted(job, part, session)
            except GatewayError as refusal:
                part = job.part(part.number)
                tried = (*part.refused_by, session.account)
                others = await self._another(job, sessions, tried)
                again = after_refusal(
                    refusal, self._persistence, attempt=waited, others=others is not None
                )
                elsewhere = others if again is not None and again.elsewhere else None
                if others is not None and elsewhere is None:
                    self._placing.remove(others.account)
                if again is None or self._clock.now() + again.seconds > job.job.deadline:
                    raise
                log.info(
                    "submission_refused", job=job.job.id, code=refusal.code, again_in=again.seconds
                )
                # What never left keeps its id, so that even then nothing could be taken twice unnoticed.
                submit_id = part.submit_id if rule_for(refusal).unsent else self._clock.uuid()
            if elsewhere is None:
                waited += 1
                part = await self._put_back(job, part, submit_id, session, part.refused_by)
            else:
                part = await self._put_back(job, part, submit_id, elsewhere, tried)
                self._placing.remove(session.account)
                if not self._placing.is_ours(elsewhere.account):
                    return None
            await self._clock.sleep(again.seconds * self._clock.uniform(1.0, 1.2))

    async def _given_account(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> Submission:
        session = await self._placing.place(sessions, job.job.request)
        if session is None:
            raise InternalError(_NO_SESSION)
        return await job.move(
            part.number, lambda now: now.placed(site=session.site, account=session.account)
        )

    async def _another(
        self, job: OpenJob, sessions: tuple[Session, ...], tried: tuple[str, ...]
    ) -> Session | None:
        try:
            return await self._placing.place(sessions, job.job.request, avoid=tried)
        except StorageUnavailable:
            return None

    async def _put_back(
        self,
        job: OpenJob,
        part: Submission,
        submit_id: str,
        to: Session,
        refused_by: tuple[str, ...],
    ) -> Submission:
        return await job.move(
            part.number,
            lambda now: now.refused(
                submit_id=submit_id, site=to.site, account=to.account, refused_by=refused_by
            ),
            handed_over=not self._placing.is_ours(to.account),
        )

    async def _uploaded(self, job: OpenJob, part: Submission, session: Session) -> Submission:
        """The submission with its pictures uploaded to the account. Free, and repeated where it fails."""
        inputs = job.job.request.inputs
        if len(part.uploads) == len(inputs):
            return part
        job.check_wanted()
        uris = await self._uploading.uris(inputs, session.home, session.secret)
        return await job.move(part.number, lambda now: now.uploaded(uris))

    async def _attempted(self, job: OpenJob, part: Submission, session: Session) -> Sent:
        """One attempt, written down before and after. Raises only what is certain to have taken nothing."""
        site = session.home
        payload = self._payload(job, part, site)
        digest = hashlib.sha256(payload).hexdigest()
        if self._stopping:
            await asyncio.Event().wait()  # the next life of the gateway sends it

        def sending(now: Submission) -> Submission:
            job.check_wanted()
            return now.submitting(digest=digest, at=self._clock.now())

        self._sending += 1
        try:
            began = self._clock.monotonic()
            part = await job.move(part.number, sending)
            job.check_wanted()  # the disk may have been waited for
            if self._clock.monotonic() - began > _TOO_LONG:
                raise UpstreamUnreachable("The gateway was held up before it sent anything.")
            try:
                progress = await self._upstream.submit(site, session.secret, payload)
            except SubmissionUncertain as doubt:
                log.warning(
                    "submission_in_doubt", job=job.job.id, cause=type(doubt.__cause__).__name__
                )
                cause = doubt.__cause__
                answer = cause if isinstance(cause, SessionExpired | UpstreamMaintenance) else None
                doubtful = await job.move(part.number, Submission.reconciling)
                return Sent(doubtful, session, answer)
            except GatewayError:
                raise
            except Exception:
                # A defect of ours after the request may have gone out: never taken for a refusal.
                log.exception("submission_in_doubt", job=job.job.id)
                return Sent(await job.move(part.number, Submission.reconciling), session)
            job.saw(part.number, progress)
            taken = await job.move(part.number, lambda now: now.listed(progress.history_id))
            return Sent(taken, session)
        finally:
            self._sending -= 1

    def _payload(self, job: OpenJob, part: Submission, site: Site) -> bytes:
        request = job.job.request
        ids, created_ms = iter(self._clock.uuid, ""), int(self._clock.now() * 1000)
        if isinstance(request, VideoRequest):
            return video_payload(
                replace(request, seed=part.seed),
                VIDEO_MODELS[request.model],
                site,
                submit_id=part.submit_id,
                ids=ids,
                created_ms=created_ms,
                constants=self._constants,
                uploads=part.uploads,
            )
        return image_payload(
            replace(request, count=part.gen_count, seed=part.seed),
            IMAGE_MODELS[request.model],
            site,
            submit_id=part.submit_id,
            ids=ids,
            created_ms=created_ms,
            constants=self._constants,
            uris=part.uploads,
        )


def session_of(sessions: tuple[Session, ...], account: str) -> Session:
    """The session of this account. Raises InternalError where it is not among them."""
    for session in sessions:
        if session.account == account:
            return session
    raise InternalError(_NO_SESSION)
