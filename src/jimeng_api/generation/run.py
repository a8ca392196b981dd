"""One generation, in the order it happens, each step saved before the next begins."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from jimeng_api.accounts.choice import choose
from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.sites import SITES, Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    Charge,
    GatewayError,
    GenerationFailed,
    InternalError,
    ModelNotAvailable,
    ResultCorrupt,
    ResultRejected,
    SessionExpired,
    StorageUnavailable,
    SubmissionUncertain,
    SubmissionUnconfirmed,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.failure import Failure
from jimeng_api.domain.progress import Item, Progress
from jimeng_api.domain.results import Picture
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.refusals import Persistence, after_refusal
from jimeng_api.jobs.job import State, Submission
from jimeng_api.media.fetch import LinkExpired
from jimeng_api.media.keeper import Keeper
from jimeng_api.polling.durations import Kind
from jimeng_api.polling.pace import Expectation
from jimeng_api.polling.poller import Poller, Seen, Watch
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.payloads.image import image_payload

log = structlog.get_logger()

_UNKNOWN_CHARGE = Charge.UNKNOWN.value
_UNKNOWN_DURATION = (10.0, 30.0)
_FRESH_LINKS = 3
_PER_SUBMISSION = 1_000_000  # numbers of pictures: more than any series has


@dataclass(frozen=True, slots=True)
class _Sent:
    """A submission that may be upstream, and the session that it went out with.

    `answer` is what came back in place of a verdict, where that says something: a login page, maintenance.
    """

    submission: Submission
    session: Session
    answer: SessionExpired | UpstreamMaintenance | None = None


class Generation:
    """Carries jobs from the promise to the end. Knows no caller: whoever waits, waits elsewhere."""

    def __init__(
        self,
        *,
        upstream: UpstreamClient,
        poller: Poller,
        keeper: Keeper,
        clock: Clock,
        constants: Constants,
        persistence: Persistence | None = None,
    ) -> None:
        self._upstream = upstream
        self._poller = poller
        self._keeper = keeper
        self._clock = clock
        self._constants = constants
        self._persistence = persistence or Persistence()
        self._in_hand: Counter[str] = Counter()

    async def run(self, job: OpenJob, sessions: tuple[Session, ...]) -> None:
        """Bring every submission of the job to its end, from wherever it stands."""
        await asyncio.gather(
            *(
                self._carry(job, part, sessions)
                for part in job.job.submissions
                if not part.state.ended
            )
        )

    async def finish_sending(self, *, seconds: float) -> None:
        """Let what is on its way to the upstream come to a verdict, so that a stop leaves less in doubt."""
        until = self._clock.monotonic() + seconds
        while self._in_hand.total() and self._clock.monotonic() < until:
            await self._clock.sleep(0.05)

    async def _carry(self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]) -> None:
        try:
            sent = await self._sent(job, part, sessions)
            try:
                await self._collected(job, sent)
            except SubmissionUnconfirmed as unconfirmed:
                raise sent.answer or unconfirmed from None
        except GatewayError as error:
            await self._fail(job, part, error)
        except Exception as error:
            log.exception("generation_broke", job=job.job.id)
            await self._fail(
                job, part, InternalError(f"The gateway failed on this job: {type(error).__name__}.")
            )

    async def _fail(self, job: OpenJob, part: Submission, error: GatewayError) -> None:
        now = job.job.submissions[part.number]
        if _has_pictures(job, part):
            await job.move(now.completed())  # what was paid for and kept is handed over
        else:
            log.info("submission_failed", job=job.job.id, number=part.number, code=error.code)
            await job.move(now.failed(_failure(now, error)))

    # ------------------------------------------------------------ sending

    async def _sent(self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]) -> _Sent:
        """The submission once it may be upstream: acknowledged, or in doubt and to be asked about."""
        if part.state is State.ACCEPTED:
            return await self._submitted(job, part, sessions)
        session = next((one for one in sessions if one.account == part.account), None)
        if session is None:
            raise InternalError("The session that this job was sent with is not kept any more.")
        if part.state is State.SUBMITTING:
            part = await job.move(part.reconciling())
        return _Sent(part, session)

    async def _submitted(
        self, job: OpenJob, part: Submission, sessions: tuple[Session, ...]
    ) -> _Sent:
        model = IMAGE_MODELS[job.job.request.model]
        refused_by: set[str] = set()
        waited = 0
        while True:
            session = choose(sessions, sites=model.upstream, avoid=refused_by, load=self._load)
            if session is None:
                raise ModelNotAvailable(
                    f"None of the sessions is on a site that offers {model.name}."
                )
            try:
                return await self._attempted(job, part, session, model)
            except GatewayError as refusal:
                part = job.job.submissions[part.number]
                left = choose(
                    sessions,
                    sites=model.upstream,
                    avoid={*refused_by, session.account},
                    load=self._load,
                )
                again = after_refusal(
                    refusal, self._persistence, attempt=waited, others=left is not None
                )
                if again is None or self._clock.now() + again.seconds > job.job.deadline:
                    raise
                log.info(
                    "submission_refused", job=job.job.id, code=refusal.code, again_in=again.seconds
                )
                # What never left keeps its id, so that even then nothing could be taken twice unnoticed.
                unsent = isinstance(refusal, UpstreamUnreachable)
            part = await job.move(
                part.refused(submit_id=part.submit_id if unsent else self._clock.uuid())
            )
            if again.elsewhere:
                refused_by.add(session.account)
            else:
                waited += 1
            await self._clock.sleep(again.seconds * self._clock.uniform(1.0, 1.2))

    async def _attempted(
        self, job: OpenJob, part: Submission, session: Session, model: ImageModel
    ) -> _Sent:
        """One attempt, written down before and after. Raises only what is certain to have taken nothing."""
        site = SITES[session.site]
        payload = self._payload(job, part, model, site)
        digest = hashlib.sha256(payload).hexdigest()
        self._in_hand[session.account] += 1
        try:
            part = await job.move(
                part.submitting(
                    site=site.name, account=session.account, digest=digest, at=self._clock.now()
                )
            )
            try:
                progress = await self._upstream.submit(site, session.secret, payload)
            except SubmissionUncertain as doubt:
                log.warning(
                    "submission_in_doubt", job=job.job.id, cause=type(doubt.__cause__).__name__
                )
                cause = doubt.__cause__
                answer = cause if isinstance(cause, SessionExpired | UpstreamMaintenance) else None
                return _Sent(await job.move(part.reconciling()), session, answer)
            except GatewayError:
                raise
            except Exception:
                # A defect of ours after the request may have gone out: never taken for a refusal.
                log.exception("submission_in_doubt", job=job.job.id)
                return _Sent(await job.move(part.reconciling()), session)
            job.saw(part, progress)
            return _Sent(await job.move(part.running(progress.history_id)), session)
        finally:
            self._in_hand[session.account] -= 1

    def _payload(self, job: OpenJob, part: Submission, model: ImageModel, site: Site) -> bytes:
        return image_payload(
            replace(job.job.request, count=part.gen_count, seed=part.seed),
            model,
            site,
            submit_id=part.submit_id,
            ids=iter(self._clock.uuid, ""),
            created_ms=int(self._clock.now() * 1000),
            constants=self._constants,
        )

    def _load(self, account: str) -> int:
        return self._in_hand[account] + self._poller.following(account)

    # --------------------------------------------------------- collecting

    async def _collected(self, job: OpenJob, sent: _Sent) -> None:
        """Follow the submission to its end, and keep its pictures as they appear."""
        part = sent.submission
        async for seen in self._poller.follow(self._watch(job, sent)):
            job.saw(part, seen.progress)
            if part.state is State.RECONCILING:
                part = await job.move(part.running(seen.progress.history_id))
            pictures, trouble = await self._pictures(job, sent, seen)
            if seen.last:
                if trouble is not None and not pictures and not _has_pictures(job, part):
                    raise trouble
                await job.move(part.completed(), pictures)
            elif pictures:
                await job.keep(pictures)

    def _watch(self, job: OpenJob, sent: _Sent) -> Watch:
        part, session, request = sent.submission, sent.session, job.job.request
        site = SITES[session.site]
        low, high = IMAGE_MODELS[request.model].typical_seconds or _UNKNOWN_DURATION
        sent_at = part.sent_at if part.sent_at is not None else self._clock.now()

        async def look(
            *, submit_ids: Sequence[str], history_ids: Sequence[str]
        ) -> dict[str, Progress]:
            return await self._upstream.look(
                site, session.secret, submit_ids=submit_ids, history_ids=history_ids
            )

        return Watch(
            account=session.account,
            submit_id=part.submit_id,
            history_id=part.history_id,
            kind=Kind(site.name, request.model, request.resolution, "text"),
            # Until durations are known, rather a few looks too many than a picture that lies there.
            first_guess=Expectation(low=low / 2, high=high),
            age=max(0.0, self._clock.now() - sent_at),
            budget=max(job.job.deadline - sent_at, 60.0),
            look=look,
        )

    async def _pictures(
        self, job: OpenJob, sent: _Sent, seen: Seen
    ) -> tuple[list[Picture], GatewayError | None]:
        """The items that were not stored before, stored; and what one of them failed with, if any did.

        A small rendition is taken only at the end, when nothing better has come.
        """
        stored = {picture.item_id for picture in job.job.pictures}
        first = sent.submission.number * _PER_SUBMISSION
        # In the upstream's order; where that has changed since the last look, behind those that are there.
        taken = {picture.number for picture in job.job.pictures}
        late = iter(
            number for number in range(first, first + _PER_SUBMISSION) if number not in taken
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
                    number=number,
                    site=site,
                    into=request.output_format,
                    compression=request.output_compression,
                )
            except LinkExpired:
                renewed += 1
                if renewed > _FRESH_LINKS:
                    raise GenerationFailed(
                        "The links to the result do not open any more."
                    ) from None
                item = await self._renewed(sent, item, site)
            except ResultRejected:
                if rejected:
                    raise
                rejected = True
                item = await self._renewed(sent, item, site)
            except (StorageUnavailable, UpstreamUnreachable) as error:
                # It is paid for: both are waited for, the upstream's files as long as the job has time.
                theirs = isinstance(error, UpstreamUnreachable)
                waited = min(waited * 2, 30.0)
                if theirs and self._clock.now() + waited > job.job.deadline:
                    raise ResultCorrupt("The result could not be fetched in time.") from error
                log.warning("result_not_kept_yet", job=job.job.id, reason=error.message)
                await self._clock.sleep(waited)

    async def _renewed(self, sent: _Sent, item: Item, site: Site) -> Item:
        """The same item with a fresh link; as it was where the upstream does not answer."""
        submit_id = sent.submission.submit_id
        try:
            seen = await self._upstream.look(site, sent.session.secret, submit_ids=[submit_id])
        except GatewayError:
            await self._clock.sleep(2.0)
            return item
        found = seen.get(submit_id)
        return next((one for one in found.items if one.id == item.id), item) if found else item


def _failure(part: Submission, error: GatewayError) -> Failure:
    """What the submission failed with. Of one that went out, no error alone can say that it cost nothing."""
    failure = Failure.of(error)
    if part.state is State.ACCEPTED or part.state is State.SUBMITTING:
        return failure
    return failure if error.charge is not Charge.NONE else replace(failure, charge=_UNKNOWN_CHARGE)


def _has_pictures(job: OpenJob, part: Submission) -> bool:
    return any(picture.number // _PER_SUBMISSION == part.number for picture in job.job.pictures)
