"""From a request to the job that is promised for it: its price and its places, and all of it on the disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jimeng_api.accounts.session import Caller, Session
from jimeng_api.accounts.vault import Vault
from jimeng_api.catalog.counts import batches
from jimeng_api.catalog.image_models import ImageModel
from jimeng_api.clock import Clock
from jimeng_api.domain.errors import OutOfCredits
from jimeng_api.domain.requests import GenerationRequest, VideoRequest
from jimeng_api.generation.admission import Admission
from jimeng_api.generation.live_catalogue import LiveCatalogue
from jimeng_api.generation.orders import Order
from jimeng_api.generation.placing import Placing
from jimeng_api.generation.shortfall import shortfall
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job, Submission
from jimeng_api.jobs.store import JobStore, TakenKey

Prepared = Callable[[], Awaitable[GenerationRequest]]
"""What gives the request with all that belongs to it: a caller's pictures are fetched for a new job only."""


def ready(request: GenerationRequest) -> Prepared:
    """A request that nothing has to be fetched for."""

    async def prepared() -> GenerationRequest:
        return request

    return prepared


class NewJobs:
    """Makes jobs. One that is promised will end, whatever happens."""

    def __init__(
        self,
        *,
        workshop: Workshop,
        placing: Placing,
        store: JobStore,
        vault: Vault,
        clock: Clock,
        job_seconds: float,
        film_seconds: float,
        catalogue: LiveCatalogue,
    ) -> None:
        """`job_seconds`: how long after its acceptance a job is given up, `film_seconds` that of a film."""
        self._workshop = workshop
        self._placing = placing
        self._store = store
        self._vault = vault
        self._clock = clock
        self._job_seconds = job_seconds
        self._film_seconds = film_seconds
        self._catalogue = catalogue
        self._admission = Admission(store, clock)

    def seconds(self, request: GenerationRequest) -> float:
        """How long after its acceptance a job of this kind is given up."""
        return self._film_seconds if isinstance(request, VideoRequest) else self._job_seconds

    async def make(
        self,
        caller: Caller,
        prepared: Prepared,
        asked_model: str,
        fingerprint: str,
        *,
        key: TakenKey | None = None,
        remarks: bytes,
    ) -> Job:
        """Promise a generation. Raises what the key's terms refuse, and what `prepared` raises.

        And Superseded, where another gateway was quicker with the same `key`.
        """
        request = await prepared()
        self._admission.check(caller, request)
        job_id = f"job_{self._clock.token()}"
        async with self._admission.room(caller, credits_=self._dearest(caller, request)):
            with self._workshop.arriving(job_id):
                now = self._clock.now()
                placed = await self._placed(caller, request, job_id, now)
                job = self._job(
                    caller, request, asked_model, fingerprint, job_id, placed, now, remarks=remarks
                )
                await self.promise(job, key=key)
        return job

    async def promise(self, job: Job, *, key: TakenKey | None = None) -> None:
        """Write a new job down and begin with it. Its submissions are counted as in hand already."""
        try:
            ours = all(self._placing.is_ours(part.account) for part in job.submissions)
            await self._store.accept(job, key=key, work=not ours)
        except BaseException:
            for part in job.submissions:
                self._placing.leave((job.id, part.number))
            raise
        self._workshop.start(job)

    async def _placed(
        self, caller: Caller, request: GenerationRequest, job_id: str, now: float
    ) -> list[tuple[Session, int | None]]:
        """Which session makes how many of the results."""
        orders = [
            Order(
                key=(job_id, number),
                owner=caller.owner,
                request=request,
                count=count,
                sessions=caller.sessions,
                sites=self._catalogue.sites_of(request.model),
                at=now,
                deadline=now + self.seconds(request),
            )
            for number, count in enumerate(self._tasks(request, caller))
        ]
        try:
            placed = [(await self._placing.place(order), order.count) for order in orders]
        except BaseException as error:
            for order in orders:
                self._placing.leave(order.key)
            if isinstance(error, OutOfCredits):
                means = self._placing.means(orders[0])
                raise shortfall(
                    request,
                    means,
                    price=self._catalogue.price,
                    tasks=lambda other: self._tasks(other, caller),
                ) from None
            raise
        for session, _ in placed:
            self._catalogue.used(session)
        return placed

    def _dearest(self, caller: Caller, request: GenerationRequest) -> int:
        """What the request may cost, on whichever site; what nobody knows the price of counts as nothing."""
        tasks = self._tasks(request, caller)
        return max(
            (
                sum(self._catalogue.price(request, site, count) or 0 for count in tasks)
                for site in caller.sites
            ),
            default=0,
        )

    def _tasks(self, request: GenerationRequest, caller: Caller) -> tuple[int | None, ...]:
        """How many pictures each task of the request is asked for; None leaves that to the upstream."""
        if (
            isinstance(request, VideoRequest)
            or request.series is not None
            or request.finishing is not None
        ):
            return (None,)
        row = self._catalogue.now.row(request.model, caller.sites)
        return batches(row, request.count) if isinstance(row, ImageModel) else (request.count,)

    def _job(
        self,
        caller: Caller,
        request: GenerationRequest,
        asked_model: str,
        fingerprint: str,
        job_id: str,
        placed: list[tuple[Session, int | None]],
        now: float,
        *,
        remarks: bytes,
    ) -> Job:
        return Job(
            id=job_id,
            owner=caller.owner,
            asked_model=asked_model,
            remarks=remarks,
            request=request,
            fingerprint=fingerprint,
            created_at=now,
            deadline=now + self.seconds(request),
            sessions=self._vault.seal(caller.sessions, row=job_id),
            submissions=tuple(
                Submission(
                    submit_id=self._clock.uuid(),
                    job_id=job_id,
                    number=number,
                    gen_count=count,
                    seed=(request.seed + number) % 2**32,
                    site=session.site,
                    account=session.account,
                    price=self._catalogue.price(request, session.site, count),
                )
                for number, (session, count) in enumerate(placed)
            ),
        )
