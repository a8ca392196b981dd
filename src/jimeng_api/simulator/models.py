"""What can be drawn with, one row for each model key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jimeng_api.simulator import sizes

EVERYWHERE = frozenset({"cn", "us", "hk", "jp", "sg"})
CHINA = frozenset({"cn"})
ABROAD = EVERYWHERE - CHINA

UP_TO_FOUR = (1, 2, 3, 4)
UP_TO_EIGHT = (1, 2, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class ImageModel:
    key: str
    title: str
    sites: frozenset[str]
    seconds: tuple[float, float]
    """A run takes a time in this range."""
    prices: Mapping[str, int]
    """Credits for one picture, by resolution; the resolutions not listed are refused."""
    usual_resolution: str
    counts: tuple[int, ...] = UP_TO_FOUR
    usual_count: int = 4
    series: bool = False
    """Makes a series when the prompt asks for several pictures and no count is given."""
    least_price: int = 0
    """Credits for one job at least."""
    member_prices: Mapping[str, int] = field(default_factory=dict)
    """The same for members, where it differs."""
    benefits: Mapping[str, str] = field(default_factory=dict)
    """What the site calls that which is paid for, by resolution."""
    unlisted: frozenset[str] = frozenset()
    """Resolutions that run, though the site does not list them."""
    feats: tuple[str, ...] = ("byte_edit",)
    pixels: Mapping[str, sizes.Table] = field(default_factory=lambda: sizes.STANDARD)
    ratios: tuple[int, ...] = sizes.ALL_RATIOS
    inputs: int = 10

    def price(self, resolution: str, count: int, *, member: bool = False) -> int:
        each = self.prices[resolution]
        if member:
            each = self.member_prices.get(resolution, each)
        return max(self.least_price, each * count)

    def count_for(self, asked: int) -> int:
        """The number that is really made when so many are asked for."""
        return next((count for count in self.counts if count >= asked), self.counts[-1])


_FOUR_X = {"1k": 1, "2k": 4, "4k": 8}
_SMALL = frozenset({"1k"})
_THREE = {"1k": "image_basic_generate_plus", "2k": "image_uhd"}


def _two(name: str) -> Mapping[str, str]:
    return {each: f"{name}_{each}" for each in ("2k", "4k")}


_ROWS = (
    ImageModel("high_aes_general_v14:general_v1.4", "图片1.4", CHINA, (8, 12), {"1k": 1}, "1k"),
    ImageModel("high_aes_general_v20:general_v2.0", "图片2.0", CHINA, (8, 12), {"1k": 1}, "1k"),
    ImageModel(
        "high_aes_general_v20_L:general_v2.0_L", "图片2.0 Pro", CHINA, (8, 12), {"1k": 1}, "1k"
    ),
    ImageModel(
        "high_aes_general_v21_L:general_v2.1_L", "图片2.1", CHINA, (8, 12), {"1k": 1}, "1k"
    ),
    ImageModel("text2img_xl_sft", "图片XL Pro", CHINA, (8, 12), {"1k": 1}, "1k"),
    ImageModel(
        "high_aes_general_v30l:general_v3.0_18b",
        "图片3.0", EVERYWHERE, (10, 14), {"1k": 1, "2k": 3}, "1k",
        benefits=_THREE,
    ),
    ImageModel(
        "high_aes_general_v30l_art_fangzhou:general_v3.0_18b",
        "图片3.1", CHINA, (10, 14), {"1k": 1, "2k": 3}, "1k",
        benefits=_THREE,
    ),
    ImageModel(
        "high_aes_general_v30l_art:general_v3.0_18b",
        "Image 3.1", ABROAD, (10, 14), {"1k": 1, "2k": 3}, "1k",
        benefits=_THREE,
    ),
    ImageModel(
        "high_aes_general_v40",
        "图片4.0", EVERYWHERE, (11, 14), _FOUR_X, "2k", UP_TO_EIGHT, series=True,
        benefits={"2k": "image_basic_generate_piece", "4k": "image_uhd_4k"}, unlisted=_SMALL,
    ),
    ImageModel(
        "high_aes_general_v41",
        "图片4.1", EVERYWHERE, (11, 14), _FOUR_X, "2k", UP_TO_EIGHT, series=True,
        benefits=_two("image_basic_v41"), unlisted=_SMALL,
    ),
    ImageModel(
        "high_aes_general_v40l",
        "图片4.5", EVERYWHERE, (12, 18), _FOUR_X, "2k", UP_TO_EIGHT, series=True,
        benefits=_two("image_basic_v4_pro"), unlisted=_SMALL,
    ),
    ImageModel(
        "high_aes_general_v42",
        "图片4.6", EVERYWHERE, (12, 18), _FOUR_X, "2k", UP_TO_EIGHT, series=True,
        benefits=_two("image_basic_v46"), unlisted=_SMALL,
    ),
    ImageModel(
        "high_aes_general_v43",
        "图片4.7", EVERYWHERE, (12, 18), _FOUR_X, "2k", UP_TO_EIGHT, series=True,
        benefits=_two("image_basic_v43"), unlisted=_SMALL,
    ),
    ImageModel(
        "high_aes_general_v50",
        "图片5.0 Lite", EVERYWHERE, (16, 20), {"1k": 1, "2k": 3, "4k": 4}, "2k", UP_TO_EIGHT,
        series=True,
        benefits=_two("image_basic_v5"), unlisted=_SMALL, member_prices={"2k": 0},
    ),
    ImageModel(
        "high_aes_general_v50p_large",
        "图片5.0 Pro", EVERYWHERE, (18, 26), {"1.5k": 6, "2k": 8, "4k": 12}, "2k",
        usual_count=2,
        benefits={
            "1.5k": "image_basic_v50_pro_15k", "2k": "image_basic_v50_pro_2k",
            "4k": "image_basic_v50_pro_4k",
        },
    ),
    ImageModel(
        "high_aes_general_v50_flash",
        "图片5.0 Flash", CHINA, (15, 21), {"1.5k": 2, "2k": 3}, "2k",
        benefits={"1.5k": "image_basic_v50_flash_15k", "2k": "image_basic_v50_flash_2k"},
    ),
    ImageModel(
        "jm_image_model_yc_mj82",
        "美学模型V8.2", CHINA, (60, 200), {"1k": 5, "2k": 7}, "1k", (4,),
        least_price=7, pixels=sizes.SMALL_ONE_K, ratios=(1, 2, 3, 4, 5, 6, 7), inputs=20,
    ),
    ImageModel(
        "external_model_gemini_flash_image_v25",
        "Nano Banana", ABROAD, (9, 14), {"1k": 2, "2k": 2}, "1k",
        pixels=sizes.ALWAYS_SMALL, unlisted=frozenset({"2k"}),
    ),
    ImageModel(
        "dreamina_image_lib_1",
        "Nano Banana Pro", ABROAD, (18, 30), {"1k": 4, "2k": 6, "4k": 12}, "2k",
    ),
    ImageModel(
        "gemini_3_image_pro",
        "Nano Banana Pro", ABROAD, (18, 30), {"1k": 4, "2k": 6, "4k": 12}, "2k",
    ),
    ImageModel(
        "gpt_image_2", "GPT Image 2", ABROAD, (20, 40), {"1k": 4, "2k": 8, "4k": 16}, "1k"
    ),
    ImageModel(
        "dreamina_gpt_image_2_5_flare",
        "GPT Image 2.5 Flare", ABROAD, (15, 30), {"1k": 4, "2k": 8, "4k": 16}, "1k",
    ),
    ImageModel(
        "dreamina_gpt_image_2_5_sunburst",
        "GPT Image 2.5 Sunburst", ABROAD, (15, 30), {"1k": 4, "2k": 8, "4k": 16}, "1k",
    ),
)  # fmt: skip

IMAGE_MODELS = {row.key: row for row in _ROWS}
