"""Which model a name means, which sites have it, and what to say when none does. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.sites import SITES, Site
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from jimeng_api.domain.errors import InvalidValue, ModelNotAvailable, ModelNotFound

Model = ImageModel | VideoModel

DEFAULT_IMAGE_MODEL = "jimeng-4.5"
DEFAULT_VIDEO_MODEL = "jimeng-video-3.5-pro"

# The name that chat clients know; it means the default model of the route.
CHAT_MODEL = "jimeng"

# Names that some clients have built in, for lists of models that such clients pick from.
OPENAI_IMAGE_ALIASES = (
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "gpt-image-2",
    "chatgpt-image-latest",
)
OPENAI_VIDEO_ALIASES = ("sora-2", "sora-2-pro")

_GPT_IMAGE = re.compile(r"(chat)?gpt-image-.+")
_DALL_E = re.compile(r"dall-e-[23]")
_SORA = re.compile(r"sora-2(-.+)?")
_SIZED = re.compile(r"(.+):([0-9]{1,5}[xX×*][0-9]{1,5})")


MODELS: Mapping[str, Model] = MappingProxyType({**IMAGE_MODELS, **VIDEO_MODELS})
"""All models by their own names."""

_IMAGES: Mapping[str, ImageModel] = MappingProxyType(
    {name: model for model in IMAGE_MODELS.values() for name in (model.name, *model.aliases)}
)
_VIDEOS: Mapping[str, VideoModel] = MappingProxyType(
    {name: model for model in VIDEO_MODELS.values() for name in (model.name, *model.aliases)}
)


def is_gpt_image_alias(name: str) -> bool:
    """Whether the name is of OpenAI's GPT image family, whose callers expect base64."""
    return _GPT_IMAGE.fullmatch(_plain(name)) is not None


def is_openai_alias(name: str) -> bool:
    """Whether the name is one of OpenAI's, which stands for a default model here."""
    return _is_openai_image(name) or _SORA.fullmatch(_plain(name)) is not None


def find_model(
    name: str,
    *,
    default_image: str = DEFAULT_IMAGE_MODEL,
    default_video: str = DEFAULT_VIDEO_MODEL,
) -> Model:
    """The model of either kind; a name that both kinds have ("3.0") means the image model."""
    plain = _plain(name)
    if plain == CHAT_MODEL or _is_openai_image(name):
        return _IMAGES[default_image]
    if _SORA.fullmatch(plain):
        return _VIDEOS[default_video]
    found: Model | None = _IMAGES.get(plain) or _VIDEOS.get(plain)
    if found is None:
        raise _not_found(name, (*_IMAGES, *_VIDEOS))
    return found


def find_image_model(name: str, *, default: str = DEFAULT_IMAGE_MODEL) -> ImageModel:
    """The image model of that name; a video model is refused as such."""
    plain = _plain(name)
    if plain == CHAT_MODEL or _is_openai_image(name):
        return _IMAGES[default]
    if plain in _IMAGES:
        return _IMAGES[plain]
    if plain in _VIDEOS or _SORA.fullmatch(plain):
        raise InvalidValue(
            f"{_shown(name)} makes videos; an image model is needed here, for example {default}",
            param="model",
        )
    raise _not_found(name, _IMAGES)


def find_video_model(name: str, *, default: str = DEFAULT_VIDEO_MODEL) -> VideoModel:
    """The video model of that name; an image model is refused as such."""
    plain = _plain(name)
    if plain == CHAT_MODEL or _SORA.fullmatch(plain):
        return _VIDEOS[default]
    if plain in _VIDEOS:
        return _VIDEOS[plain]
    if plain in _IMAGES or _is_openai_image(name):
        raise InvalidValue(
            f"{_shown(name)} makes images; a video model is needed here, for example {default}",
            param="model",
        )
    raise _not_found(name, _VIDEOS)


def split_size(name: str) -> tuple[str, str | None]:
    """A model name with a size behind it ("jimeng-4.5:1024x1024", as chat clients may write) as both."""
    sized = _SIZED.fullmatch(name.strip())
    return (sized[1], sized[2]) if sized else (name, None)


def offered(model: Model, site: Site) -> bool:
    """Whether the site has the model."""
    return site.name in model.upstream


def sites_of(model: Model) -> tuple[Site, ...]:
    """The sites that have the model."""
    return tuple(site for site in SITES.values() if offered(model, site))


def image_models(site: Site | None = None) -> tuple[ImageModel, ...]:
    """The image models that the site has, or that any site has."""
    sites = SITES.values() if site is None else (site,)
    return tuple(m for m in IMAGE_MODELS.values() if any(offered(m, s) for s in sites))


def video_models(site: Site | None = None) -> tuple[VideoModel, ...]:
    """The video models that the site has, or that any site has."""
    sites = SITES.values() if site is None else (site,)
    return tuple(m for m in VIDEO_MODELS.values() if any(offered(m, s) for s in sites))


def unavailable(model: Model, sites: Iterable[Site]) -> ModelNotAvailable:
    """The refusal for a caller whose accounts are on these sites, none of which has the model."""
    own = tuple(dict.fromkeys(sites))
    having = [site.name for site in sites_of(model)]
    text = [f"{model.name} is on {' '.join(having)}" if having else f"no site has {model.name} yet"]
    if not own:
        text.append("; no account stands behind this key at the moment")
    if own and having:
        text.append(f", not on {' '.join(site.name for site in own)}")
    for site in own:
        rows: tuple[Model, ...] = (
            image_models(site) if isinstance(model, ImageModel) else video_models(site)
        )
        current = [m.name for m in rows if not m.deprecated]
        text.append(f". {model.kind.capitalize()} models on {site.name}: {', '.join(current)}")
    return ModelNotAvailable("".join(text))


def _is_openai_image(name: str) -> bool:
    return is_gpt_image_alias(name) or _DALL_E.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return name.strip().lower()


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


def _not_found(name: str, known: Iterable[str]) -> ModelNotFound:
    close = difflib.get_close_matches(_plain(name)[:80], list(known), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}?" if close else "GET /v1/models lists those that do"
    return ModelNotFound(f"the model {_shown(name)} does not exist; {hint}")
