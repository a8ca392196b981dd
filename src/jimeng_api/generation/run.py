"""One generation, in the order it happens, each step saved before the next begins."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.catalog.sites import SITES, Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    GenerationTimedOut,
    InternalError,
    JobLost,
    ResultCorrupt,
    ResultRejected,
    SessionExpired,
    StorageUnavailable,
    SubmissionUncertain,
    SubmissionUnconfirmed,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.failure import UNKNOWN_CHARGE, Failure
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.domain.results import Picture
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.refusals import Persistence, after_refusal, rule_for
from jimeng_api.generation.uploading import Uploading
from jimeng_api.jobs.database import Superseded
from jimeng_api.jobs.job import PER_SUBMISSION, IllegalMove, Job, State, Submission
from jimeng_api.media.fetch import LinkExpired
from jimeng_api.media.keeper import Keeper
from jimeng_api.polling.durations import Kind
from jimeng_api.polling.pace import Expectation
from jimeng_api.polling.poller import Poller, Seen, Watch
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload

log = structlog.get_logger()

_UNKNOWN_DURATION = (10.0, 30.0)
_FRESH_LINKS = 3
_MOMENT_TO_ASK = 60.0
_TOO_LONG = (
    60.0  # from the last look at the disk to the sending: another may have taken over by then
)
_NO_SESSION = "The session that this job was sent with is not kept any more."
_NOT_NOW = (ResultCorrupt, ResultRejected, SessionExpired)
_MAY_STILL_COME = (GenerationTimedOut, JobLost, *_NOT_NOW)
_PAUSE_IN_WATCH = 60.0
_LONGEST_PAUSE_IN_WATCH = 3600.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A submission that may be upstream, and the session that it went out with.

    `answer` is what came back in place of a verdict, where that says something: a login page, maintenance.
    """

    submission: Submission
    session: Session
    answer: SessionExpired | UpstreamMaintenance | None = None


