"""The tables of sites, models and sizes, out of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jimeng_api.catalog.avatars import AVATAR_MODELS
from jimeng_api.catalog.image_models import IMAGE_MODELS, ImageModel
from jimeng_api.catalog.pixels import (
    AESTHETIC_1K,
    IMAGE_1_5K,
    IMAGE_1K,
    IMAGE_2K,
    IMAGE_4K,
    PixelTable,
)
from jimeng_api.catalog.sites import SITES
from jimeng_api.catalog.video_models import VIDEO_MODELS, VideoModel
from tables.markdown import code, table

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "zh": {
        "site": "站点",
        "product": "产品",
        "key prefix": "密钥前缀",
        "page": "网页",
        "none": "无",
        "model": "模型",
        "also called": "别名",
        "sites": "站点",
        "resolutions": "分辨率",
        "pictures per task": "每个任务的图片数",
        "input images": "输入图片",
        "credits per picture": "每张积分",
        "status": "状态",
        "ratio": "比例",
        "seconds": "时长（秒）",
        "modes": "输入方式",
        "credits": "积分",
        "kind": "类型",
        "audio": "音频",
        "default": "默认",
        "current": "在用",
        "legacy": "旧版",
        "dropped": "客户端已弃用",
        "refused": "站点已拒绝",
        "announced": "已公布",
        "members": "仅会员",
        "up to {}": "最多 {}",
        "{} per second": "每秒 {}",
        "at least {} a task": "每个任务至少 {}",
        "not known": "未知",
        "t2v": "文本",
        "first_frame": "首帧",
        "first_last": "首尾帧",
        "multi_frame": "多帧",
        "subject_ref": "主体参考",
        "omni": "全能参考",
        "edit": "编辑",
        "extend": "延长",
        "long_video": "长视频",
        "lip_sync": "对口型",
        "motion_copy": "动作模仿",
        "fixed": "固定",
    },
}
_ENGLISH = {
    "t2v": "text",
    "first_frame": "first frame",
    "first_last": "first and last frame",
    "multi_frame": "several frames",
    "subject_ref": "subjects",
    "omni": "references",
    "long_video": "long",
    "lip_sync": "lip sync",
    "motion_copy": "motion copy",
    "members": "members only",
}


# What a first look at the project shows; the page of the models shows all of them.
_WORTH_NAMING = ("current", "legacy")


def parts(language: str) -> dict[str, str]:
    def word(key: str) -> str:
        if language == "en":
            return _ENGLISH.get(key, key)
        return _WORDS[language][key]

    def titles(*keys: str) -> list[str]:
        return [word(key) for key in keys]

    return {
        "sites": table(
            titles("site", "product", "key prefix", "page"),
            (
                (code(s.name), s.product, _prefix(s.token_prefix, word("none")), s.page_origin)
                for s in SITES.values()
            ),
        ),
        "site-models": table(
            ["", *map(code, SITES), *titles("resolutions")],
            (
                [
                    code(m.name),
                    *("✓" if name in m.sites else "" for name in SITES),
                    ", ".join(m.resolutions),
                ]
                for m in IMAGE_MODELS.values()
                if m.sites and m.status in _WORTH_NAMING
            ),
        ),
        "image-models": table(
            titles(
                "model",
                "also called",
                "sites",
                "resolutions",
                "pictures per task",
                "input images",
                "credits per picture",
                "status",
            ),
            (
                [
                    f"`{m.name}`<br>{m.title}",
                    _names(m.aliases),
                    " ".join(m.sites) or word("not known"),
                    _marked(m.resolutions, m.default_resolution),
                    _counts(m, word("fixed")),
                    word("up to {}").format(m.max_input_images),
                    _image_credits(m, word("at least {} a task").format(m.task_credits)),
                    word(m.status),
                ]
                for m in IMAGE_MODELS.values()
            ),
        ),
        "image-sizes": _size_table(
            word("ratio"), {"1k": IMAGE_1K, "1.5k": IMAGE_1_5K, "2k": IMAGE_2K, "4k": IMAGE_4K}
        ),
        "aesthetic-sizes": _size_table(word("ratio"), {"1k": AESTHETIC_1K}),
        "video-models": table(
            titles(
                "model",
                "also called",
                "sites",
                "resolutions",
                "seconds",
                "modes",
                "credits",
                "status",
            ),
            (
                [
                    f"`{m.name}`<br>{m.title}",
                    _names(m.aliases),
                    " ".join(m.sites),
                    _marked(m.resolutions, m.default_resolution) or "–",
                    _lengths(m),
                    ", ".join(word(mode) for mode in m.input_modes),
                    _video_credits(m, word("{} per second")),
                    word(m.status) + (f", {word('members')}" if m.members_only else ""),
                ]
                for m in VIDEO_MODELS.values()
            ),
        ),
        "avatars": table(
            titles("model", "kind", "sites", "resolutions", "audio"),
            (
                [
                    f"`{m.name}`" + (f" ({word('default')})" if m.is_default else ""),
                    word(m.kind),
                    " ".join(m.sites),
                    ", ".join(m.resolutions),
                    word("up to {}").format(f"{m.max_audio_seconds} s")
                    if m.max_audio_seconds
                    else "–",
                ]
                for m in AVATAR_MODELS.values()
            ),
        ),
    }


def _size_table(ratio: str, by_tier: Mapping[str, PixelTable]) -> str:
    shapes = list(next(iter(by_tier.values())))
    return table(
        [ratio, *by_tier],
        (
            [shape] + ["{}x{}".format(*table[shape]) for table in by_tier.values()]
            for shape in shapes
        ),
    )


def _prefix(prefix: str, none: str) -> str:
    return code(prefix) if prefix else none


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(code, names)) or "–"


def _marked(values: Iterable[str], default: str) -> str:
    return ", ".join(f"**{value}**" if value == default else value for value in values)


def _counts(model: ImageModel, fixed: str) -> str:
    if model.count_options is None or len(model.count_options) == 1:
        return f"{model.count_default} ({fixed})"
    return f"{model.count_options[0]}–{model.count_options[-1]} (**{model.count_default}**)"


def _image_credits(model: ImageModel, least: str) -> str:
    prices = ", ".join(f"{tier}: {price}" for tier, price in model.credits.items())
    return f"{prices}; {least}" if model.task_credits else prices or "–"


def _lengths(model: VideoModel) -> str:
    lengths, default = model.durations, model.default_duration
    if len(lengths) > 3:
        shown = f"{lengths[0]}–{lengths[-1]} (**{default}**)"
    else:
        shown = _marked(map(str, lengths), str(default))
    if model.long_durations:
        shown += f"; {model.long_durations[0]}–{model.long_durations[-1]}"
    return shown


def _video_credits(model: VideoModel, per_second: str) -> str:
    prices = [
        f"{what.replace('-', ' ').replace('s', ' s')}: {price}"
        for what, price in model.credits.items()
    ]
    if model.credits_per_second:
        prices.append(per_second.format(model.credits_per_second))
    return ", ".join(prices) or "–"
