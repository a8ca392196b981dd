"""From the promise to the sending: the one paid request of a submission, and what refuses it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, replace

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.catalog.lookup import Model
from jimeng_api.catalog.sites import Site
from jimeng_api.catalog.video_models import VideoModel
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    AccountBusy,
    GatewayError,
    GenerationTimedOut,
    InternalError,
    SessionExpired,
    StorageUnavailable,
    SubmissionUncertain,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.requests import VideoRequest
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.orders import Order
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.pricing import Price
from jimeng_api.generation.refusals import Persistence, Rule, after_refusal, rule_for
from jimeng_api.generation.settling import Settling
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
        price: Price,
        settling: Settling,
        persistence: Persistence | None = None,
        catalogue: LiveCatalogue | None = None,
    ) -> None:
        self._upstream = upstream
        self._uploading = uploading
        self._placing = placing
        self._clock = clock
        self._constants = constants
        self._price = price
        self._settling = settling
        self._persistence = persistence or Persistence()
        self._catalogue = catalogue or LiveCatalogue()
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
        tried: Counter[str] = Counter()
        refusal: GatewayError | None = None
        while True:
            try:
                session = await self._placing.turn(self._order(job, part, sessions))
            except GenerationTimedOut as late:
                raise (refusal or late) from None
            try:
                await self._check(session)
                part = await self._uploaded(job, part, session)
                if not self._placing.still_open((part.job_id, part.number)):
                    self._placing.again(self._order(job, part, sessions))
                    continue
                return await self._attempted(job, part, session)
            except GatewayError as error:
                refusal, part = error, job.part(part.number)
                went_on = await self._refused(job, part, session, sessions, error, tried)
            if went_on is None:
                return None
            part = went_on

    async def _refused(
        self,
        job: OpenJob,
        part: Submission,
        session: Session,
        sessions: tuple[Session, ...],
        refusal: GatewayError,
        tried: Counter[str],
    ) -> Submission | None:
        """The submission as it is to be tried again; None where another gateway is to try.

        Raises the refusal where it is the end of it.
        """
        makes_room = self._placing.refused((part.job_id, part.number), refusal)
        rule, attempt = rule_for(refusal), tried[session.account]
        in_line = rule.busy and attempt < len(self._persistence.busy)
        refused_by = part.refused_by
        if rule.elsewhere == "account" and not in_line:
            refused_by = (*refused_by, session.account)
        order = self._order(job, replace(part, refused_by=refused_by), sessions)
        other = None
        if rule.elsewhere != "no" and not in_line:
            other = await self._other(order, session, rule)
        again = after_refusal(refusal, self._persistence, attempt=attempt, others=other is not None)
        if again is None or self._clock.now() + again.seconds > job.job.deadline:
            raise refusal
        log.info("submission_refused", job=job.job.id, code=refusal.code, elsewhere=again.elsewhere)
        # What never left keeps its id, so that even then nothing could be taken twice unnoticed.
        submit_id = part.submit_id if rule.unsent else self._clock.uuid()
        to = other if again.elsewhere and other is not None else session
        part = await self._put_back(job, part, submit_id, to, refused_by)
        if not self._placing.is_ours(to.account):
            return None
        if again.in_line:
            tried[session.account] += not (makes_room and isinstance(refusal, AccountBusy))
        elif not again.elsewhere:
            tried[session.account] += 1
            await self._clock.sleep(again.seconds * self._clock.uniform(1.0, 1.2))
            return part
        try:
            self._placing.again(order)
        except GatewayError:
            raise refusal from None
        return part

    async def _other(self, order: Order, session: Session, rule: Rule) -> Session | None:
        not_on = session.site if rule.elsewhere == "site" else None
        try:
            return await self._placing.other(order, not_on=not_on)
        except StorageUnavailable:
            return None

    async def _check(self, session: Session) -> None:
        """Ask an account that was signed out when last heard of, before it is sent anything.

        A login page in place of a verdict would leave a submission in doubt.
        """
        if not self._placing.health.unchecked(session.account):
            return
        if not await self._upstream.alive(session.home, session.secret):
            raise SessionExpired("The site does not accept the session: it has ended.")
        self._placing.signed_in(session.account)

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
        here = part.placed(site=session.site, account=session.account)
        if len(here.uploads) == len(inputs):
            return part
        job.check_wanted()
        uris = await self._uploading.uris(inputs, session.home, session.secret)
        return await job.move(
            part.number,
            lambda now: now.placed(site=session.site, account=session.account).uploaded(uris),
        )

    async def _attempted(self, job: OpenJob, part: Submission, session: Session) -> Sent:
        """One attempt, written down before and after. Raises only what is certain to have taken nothing."""
        site = session.home
        model = await self._catalogue.model(job.job.request.model, session)
        payload = self._payload(job, part, site, model)
        digest = hashlib.sha256(payload).hexdigest()
        if self._stopping:
            await asyncio.Event().wait()  # the next life of the gateway sends it

        price = self._price(job.job.request, site.name, part.gen_count)

        def sending(now: Submission) -> Submission:
            job.check_wanted()
            here = now.placed(site=session.site, account=session.account)
            return here.submitting(digest=digest, at=self._clock.now(), price=price)

        self._sending += 1
        try:
            began = self._clock.monotonic()
            part = await job.move(part.number, sending)
            job.check_wanted()  # the disk may have been waited for
            if self._clock.monotonic() - began > _TOO_LONG:
                raise UpstreamUnreachable("The gateway was held up before it sent anything.")
            self._settling.used(session)
            try:
                progress = await self._upstream.submit(site, session.secret, payload)
            except SubmissionUncertain as doubt:
                log.warning(
                    "submission_in_doubt", job=job.job.id, cause=type(doubt.__cause__).__name__
                )
                cause = doubt.__cause__
                answer = cause if isinstance(cause, SessionExpired | UpstreamMaintenance) else None
                self._placing.in_doubt((part.job_id, part.number), answer or doubt)
                doubtful = await job.move(part.number, Submission.reconciling)
                return Sent(doubtful, session, answer)
            except GatewayError:
                raise
            except Exception:
                # A defect of ours after the request may have gone out: never taken for a refusal.
                log.exception("submission_in_doubt", job=job.job.id)
                self._placing.in_doubt((part.job_id, part.number), SubmissionUncertain("A defect."))
                return Sent(await job.move(part.number, Submission.reconciling), session)
            self._placing.taken((part.job_id, part.number))
            job.saw(part.number, progress)
            taken = await job.move(part.number, lambda now: now.listed(progress.history_id))
            return Sent(taken, session)
        finally:
            self._sending -= 1

    def _payload(self, job: OpenJob, part: Submission, site: Site, model: Model) -> bytes:
        request = job.job.request
        ids, created_ms = iter(self._clock.uuid, ""), int(self._clock.now() * 1000)
        if isinstance(request, VideoRequest) and isinstance(model, VideoModel):
            return video_payload(
                replace(request, seed=part.seed),
                model,
                site,
                submit_id=part.submit_id,
                ids=ids,
                created_ms=created_ms,
                constants=self._constants,
                uploads=part.uploads,
            )
        if isinstance(request, VideoRequest) or not isinstance(model, ImageModel):
            raise InternalError(f"{request.model} does not make what the job is for.")
        return image_payload(
            replace(request, count=part.gen_count, seed=part.seed),
            model,
            site,
            submit_id=part.submit_id,
            ids=ids,
            created_ms=created_ms,
            constants=self._constants,
            uris=part.uploads,
        )

    def _order(self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]) -> Order:
        request = job.job.request
        return Order(
            key=(part.job_id, part.number),
            owner=job.job.owner,
            request=request,
            count=part.gen_count,
            sessions=sessions,
            sites=self._catalogue.sites_of(request.model),
            at=job.job.created_at,
            deadline=job.job.deadline,
            avoid=part.refused_by,
        )


def session_of(sessions: tuple[Session, ...], account: str) -> Session:
    """The session of this account. Raises InternalError where it is not among them."""
    for session in sessions:
        if session.account == account:
            return session
    raise InternalError(_NO_SESSION)
