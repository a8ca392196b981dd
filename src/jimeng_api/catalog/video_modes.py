"""The ways to make a film, a row each: what a draft of it asks of the upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jimeng_api.catalog.rows import Confidence
from jimeng_api.domain.requests import VideoMode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WayToFilm:
    """One way.

    `min_version` and `min_features` are what the draft needs of the upstream, beyond what the model needs.
    `version` is the draft's own, empty: the
    model's. `function` and `generator` are what the page calls it, `process` is its number. `benefit_type` is
    what is charged where it is not the model that decides it.
    """

    mode: VideoMode
    title: str
    confidence: Confidence
    min_version: str = "3.0.5"
    min_features: tuple[str, ...] = ()
    version: str = ""
    function: str = "first_last_frames"
    generator: str = ""
    process: int = 1
    scene: str = ""
    benefit_type: str = ""


_UNIFIED = "AIGC_Video_UnifiedEdit"
_SUPER_RESOLUTION = "AIGC_GenerateType_VideoSuperResolution"
_MULTI_FRAME = "AIGC_GenerateType_VideoMultiFrame"

_WAYS = (
    WayToFilm(mode="t2v", title="from text", confidence="A"),
    WayToFilm(mode="first_frame", title="from a first picture", confidence="A"),
    WayToFilm(mode="first_last", title="from a first and a last picture", confidence="A"),
    WayToFilm(
        mode="multi_frame",
        title="through several pictures",
        min_features=(_MULTI_FRAME,),
        version="3.3.3",
        function="multi_frame",
        confidence="B",
    ),
    WayToFilm(
        mode="subject_ref",
        title="with subjects from pictures",
        min_features=("AIGC_GenerateType_VideoIdipFrame",),
        version="3.3.3",
        function="main_reference",
        confidence="B",
    ),
    WayToFilm(
        mode="omni",
        title="with references to pictures, films and sounds",
        min_version="3.3.9",
        min_features=(_UNIFIED,),
        function="omni_reference",
        generator="omniReference",
        confidence="A",
    ),
    WayToFilm(
        mode="edit",
        title="edit of a film",
        min_version="3.3.9",
        min_features=(_UNIFIED,),
        version="3.3.9",
        function="video_edit",
        generator="videoEdit",
        confidence="B",
    ),
    WayToFilm(
        mode="interpolate",
        title="more pictures a second",
        min_version="3.1.0",
        process=3,
        scene="insert_frame",
        benefit_type="video_frame_interpolation",
        confidence="A",
    ),
    WayToFilm(
        mode="upscale",
        title="more pixels",
        min_version="3.1.0",
        min_features=(_SUPER_RESOLUTION, _MULTI_FRAME),
        version="3.2.9",
        process=2,
        scene="super_resolution",
        benefit_type="video_upscale",
        confidence="B",
    ),
)

WAYS_TO_FILM: Mapping[VideoMode, WayToFilm] = MappingProxyType({way.mode: way for way in _WAYS})
