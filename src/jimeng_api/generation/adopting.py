"""What the upstream has already: which session sees it there, and what its request was."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from jimeng_api.accounts.session import Session
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.lookup import model_of
from jimeng_api.catalog.pixels import IMAGE_RATIO_CODES, VIDEO_TIERS, Pixels, shape_of
from jimeng_api.catalog.sizes import image_size
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.domain.errors import GatewayError, NotFound
from jimeng_api.domain.progress import Item, Progress
from jimeng_api.domain.requests import GenerationRequest, ImageRequest, VideoRequest
from jimeng_api.jobs.job import Job, State, Submission
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.replies.film_origins import FilmOrigin
from jimeng_api.upstream.replies.origins import Found, Origin

_RATIOS = {code: ratio for ratio, code in IMAGE_RATIO_CODES.items()}
_WIDEST = 99_999
_RATIO = re.compile(r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """The models to go by where the upstream names one that is not known here."""

    picture: ImageModel
    film: VideoModel


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
                    session.home,
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
    seconds: Callable[[GenerationRequest], float],
    sessions: bytes,
    otherwise: Otherwise,
) -> Job:
    """The job that a submission becomes which the upstream has already.

    `seconds`: how long from now such a job is given up.
    """
    session, progress, origin = sighting.session, sighting.found.progress, sighting.found.origin
    request = request_of(origin, progress, session.site, otherwise=otherwise)
    part = Submission(
        submit_id=sighting.submit_id,
        job_id=job_id,
        number=0,
        gen_count=origin.count if isinstance(origin, Origin) else None,
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
        deadline=now + seconds(request),
        sessions=sessions,
        state=State.RUNNING,
        submissions=(part,),
    )


def request_of(
    origin: Origin | FilmOrigin, progress: Progress, site: str, *, otherwise: Otherwise
) -> GenerationRequest:
    """The request that a record came from, as truly as the record tells. All it became is the result."""
    if isinstance(origin, FilmOrigin):
        film_model = model_of(VIDEO_MODELS, origin.model_key, site) or otherwise.film
        return _film_request(origin, next(iter(progress.items), None), film_model)
    image_model = model_of(IMAGE_MODELS, origin.model_key, site) or otherwise.picture
    return _picture_request(origin, progress, image_model)


def _picture_request(origin: Origin, progress: Progress, model: ImageModel) -> ImageRequest:
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


def _film_request(origin: FilmOrigin, film: Item | None, model: VideoModel) -> VideoRequest:
    """Without what it started from: that is not ours to have."""
    width, height = (film.width, film.height) if film else (0, 0)
    tier = next((name for name, side in VIDEO_TIERS.items() if side == min(width, height)), "")
    filmed = f"{width}:{height}" if width and height else ""
    return VideoRequest(
        model=model.name,
        prompt=origin.prompt,
        mode=origin.mode,
        ratio=_film_ratio(origin.ratio, model) or _film_ratio(filmed, model) or model.default_ratio,
        resolution=origin.resolution
        if origin.resolution in VIDEO_TIERS
        else tier or model.default_resolution,
        seconds=origin.seconds or (film.seconds if film else 0) or model.default_duration,
        seed=origin.seed or 0,
    )


def _film_ratio(words: str, model: VideoModel) -> str:
    """The ratio that is meant: some write 16:9 in pixels. Empty where none is."""
    if not _RATIO.fullmatch(words):
        return ""
    shape = math.log(shape_of(words))
    return min(model.ratios, key=lambda ratio: abs(math.log(shape_of(ratio)) - shape))


def _words(size: Pixels | None) -> str | None:
    if size is None or max(size) > _WIDEST:
        return None
    return f"{size[0]}x{size[1]}"
