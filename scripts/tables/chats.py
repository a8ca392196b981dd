"""The table of what chat clients ask on the side, and of what they are answered."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jimeng_api.web.chores import CHORES, TITLE, Chore
from tables.markdown import code, table

_TITLES = {
    "en": ("client", "asks for", "in a message that begins with", "is answered"),
    "zh": ("客户端", "请求", "消息的开头", "回答"),
}
_CHINESE: Mapping[str, str] = {
    "a title": "标题",
    "a summary": "摘要",
    "tags": "标签",
    "questions to go on with": "后续问题",
    "searches": "搜索词",
    "tools to call": "要调用的工具",
    "the rest of what is being typed": "输入补全",
    "a prompt for another image model": "给另一个图片模型的提示词",
}
_WORDS = {"en": "the title", "zh": "标题"}


def parts(language: str) -> dict[str, str]:
    rows = [_row(chore, language) for chore in CHORES]
    return {"chores": table(_TITLES[language], rows)}


def _row(chore: Chore, language: str) -> list[str]:
    if chore.asks_for not in _CHINESE:
        raise SystemExit(f"scripts/tables/chats.py has no Chinese for {chore.asks_for!r}")
    asked = {"en": chore.asks_for, "zh": _CHINESE[chore.asks_for]}[language]
    answer = (
        _WORDS[language]
        if chore.answer == TITLE
        else code(json.dumps(chore.answer).replace(TITLE, "…"))
    )
    words = " … ".join(part for part in (chore.begins, chore.holds) if part)
    return [chore.client, asked, code(words), answer]
