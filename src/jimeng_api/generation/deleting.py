"""Deletes a job for good: what is done for it, its rows, its files."""

from __future__ import annotations

from contextlib import suppress

from jimeng_api.accounts.session import Caller
from jimeng_api.domain.errors import JobEnded, NotFound
from jimeng_api.generation.desk import Desk
from jimeng_api.generation.workshop import Workshop
from jimeng_api.jobs.job import Job
from jimeng_api.jobs.store import JobStore
from jimeng_api.media.store import MediaStore


class Deleting:
    """Files go before the rows that name them: whoever is cut off in between can delete the job again."""

    def __init__(
        self, *, desk: Desk, workshop: Workshop, store: JobStore, media: MediaStore
    ) -> None:
        self._desk = desk
        self._workshop = workshop
        self._store = store
        self._media = media

    async def delete(self, caller: Caller, job_id: str) -> None:
        """Forget the job. One that runs is taken back first: what the upstream makes of it is lost.

        Raises NotFound, StorageUnavailable, and JobStillRunning where it cannot be taken back yet.
        """
        job = await self._desk.find(caller, job_id)
        if not job.state.ended:
            with suppress(JobEnded):
                job = await self._desk.cancel(caller, job_id)
        await self._delete_files(job)
        gone = await self._store.delete(caller.owner, job_id)
        await self._workshop.forget(job_id)
        if gone is None:
            raise NotFound("There is no such job.")
        await self._delete_files(gone)  # those, too, that came meanwhile

    async def _delete_files(self, job: Job) -> None:
        for picture in job.pictures:
            await self._media.delete_result(picture.media_id, film=picture.is_film)
        for one in job.request.inputs:
            await self._media.delete(one.media_id)
