"""What the upstream's web page sends today and may change tomorrow: each value dated, each a setting.

The marks say how sure a value is: [A] seen by two or more independent observers, [B] by one, [C] inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """The versions, switches and hosts of every request.

    A mapping is keyed by the name of a site and overrides the row of that site; an empty one leaves all
    rows as they are.
    """

    # ---- versions. An app version that is too old is answered 3018 on generation, while reads still work.

    appvr: str = "8.4.0"  # since 2026-01-27, before: 5.8.0 [A]
    app_sdk_version: str = "48.0.0"  # since 2026-02-19 [A]
    web_version: str = "7.5.0"  # since 2025-11, before: 6.6.0 [A]
    da_version: str = "3.3.28"  # since 2026-09-24; 3.3.20 in 2026-06, 3.3.9 in 2026-02 [A]
    draft_version: str = ""  # empty: as the model's row says, da_version where it is silent [A]
    draft_min_version: str = ""  # empty: as the model's row says [A]
    component_min_version: str = "3.0.2"  # of a draft's one component, since 2024-12 [A]
    video_component_min_version: str = "1.0.0"  # of a film's, since 2025-09 [A]

    # ---- pictures from pictures

    blend_min_version: str = "3.2.9"  # of a draft with inputs, since 2025-11; 3.0.2 works too [A]
    blend_mark: str = (
        "##"  # before the prompt, once for each input, since 2025-11; empty works too [B]
    )

    # ---- signature. Not enforced when last measured (2026-09), but every browser sends it.

    sign_head: str = "9e2c"  # since 2024-12-12 [A]
    sign_tail: str = "11ac"  # since 2024-12-12 [A]
    sign_version: str = "1"  # since 2024-12-12 [A]
    pf: str = "7"  # platform number, also part of the signature, since 2024-12-12 [A]
    tdid: str = ""  # since 2026-02-19, also part of the signature [A]

    # ---- query

    device_platform: str = "web"  # since 2024-12 [A]
    os: str = "windows"  # since 2026-01-30 [A]
    web_component_open_flag: str = "1"  # since 2026-02-11; empty: not sent [A]
    aigc_features: str = "app_lip_sync"  # since 2025-11; empty: not sent [A]
    sends_web_id: bool = True  # to those sites whose row says so (CN only), since 2025-09 [A]
    sends_commerce_with_input_video: bool = True  # on generation, since 2026-04 [A]
    sends_babi_param: bool = False  # on generation; one observer of two needs it (2026-09) [B]

    # ---- uploads

    upload_token_seconds: float = 900  # of a token that does not say its own life, 2026-11 [C]
    checks_uploads: bool = True  # on sites whose row says so (CN only), since 2026-02-11 [B]

    # ---- headers

    user_agent: str = (  # any current Chrome will do, of the same system as `os` [A]
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    )
    accept_language: str = "zh-CN,zh;q=0.9"  # since 2024-12, on every site [A]
    session_days: int = 60  # lifetime that the cookie sid_guard claims; 60 or 365 in browsers [A]

    # ---- sites: what to use in place of the site's row

    mweb_url: Mapping[str, str] = field(default_factory=dict)  # since 2025-11; US [B], rest [A]
    commerce_url: Mapping[str, str] = field(default_factory=dict)  # since 2025-11; US [B], rest [A]
    imagex_url: Mapping[str, str] = field(default_factory=dict)  # since 2025-11; US [B], rest [A]
    vod_url: Mapping[str, str] = field(default_factory=dict)  # since 2026-02; CN [A], rest unknown
    app_id: Mapping[str, int] = field(default_factory=dict)  # CN 513695, others 513641, 2025-11 [A]
    loc: Mapping[str, str] = field(default_factory=dict)  # lower case; a browser sent "SG" [B]
    upload_hosts: Mapping[str, tuple[str, ...]] = field(  # domains; CN [A], SG [B], rest [C]
        default_factory=dict
    )
