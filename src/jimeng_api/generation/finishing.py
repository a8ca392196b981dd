"""Which finished picture a caller means, and whether the upstream can still work on it where it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jimeng_api.accounts.session import Caller
from jimeng_api.catalog.image_models import IMAGE_MODELS
from jimeng_api.domain.errors import InvalidValue, NotFound, UnsupportedValue
from jimeng_api.domain.inputs import Origin
from jimeng_api.domain.results import Picture
from jimeng_api.generation.adopting import Adopting, model_of
from jimeng_api.jobs.job import PER_SUBMISSION, Job
from jimeng_api.jobs.store import JobStore
from jimeng_api.upstream.replies.film_origins import FilmOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished picture. Sizes are 0 where the upstream does not tell them.

    `origin` is where the upstream has it: None where none of the caller's accounts can reach it there any
    more, and then its bytes are those of `media_id`. `model` made it, None where that is not known.
    """

    origin: Origin | None
    media_id: str | None
    width: int
    height: int
    model: str | None


class FinishedPictures:
    """Finds finished pictures. Sends nothing that costs."""

    def __init__(self, store: JobStore, adopting: Adopting) -> None:
        self._store = store
        self._adopting = adopting

    async def of_job(self, caller: Caller, job_id: str, index: int) -> Finished:
        """A picture of one of the caller's jobs, by its place among the results. Raises InvalidValue."""
        try:
            job = await self._store.find(caller.owner, job_id)
        except NotFound:
            raise InvalidValue("job_id: there is no such job.", param="job_id") from None
        if not job.delivered:
            raise InvalidValue(
                f"job_id: the job has no pictures; it is {job.status}.", param="job_id"
            )
        if index >= len(job.pictures):
            raise InvalidValue(
                f"index: the job has {len(job.pictures)} pictures, and the first is 0.",
                param="index",
            )
        return _finished(caller, job, job.pictures[index])

    async def of_result(self, caller: Caller, media_id: str, *, param: str) -> Finished:
        """A result of this gateway, by the id in its link. Raises InvalidValue."""
        job = await self._store.holding(media_id)
        if job is None:
            raise InvalidValue(f"{param}: there is no such result here.", param=param)
        picture = next(one for one in job.pictures if one.media_id == media_id)
        return _finished(caller, job, picture)

    async def of_item(self, caller: Caller, item_id: str, history_id: str) -> Finished:
        """What the upstream has under these ids, for the first of the caller's accounts that sees it.

        Raises InvalidValue where none does, and what a call with their sessions raises.
        """
        sessions = caller.sessions
        if caller.stored and await self._store.submitted(caller.owner, history_id) is None:
            sessions = ()  # what else happens on stored accounts is not this caller's
        try:
            sighting = await self._adopting.look_for(
                sessions, submit_id=None, history_id=history_id
            )
        except NotFound:
            raise InvalidValue(
                "history_id: none of the accounts of this key has a task of this id.",
                param="history_id",
            ) from None
        found = sighting.found
        if isinstance(found.origin, FilmOrigin):
            raise UnsupportedValue("history_id: this task made a film.", param="history_id")
        item = next((one for one in found.progress.items if one.id == item_id), None)
        if item is None:
            raise InvalidValue("item_id: the task has no picture of this id.", param="item_id")
        session = sighting.session
        model = model_of(IMAGE_MODELS, found.origin.model_key, session.site)
        return Finished(
            origin=Origin(item_id=item_id, history_id=history_id, account=session.account),
            media_id=None,
            width=item.width,
            height=item.height,
            model=model.name if model else None,
        )


def origin_of_film(caller: Caller, job: Job, film: Picture) -> Origin | None:
    """Where the upstream has the film of a job; None where none of the caller's accounts can reach it."""
    origin = _origin(caller, job, film)
    if origin is None or not film.vid:
        return None
    return replace(origin, vid=film.vid, width=film.width, height=film.height, seconds=film.seconds)


def _finished(caller: Caller, job: Job, picture: Picture) -> Finished:
    return Finished(
        origin=_origin(caller, job, picture),
        media_id=picture.media_id,
        width=picture.width,
        height=picture.height,
        model=job.request.model,
    )


def _origin(caller: Caller, job: Job, picture: Picture) -> Origin | None:
    """Where the upstream has the picture, if its job and its account are the caller's."""
    number = picture.number // PER_SUBMISSION
    part = next((one for one in job.submissions if one.number == number), None)
    if job.owner != caller.owner or part is None or part.history_id is None:
        return None
    if part.account not in {session.account for session in caller.sessions}:
        return None
    if not (picture.item_id.isdigit() and part.history_id.isdigit()):  # numbers, on the wire
        return None
    return Origin(item_id=picture.item_id, history_id=part.history_id, account=part.account)
