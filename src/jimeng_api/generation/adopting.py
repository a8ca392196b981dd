"""Taking over what the upstream has already: which session sees it there, and what its request was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.pixels import IMAGE_RATIO_CODES, Pixels
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.sizes import image_size
from jimeng_api.catalog.video_models import VIDEO_MODELS
from jimeng_api.domain.errors import GatewayError, NotFound, UnsupportedValue
from jimeng_api.domain.progress import Progress
from jimeng_api.domain.requests import ImageRequest
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.replies.origins import Found, Origin

_RATIOS = {code: ratio for ratio, code in IMAGE_RATIO_CODES.items()}
_WIDEST = 99_999


@dataclass(frozen=True, slots=True)
class Sighting:
    """A submission as one of the caller's sessions sees it upstream."""

    session: Session
    found: Found

    @property
    def submit_id(self) -> str:
        """The name that it is asked for by; a record that names no submit id has its history id."""
        progress = self.found.progress
        return progress.submit_id or progress.history_id


class Adopting:
    """Looks for submissions that the upstream has. Sends none."""

    def __init__(self, upstream: UpstreamClient) -> None:
        self._upstream = upstream

    async def look_for(
        self, sessions: Iterable[Session], *, submit_id: str | None, history_id: str | None
    ) -> Sighting:
        """The submission of this id, as the first of the sessions that sees it.

        Raises NotFound where none does; where one could not be asked, why it could not.
        """
        trouble: GatewayError | None = None
        for session in sessions:
            try:
                seen = await self._upstream.find(
                    SITES[session.site],
                    session.secret,
                    submit_ids=[submit_id] if submit_id else [],
                    history_ids=[history_id] if history_id else [],
                )
            except GatewayError as error:
                trouble = trouble or error
                continue
            for found in seen.values():
                return Sighting(session, found)
        raise trouble or NotFound(
            "None of the accounts of this key has a task of this id.", param="id"
        )


def adopted(
    sighting: Sighting,
    *,
    job_id: str,
    owner: str,
    now: float,
    deadline: float,
    sessions: bytes,
    otherwise: ImageModel,
) -> Job:
    """The job that a submission becomes which the upstream has already. Raises UnsupportedValue for a film.

    `otherwise` is the model where the upstream names one that is not known here.
    """
    session, progress, origin = sighting.session, sighting.found.progress, sighting.found.origin
    if origin.film or any(
        origin.model_key in row.upstream.values() for row in VIDEO_MODELS.values()
    ):
        raise UnsupportedValue(
            "This task makes a film; only pictures can be taken over.", param="id"
        )
    request = request_of(origin, progress, session.site, otherwise=otherwise)
    part = Submission(
        submit_id=sighting.submit_id,
        job_id=job_id,
        number=0,
        gen_count=origin.count,
        seed=request.seed,
        site=session.site,
        account=session.account,
        state=State.RUNNING,
        history_id=progress.history_id or None,
        sent_at=origin.sent_at or None,
    )
    return Job(
        id=job_id,
        owner=owner,
        asked_model=request.model,
        request=request,
        created_at=now,
        deadline=deadline,
        sessions=sessions,
        state=State.RUNNING,
        submissions=(part,),
    )


def request_of(
    origin: Origin, progress: Progress, site: str, *, otherwise: ImageModel
) -> ImageRequest:
    """The request that a record came from, as truly as the record tells. All its pictures are the result."""
    model = model_of(origin.model_key, site) or otherwise
    drawn = next(
        ((one.width, one.height) for one in progress.items if one.width and one.height), None
    )
    asked = (origin.width, origin.height) if origin.width and origin.height else None
    ratio = None if origin.intelligent_ratio else _RATIOS.get(origin.ratio_code)
    size = image_size(
        model,
        size=_words(drawn or asked),
        ratio=ratio if ratio in model.ratios else None,
        resolution=origin.resolution if origin.resolution in model.resolutions else None,
    )
    width, height = asked or drawn or (size.width, size.height)
    return ImageRequest(
        model=model.name,
        prompt=origin.prompt,
        ratio=size.ratio,
        resolution=size.resolution,
        width=width,
        height=height,
        seed=origin.seed or 0,
        negative_prompt=origin.negative_prompt,
        sample_strength=0.5 if origin.sample_strength is None else origin.sample_strength,
        intelligent_ratio=origin.intelligent_ratio,
    )


def model_of(key: str, site: str) -> ImageModel | None:
    """The model that the upstream calls so, on this site or, failing that, on any."""
    here = (row for row in IMAGE_MODELS.values() if row.upstream.get(site) == key)
    anywhere = (
        row for row in IMAGE_MODELS.values() if key in (*row.upstream.values(), row.unplaced_key)
    )
    return next(here, None) or next(anywhere, None)


def _words(size: Pixels | None) -> str | None:
    if size is None or max(size) > _WIDEST:
        return None
    return f"{size[0]}x{size[1]}"
