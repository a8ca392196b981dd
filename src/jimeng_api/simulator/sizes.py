"""How large a picture comes out, by size family, resolution and aspect ratio."""

import math
from collections.abc import Mapping

Size = tuple[int, int]

RATIO_NAMES = {1: "1:1", 2: "3:4", 3: "16:9", 4: "4:3", 5: "9:16", 6: "2:3", 7: "3:2", 8: "21:9"}
RATIO_VALUES = {1: 1.0, 2: 3 / 4, 3: 16 / 9, 4: 4 / 3, 5: 9 / 16, 6: 2 / 3, 7: 3 / 2, 8: 21 / 9}
ALL_RATIOS = tuple(RATIO_NAMES)

Table = Mapping[int, Size]


def _table(*sizes: Size) -> Table:
    return dict(zip(ALL_RATIOS, sizes, strict=False))


ONE_K = _table(
    (1328, 1328), (1104, 1472), (1664, 936), (1472, 1104),
    (936, 1664), (1056, 1584), (1584, 1056), (2016, 864),
)  # fmt: skip
ONE_K_SMALL = _table(
    (1024, 1024), (768, 1024), (1024, 576), (1024, 768),
    (576, 1024), (682, 1024), (1024, 682), (1195, 512),
)  # fmt: skip
ONE_AND_A_HALF_K = _table(
    (1536, 1536), (1296, 1728), (1920, 1080), (1728, 1296),
    (1080, 1920), (1248, 1872), (1872, 1248), (2268, 972),
)  # fmt: skip
TWO_K = _table(
    (2048, 2048), (1728, 2304), (2560, 1440), (2304, 1728),
    (1440, 2560), (1664, 2496), (2496, 1664), (3024, 1296),
)  # fmt: skip
FOUR_K = _table(
    (4096, 4096), (3520, 4693), (5404, 3040), (4693, 3520),
    (3040, 5404), (3328, 4992), (4992, 3328), (6197, 2656),
)  # fmt: skip

STANDARD = {"1k": ONE_K, "1.5k": ONE_AND_A_HALF_K, "2k": TWO_K, "4k": FOUR_K}
SMALL_ONE_K = {**STANDARD, "1k": ONE_K_SMALL}
ALWAYS_SMALL = dict.fromkeys(("1k", "2k"), ONE_K_SMALL)


def nearest_ratio(width: int, height: int, among: tuple[int, ...] = ALL_RATIOS) -> int:
    """The code of the aspect ratio that lies closest to width:height."""
    wanted = math.log(width / height)
    return min(among, key=lambda code: abs(math.log(RATIO_VALUES[code]) - wanted))
