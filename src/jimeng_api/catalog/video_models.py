"""Video models, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from jimeng_api.catalog.pixels import VIDEO_RATIOS_5, VIDEO_RATIOS_6, VIDEO_RATIOS_9
from jimeng_api.catalog.rows import ASIA, EVERYWHERE, Confidence, Status, on

InputMode = Literal[
    "t2v",  # text alone
    "first_frame",
    "first_last",
    "multi_frame",
    "subject_ref",
    "omni",  # pictures, films and sounds that the prompt refers to
    "edit",
    "extend",
    "long_video",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoModel:
    """One video model.

    `upstream` and `unplaced_key` are as for image models. `resolutions` is empty where the model has no
    choice of it. `sends_resolution` says whether the request names it. `durations` are the lengths in seconds
    that may be asked for; `long_durations` those of the mode `long_video`. A limit that is None is not known,
    which does not mean that there is none. `benefit_types` are what the site charges, by resolution
    ("default" where there is no choice); `{resolution}` in the two templates stands for the resolution.
    `credits` are by resolution and length ("720p-5s"), as displayed or measured on cn; they change often.
    """

    kind: ClassVar[Literal["video"]] = "video"

    name: str
    title: str
    upstream: Mapping[str, str]
    confidence: Confidence
    input_modes: tuple[InputMode, ...]
    durations: tuple[int, ...]
    default_duration: int
    default_resolution: str = "720p"
    status: Status = "current"
    deprecated: bool = False
    members_only: bool = False
    aliases: tuple[str, ...] = ()
    unplaced_key: str | None = None
    resolutions: tuple[str, ...] = ()
    sends_resolution: bool = True
    ratios: tuple[str, ...] = VIDEO_RATIOS_6
    default_ratio: str = "16:9"
    long_durations: tuple[int, ...] = ()
    fps: int = 24
    max_input_images: int | None = None
    max_input_videos: int | None = None
    max_input_audios: int | None = None
    max_inputs_total: int | None = None
    max_multi_frames: int | None = None
    max_subject_refs: int | None = None
    max_total_input_video_seconds: float | None = None
    max_total_input_audio_seconds: float | None = None
    prompt_max_chars: int | None = None
    batch_max: int = 1
    generates_audio: bool = False
    is_draft_mode: bool = False
    benefit_types: Mapping[str, str] = field(default_factory=dict)
    benefit_type_with_video: str | None = None
    benefit_type_no_input_video: str | None = None
    benefit_type_long_video: str | None = None
    draft_version: str | None = None
    min_version: str = "3.0.5"
    min_version_omni: str | None = None
    min_features: tuple[str, ...] = ()
    min_features_omni: tuple[str, ...] = ()
    credits: Mapping[str, int] = field(default_factory=dict)
    credits_per_second: int | None = None
    typical_seconds: tuple[int, int] | None = None

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(self.upstream)


_4_TO_15 = tuple(range(4, 16))
_4_TO_30 = tuple(range(4, 31))

_FRAMES: tuple[InputMode, ...] = ("t2v", "first_frame", "first_last")
_OMNI: tuple[InputMode, ...] = (*_FRAMES, "omni")

_VIDEO_MODELS = (
    VideoModel(
        name="jimeng-video-3.5-pro",
        title="Seedance 1.5 Pro",
        aliases=("jimeng-video-seedance-1.5-pro", "3.5pro"),
        upstream=on(EVERYWHERE, "dreamina_ic_generate_video_model_vgfm_3.5_pro"),
        resolutions=("720p", "1080p"),
        sends_resolution=False,
        durations=(5, 10, 12),  # the site names the range 5 to 12
        default_duration=5,
        input_modes=_FRAMES,
        max_input_images=2,
        max_input_videos=0,
        max_input_audios=0,
        generates_audio=True,
        # At 1080p the site adds dreamina_video_seedance_15_pro_1080_add to it.
        benefit_types={"720p": "dreamina_video_seedance_15_pro"},
        draft_version="3.3.9",
        status="legacy",
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.5",
        title="Seedance 2.5",
        aliases=("seedance-2.5",),
        upstream=on(("cn",), "dreamina_seedance_45_pro"),
        unplaced_key="dreamina_seedance_45_pro",
        resolutions=("480p", "720p", "1080p"),
        durations=_4_TO_30,
        long_durations=tuple(range(30, 181)),
        default_duration=5,
        input_modes=(*_OMNI, "edit", "extend", "long_video"),
        max_input_images=30,
        max_input_videos=10,
        max_input_audios=10,
        max_inputs_total=50,
        max_total_input_video_seconds=30.2,
        max_total_input_audio_seconds=30.2,
        prompt_max_chars=15000,
        batch_max=4,
        benefit_types={
            "480p": "seedance_25_480p_output",
            "720p": "seedance_25_720p_output",
            "1080p": "seedance_25_1080p_output",
        },
        benefit_type_no_input_video="seedance_25_{resolution}_no_input_video_output",
        benefit_type_long_video="seedance_25_long_video_{resolution}_output",
        draft_version="3.3.9",
        min_features_omni=("AIGC_Video_UnifiedEdit",),
        credits={"720p-5s": 100},  # 12 a second has been displayed too
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.5-draft",
        title="Seedance 2.5 (sample mode)",
        aliases=("seedance-2.5-draft",),
        upstream=on(("cn",), "dreamina_seedance_45_pro_draft"),
        unplaced_key="dreamina_seedance_45_pro_draft",
        resolutions=("480p",),  # the site can afterwards promote a film to 720p or 1080p
        default_resolution="480p",
        durations=_4_TO_30,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=30,
        prompt_max_chars=15000,
        is_draft_mode=True,
        benefit_types={"480p": "seedance_25_draft_480p_output"},
        benefit_type_no_input_video="seedance_25_draft_{resolution}_no_input_video_output",
        draft_version="3.3.28",
        min_version="3.3.28",
        min_features=("AIGC_Video_Seedance25ResultAction",),
        credits={"480p-5s": 45},
        typical_seconds=(156, 156),
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.0",
        title="Seedance 2.0",
        aliases=(
            "jimeng-video-4.0-pro",
            "seedance-2.0",
            "seedance-2.0-pro",
            "jimeng-video-seedance-2.0-pro",
            "seedance2.0",
        ),
        upstream=on(("cn",), "dreamina_seedance_40_pro"),
        unplaced_key="dreamina_seedance_40_pro",  # seen there with 720p, 1080p and 4k
        resolutions=("720p",),
        sends_resolution=False,
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=9,
        max_input_videos=3,
        max_input_audios=3,
        max_inputs_total=12,
        max_total_input_video_seconds=15,
        prompt_max_chars=4000,
        benefit_types={"720p": "dreamina_video_seedance_20_pro"},
        benefit_type_with_video="dreamina_video_seedance_20_video_add",
        draft_version="3.3.9",
        min_version_omni="3.3.9",
        min_features_omni=("AIGC_Video_UnifiedEdit",),
        credits_per_second=10,
        typical_seconds=(120, 300),
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.0-fast",
        title="Seedance 2.0 Fast",
        aliases=("jimeng-video-4.0", "seedance-2.0-fast", "seedance2.0fast"),
        upstream=on(("cn", "us"), "dreamina_seedance_40"),
        unplaced_key="dreamina_seedance_40",  # seen there with 720p, 1080p, 2k and 4k
        resolutions=("720p",),
        sends_resolution=False,
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=9,
        max_input_videos=3,
        max_input_audios=3,
        max_inputs_total=12,
        max_total_input_video_seconds=15,
        prompt_max_chars=4000,
        # No "video_" in it. On us the item seedance_20_fast_720p_output has been seen.
        benefit_types={"720p": "dreamina_seedance_20_fast"},
        benefit_type_with_video="dreamina_seedance_20_fast_with_video",
        draft_version="3.3.9",
        min_version_omni="3.3.9",
        min_features_omni=("AIGC_Video_UnifiedEdit",),
        credits_per_second=6,
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.0-mini",
        title="Seedance 2.0 mini",
        aliases=("seedance-2.0-mini",),
        upstream=on(("cn",), "dreamina_seedance_40_mini"),
        unplaced_key="dreamina_seedance_40_mini",  # seen there with 720p, 1080p, 2k and 4k
        resolutions=("720p",),
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=9,
        max_input_videos=3,
        max_input_audios=3,
        max_inputs_total=12,
        prompt_max_chars=4000,
        # A browser sends seedance_20_mini_720p_output_5s.
        benefit_types={
            "720p": "seedance_20_mini_720p_output",
            "1080p": "seedance_20_mini_1080p_output",
        },
        draft_version="3.3.20",
        credits={"720p-4s": 24},
        typical_seconds=(114, 114),
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.0-fast-vip",
        title="Seedance 2.0 Fast VIP",
        aliases=("seedance-2.0-fast-vip", "seedance2.0fast_vip"),
        upstream=on(("cn",), "dreamina_seedance_40_vision"),
        members_only=True,
        resolutions=("720p",),
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=9,
        max_input_videos=3,
        max_input_audios=3,
        max_inputs_total=12,
        prompt_max_chars=4000,
        # A browser sends dreamina_seedance_20_fast_5s.
        benefit_types={"720p": "seedance_20_fast_720p_output"},
        draft_version="3.3.20",
        credits={"720p-5s": 30},
        typical_seconds=(93, 93),
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-seedance-2.0-vip",
        title="Seedance 2.0 VIP",
        aliases=("seedance-2.0-vip", "seedance2.0_vip"),
        upstream=on(("cn",), "dreamina_seedance_40_pro_vision"),
        members_only=True,
        resolutions=("720p", "1080p", "4k"),
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_input_images=9,
        max_input_videos=3,
        max_input_audios=3,
        max_inputs_total=12,
        prompt_max_chars=4000,
        benefit_types={
            "720p": "seedance_20_pro_720p_output",
            "1080p": "seedance_20_pro_1080p_output",
            "4k": "seedance_20_pro_4k_output",
        },
        draft_version="3.3.20",
        credits={"720p-5s": 70},
        typical_seconds=(167, 167),
        confidence="A",
    ),
    VideoModel(
        # Seen in one place only, and its key is unlike every other: only what every model can do is offered.
        name="seedance-2.0-lite",
        title="Seedance 2.0 Lite",
        aliases=("seedance-1-lite",),
        upstream=on(("cn",), "seedance_2_0_lite"),
        resolutions=(),
        sends_resolution=False,
        ratios=VIDEO_RATIOS_5,
        durations=(5,),
        default_duration=5,
        input_modes=("t2v",),
        benefit_types={"720p": "seedance_2_0_lite"},
        draft_version="3.3.9",
        min_version="3.3.9",
        status="legacy",
        deprecated=True,
        confidence="C",
    ),
    VideoModel(
        name="jimeng-video-3.5",
        title="Video 3.5",
        upstream=on(("cn",), "dreamina_ic_generate_video_model_vgfm_3.5"),
        sends_resolution=False,
        durations=(5, 10),
        default_duration=5,
        input_modes=_FRAMES,
        max_input_images=2,
        benefit_types={"720p": "dreamina_video_seedance_15"},
        draft_version="3.3.7",
        status="dropped",
        deprecated=True,
        confidence="B",
    ),
    VideoModel(
        name="jimeng-video-3.0",
        title="Video 3.0 (Seedance 1.0 mini)",
        aliases=("jimeng-video-multiframe", "3.0"),
        upstream=on(EVERYWHERE, "dreamina_ic_generate_video_model_vgfm_3.0"),
        resolutions=("720p", "1080p"),
        durations=(5, 10),
        default_duration=5,
        input_modes=(*_FRAMES, "multi_frame", "subject_ref"),
        max_input_images=2,
        max_multi_frames=10,  # at least 2, each of 1 to 6 s
        max_subject_refs=4,
        max_input_videos=0,
        max_input_audios=0,
        benefit_types={
            "720p": "basic_video_operation_vgfm_v_three",
            "1080p": "basic_video_operation_vgfm_v_three_1080",
        },
        draft_version="3.2.8",
        credits_per_second=6,
        status="refused",  # the Chinese site no longer lists it and answers code 2061
        deprecated=True,
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-3.0-pro",
        title="Video 3.0 Pro (Seedance 1.0)",
        aliases=("seedance-1.0-pro",),
        upstream=on(("cn", *ASIA), "dreamina_ic_generate_video_model_vgfm_3.0_pro"),
        unplaced_key="dreamina_ic_generate_video_model_vgfm_3.0_pro",
        resolutions=("1080p",),
        default_resolution="1080p",
        sends_resolution=False,
        durations=(5, 10),  # the site names the range 5 to 10
        default_duration=5,
        input_modes=("t2v", "first_frame"),
        max_input_images=1,
        max_input_videos=0,
        max_input_audios=0,
        benefit_types={"1080p": "basic_video_operation_vgfm_v_three_pro"},
        draft_version="3.2.8",
        credits_per_second=10,
        status="legacy",
        deprecated=True,
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-3.0-fast",
        title="Video 3.0 Fast (Seedance 1.0 Fast)",
        aliases=("seedance-1.0-fast",),
        upstream=on(("cn", *ASIA), "dreamina_ic_generate_video_model_vgfm_3.0_fast"),
        unplaced_key="dreamina_ic_generate_video_model_vgfm_3.0_fast",
        resolutions=("720p", "1080p"),
        durations=(5, 10),
        default_duration=5,
        input_modes=("t2v", "first_frame", "multi_frame"),
        max_input_images=2,
        max_input_videos=0,
        max_input_audios=0,
        benefit_types={
            "720p": "basic_video_operation_vgfm_v_three",
            "1080p": "basic_video_operation_vgfm_v_three_1080",
        },
        draft_version="3.2.8",
        credits_per_second=4,
        status="legacy",
        deprecated=True,
        confidence="A",
    ),
    VideoModel(
        name="jimeng-video-2.0",
        title="Video S2.0",
        aliases=("jimeng-video-s2.0",),
        upstream=on(("cn", *ASIA), "dreamina_ic_generate_video_model_vgfm_lite"),
        resolutions=("720p",),
        sends_resolution=False,
        durations=(5,),
        default_duration=5,
        input_modes=_FRAMES,
        max_input_images=2,
        max_input_videos=0,
        max_input_audios=0,
        benefit_types={"720p": "basic_video_operation_vgfm_v_three"},
        draft_version="3.2.8",
        status="refused",
        deprecated=True,
        confidence="B",
    ),
    VideoModel(
        name="jimeng-video-2.0-pro",
        title="Video P2.0 Pro",
        upstream=on(("cn", *ASIA), "dreamina_ic_generate_video_model_vgfm1.0"),
        resolutions=("720p",),
        sends_resolution=False,
        durations=(5,),
        default_duration=5,
        input_modes=_FRAMES,
        max_input_images=2,
        max_input_videos=0,
        max_input_audios=0,
        benefit_types={"720p": "basic_video_operation_vgfm_v_three"},
        draft_version="3.2.8",
        status="refused",
        deprecated=True,
        confidence="B",
    ),
    VideoModel(
        name="jimeng-video-veo3",
        title="Veo 3",
        upstream=on(ASIA, "dreamina_veo3_generate_video"),
        sends_resolution=False,
        durations=(8,),
        default_duration=8,
        input_modes=_FRAMES,
        max_input_images=2,
        benefit_types={"default": "generate_video_veo3"},
        draft_version="3.3.9",
        status="legacy",
        confidence="B",
    ),
    VideoModel(
        name="jimeng-video-veo3.1",
        title="Veo 3.1",
        upstream=on(ASIA, "dreamina_veo3.1_generate_video"),
        sends_resolution=False,
        durations=(8,),
        default_duration=8,
        input_modes=_FRAMES,
        max_input_images=2,
        benefit_types={"default": "generate_video_veo3.1"},
        draft_version="3.3.9",
        status="legacy",
        confidence="B",
    ),
    VideoModel(
        name="jimeng-video-sora2",
        title="Sora 2",
        upstream=on(ASIA, "dreamina_sora2_generate_video"),
        sends_resolution=False,
        durations=(4, 8, 12),
        default_duration=4,
        input_modes=_FRAMES,
        max_input_images=2,
        benefit_types={"default": "generate_video_sora2"},
        draft_version="3.3.9",
        status="legacy",
        confidence="B",
    ),
    VideoModel(
        name="minimax-h3",
        title="MiniMax H3",
        upstream=on(("cn",), "dreamina_minimax_h3"),
        resolutions=("768p", "2k"),
        default_resolution="768p",
        durations=_4_TO_15,
        default_duration=4,
        input_modes=_OMNI,
        max_inputs_total=12,
        prompt_max_chars=7000,
        benefit_types={"768p": "minimax_h3_768p_output", "2k": "minimax_h3_2k_output"},
        confidence="A",
    ),
    VideoModel(
        name="happyhorse-1.1",
        title="HappyHorse 1.1",
        upstream=on(("cn",), "dreamina_happyhorse_v1_1"),
        resolutions=("720p", "1080p"),
        ratios=VIDEO_RATIOS_9,
        durations=_4_TO_15,
        default_duration=5,
        input_modes=("t2v", "first_frame", "omni"),
        max_inputs_total=9,
        prompt_max_chars=2500,
        benefit_types={"720p": "happyhorse_11_720p_output", "1080p": "happyhorse_11_1080p_output"},
        confidence="A",
    ),
    VideoModel(
        name="wan-3.0",
        title="Wan 3.0",
        upstream=on(("cn",), "dreamina_wan_30"),
        resolutions=("720p", "1080p"),
        default_resolution="1080p",
        durations=_4_TO_15,
        default_duration=5,
        input_modes=_OMNI,
        max_inputs_total=20,
        prompt_max_chars=20000,
        benefit_types={"720p": "wan_30_720p_output", "1080p": "wan_30_1080p_output"},
        confidence="A",
    ),
)

VIDEO_MODELS: Mapping[str, VideoModel] = MappingProxyType({m.name: m for m in _VIDEO_MODELS})