class Generation:
    """Carries submissions from the promise to the end. Knows no caller: whoever waits, waits elsewhere."""

    def __init__(
        self,
        *,
        upstream: UpstreamClient,
        uploading: Uploading,
        poller: Poller,
        keeper: Keeper,
        placing: Placing,
        clock: Clock,
        constants: Constants,
        name_media: Callable[..., str],
        persistence: Persistence | None = None,
        watch_seconds: float = 86_400,
    ) -> None:
        """`name_media` makes an unguessable name of texts, always the same one of the same.

        `watch_seconds`: how long after its deadline a result is still collected.
        """
        self._upstream = upstream
        self._uploading = uploading
        self._poller = poller
        self._keeper = keeper
        self._placing = placing
        self._clock = clock
        self._constants = constants
        self._name_media = name_media
        self._persistence = persistence or Persistence()
        self._watch_seconds = watch_seconds
        self._sending = 0
        self._stopping = False

    async def run(self, job: OpenJob, number: int, sessions: tuple[Session, ...]) -> None:
        """Bring a submission to its end, from wherever it stands, and collect what comes after that.

        Returns early when it is another gateway's from now on.
        """
        try:
            await self._brought_to_end(job, number, sessions)
            await self._watched(job, number, sessions)
        except (IllegalMove, Superseded) as error:
            log.info("submission_moved_elsewhere", job=job.job.id, number=number, how=str(error))

    async def finish_sending(self, *, seconds: float) -> None:
        """Send nothing more, and let what is on its way come to a verdict: less is left in doubt."""
        self._stopping = True
        until = self._clock.monotonic() + seconds
        while self._sending and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)

    def watched_until(self, job: Job) -> float:
        """Until when (unix seconds) the result of a job that was given up is still collected."""
        return job.deadline + self._watch_seconds

    async def _brought_to_end(
        self, job: OpenJob, number: int, sessions: tuple[Session, ...]
    ) -> None:
        part = job.part(number)
        if part.state.ended:
            return
        try:
            sent = await self._sent(job, part, sessions)
            if sent is None:
                return
            try:
                await self._collected(job, sent)
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
                await self._collected(job, _Sent(part, _session(sessions, part.account)))
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

    # ------------------------------------------------------------ sending

    async def _sent(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> _Sent | None:
        """The submission once it may be upstream: acknowledged, or in doubt and to be asked about.

        None when another gateway is to send it.
        """
        if part.state is State.ACCEPTED:
            return await self._submitted(job, part, sessions)
        session = _session(sessions, part.account)
        if part.state is State.SUBMITTING:
            part = await job.move(part.number, Submission.reconciling)
        return _Sent(part, session)

    async def _submitted(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> _Sent | None:
        waited = 0
        if not part.account:  # written down before submissions had one
            part = await self._given_account(job, part, sessions)
        while True:
            session = _session(sessions, part.account)
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
        uris = await self._uploading.uris(inputs, SITES[session.site], session.secret)
        return await job.move(part.number, lambda now: now.uploaded(uris))

    async def _attempted(self, job: OpenJob, part: Submission, session: Session) -> _Sent:
        """One attempt, written down before and after. Raises only what is certain to have taken nothing."""
        site = SITES[session.site]
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
                return _Sent(doubtful, session, answer)
            except GatewayError:
                raise
            except Exception:
                # A defect of ours after the request may have gone out: never taken for a refusal.
                log.exception("submission_in_doubt", job=job.job.id)
                return _Sent(await job.move(part.number, Submission.reconciling), session)
            job.saw(part.number, progress)
            taken = await job.move(part.number, lambda now: now.listed(progress.history_id))
            return _Sent(taken, session)
        finally:
            self._sending -= 1

    def _payload(self, job: OpenJob, part: Submission, site: Site) -> bytes:
        request = job.job.request
        return image_payload(
            replace(request, count=part.gen_count, seed=part.seed),
            IMAGE_MODELS[request.model],
            site,
            submit_id=part.submit_id,
            ids=iter(self._clock.uuid, ""),
            uris=part.uploads,
            created_ms=int(self._clock.now() * 1000),
            constants=self._constants,
        )

    # --------------------------------------------------------- collecting

    async def _collected(self, job: OpenJob, sent: _Sent) -> None:
        """Follow the submission to its end, and keep its pictures as they appear."""
        number = sent.submission.number
        async for seen in self._poller.follow(self._watch(job, sent)):
            job.saw(number, seen.progress)
            now = job.part(number)
            if now.state is State.RECONCILING or (
                now.history_id is None and seen.progress.history_id
            ):
                await job.move(number, lambda now, seen=seen: now.listed(seen.progress.history_id))  # type: ignore[misc]
            pictures, trouble = await self._pictures(job, sent, seen)
            if seen.last:
                had_ended = job.part(number).state.ended
                nothing = not pictures and not job.job.pictures_of(sent.submission)
                if trouble is not None and (nothing or had_ended):
                    await job.keep(pictures)
                    raise trouble
                rest = trouble is not None or _has_more(seen.progress)
                until = self.watched_until(job.job) if rest else None
                await job.move(number, partial(Submission.collected, watched_until=until), pictures)
            elif pictures:
                await job.keep(pictures)

    def _watch(self, job: OpenJob, sent: _Sent) -> Watch:
        part, session, request = job.part(sent.submission.number), sent.session, job.job.request
        site = SITES[session.site]
        low, high = IMAGE_MODELS[request.model].typical_seconds or _UNKNOWN_DURATION
        sent_at = part.sent_at if part.sent_at is not None else self._clock.now()

        async def look(
            *, submit_ids: Sequence[str], history_ids: Sequence[str]
        ) -> dict[str, Progress]:
            if not self._placing.certain:
                raise StorageUnavailable("Another gateway may look after the account by now.")
            return await self._upstream.look(
                site, session.secret, submit_ids=submit_ids, history_ids=history_ids
            )

        age = max(0.0, self._clock.now() - sent_at)
        until = part.watched_until or job.job.deadline
        return Watch(
            account=session.account,
            submit_id=part.submit_id,
            history_id=part.history_id,
            # What others sent is found at any age: it says nothing of how long our own take.
            kind=Kind(site.name, request.model, request.resolution, _mode(request, part)),
            # Until durations are known, rather a few looks too many than a picture that lies there.
            first_guess=Expectation(low=low / 2, high=high),
            age=age,
            # A gateway that was away when the time ran out gets a moment to ask.
            budget=max(until - sent_at, age + _MOMENT_TO_ASK),
            given_up=part.watched_until is not None,
            look=look,
        )

    async def _pictures(
        self, job: OpenJob, sent: _Sent, seen: Seen
    ) -> tuple[list[Picture], GatewayError | None]:
        """The items that were not stored before, stored; and what one of them failed with, if any did.

        A small rendition is taken only at the end, when nothing better has come.
        """
        stored = {picture.item_id for picture in job.job.pictures}
        first = sent.submission.number * PER_SUBMISSION
        # In the upstream's order; where that has changed since the last look, behind those that are there.
        taken = {picture.number for picture in job.job.pictures}
        late = iter(
            number for number in range(first, first + PER_SUBMISSION) if number not in taken
        )
        results = await asyncio.gather(
            *(
                self._kept(job, sent, item, next(late))
                for item in seen.progress.items
                if item.id not in stored and (seen.last or not item.preview)
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, GatewayError):
                raise result
        pictures = [result for result in results if isinstance(result, Picture)]
        return pictures, next((one for one in results if isinstance(one, GatewayError)), None)

    async def _kept(self, job: OpenJob, sent: _Sent, item: Item, number: int) -> Picture:
        request, site = job.job.request, SITES[sent.session.site]
        renewed = 0
        rejected = False
        waited = 0.5
        while True:
            try:
                return await self._keeper.keep(
                    item,
                    media_id=self._name_media("media", job.job.id, item.id),
                    number=number,
                    site=site,
                    into=request.output_format,
                    compression=request.output_compression,
                )
            except UpstreamUnreachable as error:
                waited = await self._waited_for_files(job, sent, error, waited)
                continue
            except LinkExpired:
                renewed += 1
                if renewed > _FRESH_LINKS:
                    raise ResultCorrupt("The links to the result do not open any more.") from None
            except ResultRejected:
                if rejected:
                    raise
                rejected = True
            item = await self._renewed(job, sent, item)

    async def _waited_for_files(
        self, job: OpenJob, sent: _Sent, error: UpstreamUnreachable, waited: float
    ) -> float:
        """Wait a while longer than last time: a result is paid for, and waited for while the job has time."""
        waited = min(waited * 2, 30.0)
        until = job.part(sent.submission.number).watched_until or job.job.deadline
        if self._clock.now() + waited > until:
            raise ResultCorrupt("The result could not be fetched in time.") from error
        log.warning("result_not_kept_yet", job=job.job.id, reason=error.message)
        await self._clock.sleep(waited)
        return waited

    async def _renewed(self, job: OpenJob, sent: _Sent, item: Item) -> Item:
        """The same item with a fresh link, from a round over its account; as it was where it is gone."""
        try:
            async with aclosing(self._poller.follow(self._watch(job, sent))) as looks:
                async for seen in looks:
                    for one in seen.progress.items:
                        if one.id == item.id:
                            return one
        except SessionExpired:
            raise
        except GatewayError as error:
            raise ResultCorrupt(
                "The link to the result does not open, and the upstream shows no other."
            ) from error
        return item


def _mode(request: ImageRequest, part: Submission) -> str:
    """What else than the model and the size makes durations comparable."""
    if not part.digest:
        return "adopted"
    if request.finishing is not None:
        return request.finishing.tool
    return "blend" if request.inputs else "text"


def _not_now(part: Submission) -> bool:
    """Whether it ended here because its files, or its account, could not be had at that moment."""
    return part.failure is None or part.failure.code in {kind.code for kind in _NOT_NOW}


def _has_more(progress: Progress) -> bool:
    """Whether the upstream was still at it when the time was over."""
    over = progress.stage in (Stage.DONE, Stage.FAILED) or progress.finished_at > 0
    return not over and len(progress.items) < max(progress.total, progress.finished)


def _session(sessions: tuple[Session, ...], account: str) -> Session:
    for session in sessions:
        if session.account == account:
            return session
    raise InternalError(_NO_SESSION)


def _failure(part: Submission, error: GatewayError) -> Failure:
    """What the submission failed with. Of one that went out, no error alone can say that it cost nothing."""
    failure = Failure.of(error)
    unsent = part.state is State.SUBMITTING and isinstance(error, GenerationTimedOut)
    if part.state is State.ACCEPTED or unsent:
        return replace(failure, charge=Charge.NONE.value)
    if part.state is State.SUBMITTING:
        return failure
    return failure if error.charge is not Charge.NONE else replace(failure, charge=UNKNOWN_CHARGE)
