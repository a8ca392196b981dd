"""From the sending to the result: a submission is followed, and what comes of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import structlog

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.lookup import MODELS
from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import (
    GatewayError,
    ResultCorrupt,
    ResultRejected,
    RiskControl,
    SessionExpired,
    StorageUnavailable,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Item, Progress, Stage
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.domain.results import Picture
from jimeng_api.generation.open_job import OpenJob
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.sending import Sent
from jimeng_api.jobs.job import PER_SUBMISSION, Job, State, Submission
from jimeng_api.media.fetch import LinkExpired
from jimeng_api.media.keeper import Keeper
from jimeng_api.polling.durations import Kind
from jimeng_api.polling.pace import Expectation
from jimeng_api.polling.poller import Poller, Seen, Watch
from jimeng_api.upstream.client import UpstreamClient

log = structlog.get_logger()

_UNKNOWN_DURATION = {False: (10.0, 30.0), True: (90.0, 240.0)}  # of pictures, of films
_BETWEEN_FILMS = 12.0
"""Seconds between two looks for a film's sake: it takes minutes, and may be seen a moment late."""
_FRESH_LINKS = 3
_MOMENT_TO_ASK = 60.0
_LONGEST_WAIT = 30.0  # between two tries of files that cannot be reached


class Collecting:
    """Follows what may be upstream, and keeps its results as they appear."""

    def __init__(
        self,
        *,
        upstream: UpstreamClient,
        poller: Poller,
        keeper: Keeper,
        placing: Placing,
        clock: Clock,
        name_media: Callable[..., str],
        watch_seconds: float = 86_400,
    ) -> None:
        """`name_media` makes an unguessable name of texts, always the same one of the same.

        `watch_seconds`: how long after its deadline a result is still collected.
        """
        self._upstream = upstream
        self._poller = poller
        self._keeper = keeper
        self._placing = placing
        self._clock = clock
        self._name_media = name_media
        self._watch_seconds = watch_seconds

    def watched_until(self, job: Job) -> float:
        """Until when (unix seconds) the result of a job that was given up is still collected."""
        return job.deadline + self._watch_seconds

    async def collected(self, job: OpenJob, sent: Sent) -> None:
        """Follow the submission to its end, and keep its pictures as they appear."""
        number = sent.submission.number
        async for seen in self._poller.follow(self._watch(job, sent)):
            job.saw(number, seen.progress)
            if seen.last:
                self._let_others(job, number, sent)
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

    def _let_others(self, job: OpenJob, number: int, sent: Sent) -> None:
        """The upstream has come to an end with it: the account has room, while the files are fetched."""
        part = job.part(number)
        if part.sent_at is not None and not part.state.ended:
            self._placing.delivered(
                sent.session.account, job.job.request, seconds=self._clock.now() - part.sent_at
            )
        self._placing.leave((job.job.id, number))

    def _watch(self, job: OpenJob, sent: Sent) -> Watch:
        part, session, request = job.part(sent.submission.number), sent.session, job.job.request
        site = session.home
        film = isinstance(request, VideoRequest)
        row = MODELS.get(request.model)
        low, high = (row.typical_seconds if row else None) or _UNKNOWN_DURATION[film]
        sent_at = part.sent_at if part.sent_at is not None else self._clock.now()

        async def look(
            *, submit_ids: Sequence[str], history_ids: Sequence[str]
        ) -> dict[str, Progress]:
            if not self._placing.certain:
                raise StorageUnavailable("Another gateway may look after the account by now.")
            try:
                seen = await self._upstream.look(
                    site, session.secret, submit_ids=submit_ids, history_ids=history_ids
                )
            except (SessionExpired, RiskControl) as error:
                self._placing.failed(session, request, error)
                raise
            self._placing.signed_in(session.account)
            return await self._with_best_links(seen, site, session)

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
            between=_BETWEEN_FILMS if film else 0.0,
            look=look,
        )

    async def _pictures(
        self, job: OpenJob, sent: Sent, seen: Seen
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

    async def _kept(self, job: OpenJob, sent: Sent, item: Item, number: int) -> Picture:
        """The item as a stored result: a film in its best quality, or as a look showed it failing that."""
        best = True
        renewed, rejected = 0, False
        began, waited = self._clock.now(), 0.5
        while True:
            trouble: GatewayError | None = None
            link = replace(item, url=item.download_url) if best and item.download_url else item
            try:
                return await self._keep(job, sent, link, number)
            except UpstreamUnreachable as error:
                if link.url == item.url or waited < _LONGEST_WAIT:
                    waited = await self._waited_for_files(job, sent, error, waited, since=began)
                    continue
                trouble = error
            except LinkExpired:
                renewed += 1
                if renewed > _FRESH_LINKS:
                    trouble = ResultCorrupt("The links to the result do not open any more.")
            except ResultRejected as error:
                trouble, rejected = (error if rejected else None), True
            except ResultCorrupt as error:
                trouble = error
            if trouble is None:
                item = await self._renewed(job, sent, item)
            elif link.url == item.url:
                raise trouble
            else:
                log.info("film_in_lesser_quality", code=trouble.code)
                best, renewed, rejected = False, 0, False

    async def _keep(self, job: OpenJob, sent: Sent, item: Item, number: int) -> Picture:
        request, site = job.job.request, sent.session.home
        media_id = self._name_media("media", job.job.id, item.id)
        if isinstance(request, VideoRequest):
            return await self._keeper.keep_film(item, media_id=media_id, number=number, site=site)
        return await self._keeper.keep(
            item,
            media_id=media_id,
            number=number,
            site=site,
            into=request.output_format,
            compression=request.output_compression,
            cut_to=request.cut_to,
        )

    async def _with_best_links(
        self, seen: dict[str, Progress], site: Site, session: Session
    ) -> dict[str, Progress]:
        """A look, with the links by which the site lets its films be downloaded, where it gives them.

        All are asked for in one call.
        """
        films = [item.id for one in seen.values() for item in one.items if item.kind == "film"]
        if not films:
            return seen
        try:
            best = await self._upstream.download_links(site, session.secret, films)
        except GatewayError as error:
            log.info("film_in_lesser_quality", code=error.code)
            return seen

        def with_link(item: Item) -> Item:
            return replace(item, download_url=best[item.id].url) if item.id in best else item

        return {
            key: replace(one, items=tuple(map(with_link, one.items))) for key, one in seen.items()
        }

    async def _waited_for_files(
        self, job: OpenJob, sent: Sent, error: UpstreamUnreachable, waited: float, *, since: float
    ) -> float:
        """Wait a while longer than last time: a result is paid for, and waited for while the job has time."""
        waited = min(waited * 2, _LONGEST_WAIT)
        until = job.part(sent.submission.number).watched_until or job.job.deadline
        if since > until:
            until = since + _MOMENT_TO_ASK
        if self._clock.now() + waited > until:
            raise ResultCorrupt("The result could not be fetched in time.") from error
        log.warning("result_not_kept_yet", job=job.job.id, reason=error.message)
        await self._clock.sleep(waited)
        return waited

    async def _renewed(self, job: OpenJob, sent: Sent, item: Item) -> Item:
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


def _mode(request: GenerationRequest, part: Submission) -> str:
    """What else than the model and the size makes durations comparable."""
    if not part.digest:
        return "adopted"
    if isinstance(request, VideoRequest):
        return f"{request.mode} {request.seconds:g} s"
    if request.finishing is not None:
        return request.finishing.tool
    return "blend" if request.inputs else "text"


def _has_more(progress: Progress) -> bool:
    """Whether the upstream was still at it when the time was over."""
    over = progress.stage in (Stage.DONE, Stage.FAILED) or progress.finished_at > 0
    return not over and len(progress.items) < max(progress.total, progress.finished)
