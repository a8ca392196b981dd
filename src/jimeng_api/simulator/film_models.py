"""What can be filmed with, one row for each model key."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jimeng_api.simulator.models import ABROAD, CHINA, EVERYWHERE

ASIA = ABROAD - {"us"}

Size = tuple[int, int]

SIX_RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
NINE_RATIOS = (*SIX_RATIOS, "4:5", "5:4", "9:21")
SHORT_SIDES = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}
"""Pixels on the shorter side, by resolution."""

PLAIN = ("t2v", "first_frame", "first_last", "last_frame")
OMNI = (*PLAIN, "omni")

Benefits = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """How much may go in."""

    pictures: int = 2
    films: int = 0
    sounds: int = 0
    total: int = 2
    film_seconds: float = math.inf
    sound_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class FilmModel:
    key: str
    title: str
    sites: frozenset[str]
    seconds: tuple[float, float]
    """A run takes a time in this range."""
    prices: Mapping[str, float]
    """Credits for one second, by resolution."""
    benefits: Benefits
    """The billing items that pay for it, by resolution."""
    lengths: tuple[int, ...]
    """Seconds that a film may have."""
    usual_length: int = 5
    modes: tuple[str, ...] = PLAIN
    inputs: Inputs = Inputs()
    ratios: tuple[str, ...] = SIX_RATIOS
    longest_prompt: int = 2000
    sound: bool = False
    """Makes films that are heard."""
    sample: bool = False
    """Makes samples, which can be turned into films at a higher resolution."""
    members_only: bool = False
    gone: bool = False
    """The page of the site no longer offers it."""

    @property
    def usual_resolution(self) -> str:
        return next(iter(self.prices))

    def price(self, resolution: str, seconds: float) -> int:
        return math.ceil(round(self.prices[resolution] * seconds, 6))


def _each(name: str, *resolutions: str) -> Benefits:
    return {each: (name.replace("{}", each),) for each in resolutions}


_CLASSIC = "basic_video_operation_vgfm_v_three"
_WHOLE = {"720p": (_CLASSIC,)}
_EITHER = {
    "720p": (_CLASSIC, _CLASSIC + "_fast"),
    "1080p": (_CLASSIC + "_1080", _CLASSIC + "_1080_add", _CLASSIC, _CLASSIC + "_fast"),
}
_WITH_VIDEO = "dreamina_video_seedance_20_video_add"
_PRO = (
    "dreamina_video_seedance_20_pro", "dreamina_video_seedance_20_pro_with_video", _WITH_VIDEO,
    "seedance_20_pro_720p_output",
)  # fmt: skip
_FAST = (
    "dreamina_seedance_20_fast", "dreamina_seedance_20_fast_with_video", _WITH_VIDEO,
    "seedance_20_fast_720p_output", "dreamina_video_seedance_20",
)  # fmt: skip
_MINI = {
    each: (f"seedance_20_mini_{each}_output", f"seedance_20_mini_{each}_output_5s")
    for each in ("720p", "1080p")
}
_TWO_FIVE = {
    each: (
        f"seedance_25_{each}_output",
        f"seedance_25_{each}_no_input_video_output",
        f"seedance_25_long_video_{each}_output",
    )
    for each in ("480p", "720p", "1080p")
}
_SAMPLE = {
    "480p": ("seedance_25_draft_480p_output", "seedance_25_draft_480p_no_input_video_output")
}

_UP_TO_TEN = tuple(range(5, 11))
_UP_TO_FIFTEEN = tuple(range(4, 16))
_UP_TO_THIRTY = tuple(range(4, 31))
_TWELVE = Inputs(pictures=9, films=3, sounds=3, total=12, film_seconds=15.2)
_FIFTY = Inputs(
    pictures=30, films=10, sounds=10, total=50, film_seconds=30.2, sound_seconds=30.2
)  # fmt: skip
_VGFM = "dreamina_ic_generate_video_model_vgfm"

_ROWS = (
    FilmModel(
        f"{_VGFM}_lite", "视频 S2.0", EVERYWHERE - {"us"}, (60, 90), {"720p": 4}, _WHOLE, (5, 10),
        gone=True,
    ),
    FilmModel(
        f"{_VGFM}1.0", "视频 P2.0 Pro", EVERYWHERE - {"us"}, (60, 120), {"720p": 8}, _WHOLE,
        (5, 10), gone=True,
    ),
    FilmModel(
        f"{_VGFM}_3.0", "视频 3.0", EVERYWHERE, (60, 120), {"720p": 6, "1080p": 12}, _EITHER,
        (5, 10), modes=(*PLAIN, "multi_frame", "subject_ref"),
        inputs=Inputs(pictures=10, total=10), gone=True,
    ),
    FilmModel(
        f"{_VGFM}_3.0_pro", "视频 3.0 Pro", EVERYWHERE - {"us"}, (90, 150), {"1080p": 10},
        {"1080p": (_CLASSIC + "_pro", _CLASSIC)}, _UP_TO_TEN, modes=("t2v", "first_frame"),
    ),
    FilmModel(
        f"{_VGFM}_3.0_fast", "视频 3.0 Fast", EVERYWHERE - {"us"}, (30, 60),
        {"720p": 4, "1080p": 8}, _EITHER, _UP_TO_TEN,
        modes=("t2v", "first_frame", "multi_frame"), inputs=Inputs(pictures=10, total=10),
    ),
    FilmModel(
        f"{_VGFM}_3.5", "视频 3.5", CHINA, (90, 150), {"720p": 8},
        {"720p": ("dreamina_video_seedance_15",)}, (5, 10),
    ),
    FilmModel(
        f"{_VGFM}_3.5_pro", "Seedance 1.5 Pro", EVERYWHERE, (90, 180), {"720p": 8, "1080p": 16},
        {
            "720p": ("dreamina_video_seedance_15_pro",),
            "1080p": ("dreamina_video_seedance_15_pro", "dreamina_video_seedance_15_pro_1080_add"),
        },
        tuple(range(5, 13)), sound=True,
    ),
    FilmModel(
        "dreamina_seedance_40_pro", "Seedance 2.0", EVERYWHERE, (120, 300), {"720p": 10},
        {"720p": _PRO}, _UP_TO_FIFTEEN, modes=OMNI, inputs=_TWELVE, longest_prompt=4000,
    ),
    FilmModel(
        "dreamina_seedance_40", "Seedance 2.0 Fast", EVERYWHERE, (90, 180), {"720p": 6},
        {"720p": _FAST}, _UP_TO_FIFTEEN, modes=OMNI, inputs=_TWELVE, longest_prompt=4000,
    ),
    FilmModel(
        "dreamina_seedance_40_vision", "Seedance 2.0 Fast VIP", CHINA, (80, 110), {"720p": 6},
        {"720p": ("seedance_20_fast_720p_output", "dreamina_seedance_20_fast_5s")},
        _UP_TO_FIFTEEN, modes=OMNI, inputs=_TWELVE, longest_prompt=4000, members_only=True,
    ),
    FilmModel(
        "dreamina_seedance_40_pro_vision", "Seedance 2.0 VIP", CHINA, (150, 185),
        {"720p": 14, "1080p": 28, "4k": 56},
        _each("seedance_20_pro_{}_output", "720p", "1080p", "4k"),
        _UP_TO_FIFTEEN, modes=OMNI, inputs=_TWELVE, longest_prompt=4000, members_only=True,
    ),
    FilmModel(
        "dreamina_seedance_40_mini", "Seedance 2.0 mini", EVERYWHERE, (100, 130), {"720p": 6},
        _MINI, _UP_TO_FIFTEEN, modes=OMNI, inputs=_TWELVE, longest_prompt=4000,
    ),
    FilmModel(
        "dreamina_seedance_45_pro", "Seedance 2.5", EVERYWHERE, (150, 300),
        {"720p": 20, "480p": 12, "1080p": 40}, _TWO_FIVE, _UP_TO_THIRTY,
        modes=(*OMNI, "edit"), inputs=_FIFTY, longest_prompt=15_000,
    ),
    FilmModel(
        "dreamina_seedance_45_pro_draft", "Seedance 2.5", EVERYWHERE, (140, 170), {"480p": 9},
        _SAMPLE, _UP_TO_THIRTY, modes=OMNI, inputs=_FIFTY, longest_prompt=15_000, sample=True,
    ),
    FilmModel(
        "seedance_2_0_lite", "Seedance 2.0 Lite", CHINA, (60, 120), {"720p": 4},
        {"720p": ("seedance_2_0_lite",)}, _UP_TO_FIFTEEN,
    ),
    FilmModel(
        "dreamina_veo3_generate_video", "Veo 3", ASIA, (60, 120), {"720p": 20},
        {"720p": ("generate_video_veo3",)}, (8,), usual_length=8,
    ),
    FilmModel(
        "dreamina_veo3.1_generate_video", "Veo 3.1", ASIA, (60, 120), {"720p": 20},
        {"720p": ("generate_video_veo3.1",)}, (8,), usual_length=8,
    ),
    FilmModel(
        "dreamina_sora2_generate_video", "Sora 2", ASIA, (90, 180), {"720p": 20},
        {"720p": ("generate_video_sora2",)}, (4, 8, 12), usual_length=4,
    ),
    FilmModel(
        "dreamina_minimax_h3", "MiniMax H3", CHINA, (90, 180), {"768p": 8, "2k": 20},
        _each("minimax_h3_{}_output", "768p", "2k"), _UP_TO_FIFTEEN, usual_length=4, modes=OMNI,
        inputs=Inputs(12, 12, 12, 12), longest_prompt=7000,
    ),
    FilmModel(
        "dreamina_happyhorse_v1_1", "HappyHorse 1.1", CHINA, (90, 180), {"720p": 8, "1080p": 16},
        _each("happyhorse_11_{}_output", "720p", "1080p"), _UP_TO_FIFTEEN,
        modes=("t2v", "first_frame", "omni"), inputs=Inputs(9, 9, 9, 9), ratios=NINE_RATIOS,
        longest_prompt=2500,
    ),
    FilmModel(
        "dreamina_wan_30", "Wan 3.0", CHINA, (90, 180), {"1080p": 16, "720p": 8},
        _each("wan_30_{}_output", "1080p", "720p"), _UP_TO_FIFTEEN, modes=OMNI,
        inputs=Inputs(20, 20, 20, 20), longest_prompt=20_000,
    ),
)  # fmt: skip

FILM_MODELS = {row.key: row for row in _ROWS}

FINAL_MODEL = "dreamina_seedance_45_pro"
"""Makes the film that a sample promises."""

WORK = {
    "insert_frame": FilmModel(
        "video_frame_interpolation", "补帧", EVERYWHERE, (65, 80), {"720p": 2},
        {"720p": ("video_frame_interpolation",)}, (5,),
    ),
    "super_resolution": FilmModel(
        "video_upscale", "提升分辨率", EVERYWHERE, (65, 120), {"720p": 4},
        {"720p": ("video_upscale",)}, (5,),
    ),
    "promote": FILM_MODELS[FINAL_MODEL],
}  # fmt: skip
"""What works on finished films, by mode."""


def ratio_value(name: str) -> float | None:
    """Width by height; None where the text is no ratio."""
    width, _, height = name.partition(":")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        return None
    return int(width) / int(height)


def nearest_film_ratio(value: float, among: tuple[str, ...]) -> str:
    """The ratio that lies closest to this one."""
    wanted = math.log(value)
    return min(among, key=lambda name: abs(math.log(ratio_value(name) or 1.0) - wanted))


def film_size(resolution: str, ratio: str) -> Size:
    """Width and height, both even."""
    side, value = SHORT_SIDES[resolution], ratio_value(ratio) or 1.0
    longer = 2 * round(side * max(value, 1 / value) / 2)
    return (longer, side) if value >= 1 else (side, longer)
