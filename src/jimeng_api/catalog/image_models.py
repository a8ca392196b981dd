"""Image models, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from jimeng_api.catalog.pixels import (
    AESTHETIC_1K,
    AESTHETIC_2K,
    IMAGE_1_5K,
    IMAGE_1K,
    IMAGE_2K,
    IMAGE_4K,
    PixelTable,
)
from jimeng_api.catalog.rows import DREAMINA, EVERYWHERE, Confidence, Status, on


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteRule:
    """What one site makes of a model in place of the model's own sizes.

    `sent_as` is the tier that the site wants to read for each of the model's.
    """

    pixels: Mapping[str, PixelTable]
    sent_as: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageModel:
    """One image model.

    `upstream` is the site's key for it, by site: a site that is not there does not offer it. `unplaced_key`
    is a key that Dreamina has been seen to use on a site that is not known; nothing is sent there.
    `pixels` are its sizes by tier (smallest first) and ratio. `count_options` are the numbers of pictures
    one task may be asked for, None where none may be asked for; `count_default` is what comes unasked.
    `draft_version` None means the gateway's own. `credits` are per picture, as displayed or measured on cn,
    and change often; `member_credits` where they differ for members; `task_credits` is the least that one
    task costs. `typical_seconds` is a range.
    """

    kind: ClassVar[Literal["image"]] = "image"

    name: str
    title: str
    upstream: Mapping[str, str]
    pixels: Mapping[str, PixelTable]
    default_resolution: str
    confidence: Confidence
    status: Status = "current"
    deprecated: bool = False
    aliases: tuple[str, ...] = ()
    unplaced_key: str | None = None
    supports_intelligent_ratio: bool = False
    max_input_images: int = 10  # what clients allow where the site says nothing
    count_options: tuple[int, ...] | None = None
    count_default: int = 4
    makes_series: bool = False
    draft_version: str | None = None
    min_version: str = "3.0.2"
    benefit_types: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, int] = field(default_factory=dict)
    member_credits: Mapping[str, int] = field(default_factory=dict)
    task_credits: int | None = None
    typical_seconds: tuple[int, int] | None = None
    site_rules: Mapping[str, SiteRule] = field(default_factory=dict)

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(self.upstream)

    @property
    def resolutions(self) -> tuple[str, ...]:
        return tuple(self.pixels)

    @property
    def ratios(self) -> tuple[str, ...]:
        return tuple(self.pixels[self.default_resolution])


_1K = {"1k": IMAGE_1K}
_1K_2K = {"1k": IMAGE_1K, "2k": IMAGE_2K}
_1K_2K_4K = {"1k": IMAGE_1K, "2k": IMAGE_2K, "4k": IMAGE_4K}
_1_5K_2K = {"1.5k": IMAGE_1_5K, "2k": IMAGE_2K}
_1_5K_2K_4K = {"1.5k": IMAGE_1_5K, "2k": IMAGE_2K, "4k": IMAGE_4K}
_2K_4K = {"2k": IMAGE_2K, "4k": IMAGE_4K}

_TO_4 = (1, 2, 3, 4)
_TO_8 = (1, 2, 3, 4, 5, 6, 7, 8)

_IMAGE_MODELS = (
    ImageModel(
        name="jimeng-4.5",
        title="Seedream 4.5",
        aliases=("jimeng-image-4.5", "4.5"),
        upstream=on(EVERYWHERE, "high_aes_general_v40l"),
        pixels=_2K_4K,
        default_resolution="2k",
        supports_intelligent_ratio=True,
        count_options=_TO_8,
        makes_series=True,
        draft_version="3.3.4",
        benefit_types={"2k": "image_basic_v4_pro_2k", "4k": "image_basic_v4_pro_4k"},
        credits={"2k": 4},
        confidence="A",
    ),
    ImageModel(
        name="jimeng-5.0-pro",
        title="Seedream 5.0 Pro",
        aliases=("jimeng-image-5.0-pro",),
        upstream=on(("cn",), "high_aes_general_v50p_large"),
        unplaced_key="high_aes_general_v50p_large",
        pixels=_1_5K_2K_4K,
        default_resolution="2k",
        count_options=_TO_4,
        count_default=2,
        benefit_types={
            # There is an item for 1k, though the model does not list that tier.
            "1k": "image_basic_v50_pro_1k",
            "1.5k": "image_basic_v50_pro_15k",
            "2k": "image_basic_v50_pro_2k",
            "4k": "image_basic_v50_pro_4k",
        },
        credits={"2k": 8},
        confidence="A",
    ),
    ImageModel(
        name="jimeng-5.0-flash",
        title="Seedream 5.0 Flash",
        upstream=on(("cn",), "high_aes_general_v50_flash"),
        pixels=_1_5K_2K,
        default_resolution="2k",
        count_options=_TO_4,
        benefit_types={"1.5k": "image_basic_v50_flash_15k", "2k": "image_basic_v50_flash_2k"},
        credits={"2k": 3},
        typical_seconds=(21, 21),
        confidence="B",
    ),
    ImageModel(
        name="jimeng-5.0",
        title="Seedream 5.0 Lite",
        aliases=("jimeng-5.0-lite", "jimeng-5.0-preview", "jimeng-image-5.0-lite", "5.0"),
        upstream=on(EVERYWHERE, "high_aes_general_v50"),  # on us less surely than elsewhere
        pixels=_2K_4K,
        default_resolution="2k",
        supports_intelligent_ratio=True,
        count_options=_TO_8,
        makes_series=True,
        draft_version="3.3.9",
        benefit_types={"2k": "image_basic_v5_2k", "4k": "image_basic_v5_4k"},
        credits={"2k": 3, "4k": 4},
        member_credits={"2k": 0},
        typical_seconds=(18, 54),
        confidence="A",
    ),
    ImageModel(
        name="jimeng-4.7",
        title="Seedream 4.7",
        aliases=("jimeng-image-4.7",),
        upstream=on(("cn",), "high_aes_general_v43"),
        unplaced_key="high_aes_general_v43",
        pixels=_2K_4K,
        default_resolution="2k",
        count_options=_TO_8,
        draft_version="3.3.20",
        benefit_types={"2k": "image_basic_v43_2k", "4k": "image_basic_v43_4k"},
        credits={"2k": 4},
        confidence="A",
    ),
    ImageModel(
        name="jimeng-4.6",
        title="Seedream 4.6",
        aliases=("jimeng-image-4.6", "4.6"),
        upstream=on(EVERYWHERE, "high_aes_general_v42"),  # on us less surely than elsewhere
        pixels=_2K_4K,
        default_resolution="2k",
        supports_intelligent_ratio=True,
        count_options=_TO_8,
        makes_series=True,
        draft_version="3.3.9",
        benefit_types={"2k": "image_basic_v46_2k", "4k": "image_basic_v46_4k"},
        credits={"2k": 4},
        confidence="A",
    ),
    ImageModel(
        name="jimeng-4.1",
        title="Seedream 4.1",
        aliases=("jimeng-image-4.1", "4.1"),
        upstream=on(EVERYWHERE, "high_aes_general_v41"),
        pixels=_2K_4K,  # 1k has been accepted too, but the site does not list it
        default_resolution="2k",
        supports_intelligent_ratio=True,
        count_options=_TO_8,
        makes_series=True,
        draft_version="3.3.4",
        benefit_types={"2k": "image_basic_v41_2k", "4k": "image_basic_v41_4k"},
        credits={"2k": 4},
        typical_seconds=(11, 40),
        confidence="A",
    ),
    ImageModel(
        name="jimeng-4.0",
        title="Seedream 4.0",
        aliases=("jimeng-image-4.0", "4.0"),
        upstream=on(EVERYWHERE, "high_aes_general_v40"),
        pixels=_2K_4K,  # 1k has been accepted too, but the site does not list it
        default_resolution="2k",
        supports_intelligent_ratio=True,
        count_options=_TO_8,
        makes_series=True,
        draft_version="3.3.4",
        benefit_types={"2k": "image_basic_generate_piece", "4k": "image_uhd_4k"},
        credits={"2k": 4},
        typical_seconds=(11, 40),
        confidence="A",
    ),
    ImageModel(
        name="jimeng-3.1",
        title="Seedream 3.1",
        aliases=("jimeng-image-3.1", "3.1"),
        upstream=on(("cn",), "high_aes_general_v30l_art_fangzhou:general_v3.0_18b"),
        unplaced_key="high_aes_general_v30l_art:general_v3.0_18b",
        pixels=_1K_2K,
        default_resolution="1k",
        count_options=_TO_4,
        draft_version="3.0.2",
        benefit_types={"1k": "image_basic_generate_plus", "2k": "image_uhd"},
        credits={"1k": 1},
        status="legacy",
        deprecated=True,
        confidence="A",
    ),
    ImageModel(
        name="jimeng-3.0",
        title="Seedream 3.0",
        aliases=("jimeng-image-3.0", "3.0"),
        upstream=on(EVERYWHERE, "high_aes_general_v30l:general_v3.0_18b"),
        pixels=_1K_2K,
        default_resolution="1k",
        count_options=_TO_4,
        draft_version="3.0.2",
        benefit_types={"1k": "image_basic_generate_plus", "2k": "image_uhd"},
        credits={"1k": 1},
        status="legacy",  # listed, yet refused to some accounts with code 1006
        deprecated=True,
        confidence="A",
    ),
    ImageModel(
        name="jimeng-2.1",
        title="Seedream 2.1",
        upstream=on(("cn",), "high_aes_general_v21_L:general_v2.1_L"),
        pixels=_1K,
        default_resolution="1k",
        max_input_images=1,
        draft_version="3.0.2",
        status="dropped",
        deprecated=True,
        confidence="B",
    ),
    ImageModel(
        name="jimeng-2.0-pro",
        title="Seedream 2.0 Pro",
        aliases=("jimeng-image-2.0-pro",),
        upstream=on(("cn",), "high_aes_general_v20_L:general_v2.0_L"),
        pixels=_1K,
        default_resolution="1k",
        max_input_images=1,
        draft_version="3.0.2",
        credits={"1k": 1},
        status="legacy",
        deprecated=True,
        confidence="B",
    ),
    ImageModel(
        name="jimeng-2.0",
        title="Seedream 2.0",
        upstream=on(("cn",), "high_aes_general_v20:general_v2.0"),
        pixels=_1K,
        default_resolution="1k",
        max_input_images=1,
        draft_version="3.0.2",
        status="dropped",
        deprecated=True,
        confidence="B",
    ),
    ImageModel(
        name="jimeng-1.4",
        title="1.4",
        upstream=on(("cn",), "high_aes_general_v14:general_v1.4"),
        pixels=_1K,
        default_resolution="1k",
        max_input_images=1,
        draft_version="3.0.2",
        status="dropped",
        deprecated=True,
        confidence="B",
    ),
    ImageModel(
        name="jimeng-xl-pro",
        title="XL Pro",
        upstream=on(("cn",), "text2img_xl_sft"),
        pixels=_1K,
        default_resolution="1k",
        max_input_images=1,
        draft_version="3.0.2",
        status="dropped",
        deprecated=True,
        confidence="B",
    ),
    ImageModel(
        name="jm-aesthetic-v8.2",
        title="Image aesthetic model V8.2",
        aliases=("mj82",),
        upstream=on(("cn",), "jm_image_model_yc_mj82"),
        pixels={"1k": AESTHETIC_1K, "2k": AESTHETIC_2K},
        default_resolution="1k",
        max_input_images=20,
        count_options=(4,),
        credits={"1k": 5, "2k": 7},
        task_credits=7,
        typical_seconds=(200, 200),
        confidence="B",
    ),
    ImageModel(
        name="nanobanana",
        title="Nano Banana",
        upstream=on(DREAMINA, "external_model_gemini_flash_image_v25"),
        pixels=_1K,
        default_resolution="1k",
        draft_version="3.3.9",
        # The us site draws squares of one size and wants to read "2k" for them.
        site_rules={
            "us": SiteRule(pixels={"1k": {"1:1": (1024, 1024)}}, sent_as={"1k": "2k"}),
        },
        confidence="A",
    ),
    ImageModel(
        name="nanobananapro",
        title="Nano Banana Pro",
        upstream=on(DREAMINA, "dreamina_image_lib_1"),
        unplaced_key="gemini_3_image_pro",
        pixels=_1K_2K_4K,
        default_resolution="2k",
        draft_version="3.3.9",
        confidence="A",
    ),
    # Dreamina has been seen to list the next three, on a site that is not known, so no site offers them here;
    # once it is known, its name goes into `upstream`. The prefix keeps their names apart from OpenAI's:
    # clients that cannot be told another model name send those (`gpt-image-2`) and mean "the default".
    ImageModel(
        name="dreamina-gpt-image-2",
        title="GPT Image 2",
        upstream=on((), ""),
        unplaced_key="gpt_image_2",
        pixels=_1K_2K_4K,
        default_resolution="2k",
        status="announced",
        confidence="B",
    ),
    ImageModel(
        name="dreamina-gpt-image-2.5-flare",
        title="GPT Image 2.5 Flare",
        upstream=on((), ""),
        unplaced_key="dreamina_gpt_image_2_5_flare",
        pixels=_1K_2K_4K,
        default_resolution="2k",
        status="announced",
        confidence="B",
    ),
    ImageModel(
        name="dreamina-gpt-image-2.5-sunburst",
        title="GPT Image 2.5 Sunburst",
        upstream=on((), ""),
        unplaced_key="dreamina_gpt_image_2_5_sunburst",
        pixels=_1K_2K_4K,
        default_resolution="2k",
        status="announced",
        confidence="B",
    ),
)

IMAGE_MODELS: Mapping[str, ImageModel] = MappingProxyType({m.name: m for m in _IMAGE_MODELS})
