"""Models that make a portrait speak or copy a movement, a row each. All are on the Chinese site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from jimeng_api.catalog.rows import Confidence, on


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AvatarModel:
    """One avatar model; `mode` is the upstream's word for its quality, audio lengths are in seconds."""

    name: str
    kind: Literal["lip_sync", "motion_copy"]
    upstream: Mapping[str, str]
    confidence: Confidence
    resolutions: tuple[str, ...] = ("720p", "1080p")
    mode: str | None = None
    min_audio_seconds: int | None = None
    max_audio_seconds: int | None = None
    benefit_type: str | None = None
    is_default: bool = False

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(self.upstream)


_AVATAR_MODELS = (
    AvatarModel(
        name="lip-sync-base",
        kind="lip_sync",
        upstream=on(("cn",), "dreamina_lib_sync_base"),  # "lib" is the site's spelling
        mode="standard",
        max_audio_seconds=30,
        benefit_type="lip_sync_avatar_std",
        confidence="A",
    ),
    AvatarModel(
        name="lip-sync-quick",
        kind="lip_sync",
        upstream=on(("cn",), "dreamina_lib_sync_image_quick_1.5"),
        mode="hq_480",
        min_audio_seconds=1,
        max_audio_seconds=30,
        benefit_type="lip_sync_avatar_omni_15_quick",
        confidence="A",
    ),
    AvatarModel(
        name="lip-sync-master",
        kind="lip_sync",
        upstream=on(("cn",), "dreamina_lib_sync_image_master_1.5"),
        mode="hq",
        min_audio_seconds=1,
        max_audio_seconds=30,
        benefit_type="lip_sync_avatar_omni_15_master_vip",
        confidence="A",
    ),
    # Which of the two items below goes with which of the two models is inferred.
    AvatarModel(
        name="motion-copy-master",
        kind="motion_copy",
        upstream=on(("cn",), "dreamina_imitator_m15_master"),
        benefit_type="basic_video_operation_video_template15_pro",
        confidence="B",
    ),
    AvatarModel(
        name="motion-copy-vivid",
        kind="motion_copy",
        upstream=on(("cn",), "dreamina_imitator_m20"),
        benefit_type="basic_video_operation_video_template15",
        is_default=True,
        confidence="B",
    ),
    AvatarModel(
        name="motion-copy-quick",
        kind="motion_copy",
        upstream=on(("cn",), "dreamina_imitator_m20_quick"),
        confidence="B",
    ),
)

AVATAR_MODELS: Mapping[str, AvatarModel] = MappingProxyType({m.name: m for m in _AVATAR_MODELS})
