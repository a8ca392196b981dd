"""Ratios, tiers and how many pixels each pair has: a table per tier. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Pixels = tuple[int, int]
PixelTable = Mapping[str, Pixels]

# What the upstream calls each shape, the same on every tier.
IMAGE_RATIO_CODES: Mapping[str, int] = MappingProxyType(
    {"1:1": 1, "3:4": 2, "16:9": 3, "4:3": 4, "9:16": 5, "2:3": 6, "3:2": 7, "21:9": 8}
)

# From the fewest pixels to the most.
IMAGE_TIERS = ("1k", "1.5k", "2k", "4k")

IMAGE_1K: PixelTable = MappingProxyType(
    {
        "1:1": (1328, 1328),
        "3:4": (1104, 1472),
        "16:9": (1664, 936),
        "4:3": (1472, 1104),
        "9:16": (936, 1664),
        "2:3": (1056, 1584),
        "3:2": (1584, 1056),
        "21:9": (2016, 864),
    }
)

IMAGE_1_5K: PixelTable = MappingProxyType(
    {
        "1:1": (1536, 1536),
        "3:4": (1296, 1728),
        "16:9": (1920, 1080),
        "4:3": (1728, 1296),
        "9:16": (1080, 1920),
        "2:3": (1248, 1872),
        "3:2": (1872, 1248),
        "21:9": (2268, 972),
    }
)

IMAGE_2K: PixelTable = MappingProxyType(
    {
        "1:1": (2048, 2048),
        "3:4": (1728, 2304),
        "16:9": (2560, 1440),
        "4:3": (2304, 1728),
        "9:16": (1440, 2560),
        "2:3": (1664, 2496),
        "3:2": (2496, 1664),
        "21:9": (3024, 1296),
    }
)

# What the site itself publishes. Some clients send rounder numbers (5120x2880); the site takes those too.
IMAGE_4K: PixelTable = MappingProxyType(
    {
        "1:1": (4096, 4096),
        "3:4": (3520, 4693),
        "16:9": (5404, 3040),
        "4:3": (4693, 3520),
        "9:16": (3040, 5404),
        "2:3": (3328, 4992),
        "3:2": (4992, 3328),
        "21:9": (6197, 2656),
    }
)

# The aesthetic model draws a smaller 1k than all others, and seven shapes (that 21:9 is the missing one is
# inferred).
AESTHETIC_1K: PixelTable = MappingProxyType(
    {
        "1:1": (1024, 1024),
        "3:4": (768, 1024),
        "16:9": (1024, 576),
        "4:3": (1024, 768),
        "9:16": (576, 1024),
        "2:3": (682, 1024),
        "3:2": (1024, 682),
    }
)

AESTHETIC_2K: PixelTable = MappingProxyType({ratio: IMAGE_2K[ratio] for ratio in AESTHETIC_1K})

VIDEO_RATIOS_6 = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
VIDEO_RATIOS_5 = ("16:9", "9:16", "1:1", "4:3", "3:4")
VIDEO_RATIOS_9 = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "4:5", "5:4", "9:21")

# The short side of a film, by tier, from the fewest pixels to the most.
VIDEO_TIERS: Mapping[str, int] = MappingProxyType(
    {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}
)


def shape_of(ratio: str) -> float:
    """Width over height of a ratio such as "16:9"."""
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def video_pixels(tier: str, ratio: str) -> Pixels:
    """Width and height of a film. The sites' own films have the tier as short side and an even long side."""
    short, shape = VIDEO_TIERS[tier], shape_of(ratio)
    long = -(-round(short * max(shape, 1 / shape), 6) // 2) * 2
    return (int(long), short) if shape >= 1 else (short, int(long))
