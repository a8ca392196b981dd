"""The table of who may use which routes, from the groups that declare it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi.routing import APIRoute

from jimeng_api.web.app import GROUPS
from jimeng_api.web.auth import anybody, known_admin, known_caller, token_sender
from tables.markdown import code, table

_TITLES = {"en": ("who", "routes"), "zh": ("谁", "路由")}
_WHO: Mapping[Callable[..., Any], Mapping[str, str]] = {
    known_caller: {
        "en": "whoever sends a session or a key of this gateway",
        "zh": "发送会话或本网关密钥的调用者",
    },
    known_admin: {"en": "whoever sends the admin key", "zh": "发送管理密钥的人"},
    token_sender: {
        "en": "whoever has sessions or tokens to ask about, as Bearer or in the body",
        "zh": "持有要查询的会话或令牌的人，可放在 Bearer 或请求体中",
    },
    anybody: {"en": "anybody", "zh": "任何人"},
}


def parts(language: str) -> dict[str, str]:
    rows = ([_WHO[guard][language], "<br>".join(_shown(guard))] for guard in GROUPS)
    return {"routes": table(_TITLES[language], rows)}


def _shown(guard: Callable[..., Any]) -> Iterator[str]:
    before = "" if guard is anybody else "/v1"
    for group in GROUPS[guard]:
        for route in group.router.routes:
            if isinstance(route, APIRoute):
                for method in sorted((route.methods or set()) - {"HEAD"}):
                    yield code(f"{method} {before}{route.path.replace(':path', '')}")
