"""The tables of the upstream's codes, out of the rows of `jimeng_api.upstream.error_codes`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.error_codes import (
    FAIL_CODES,
    KEYS,
    RETS,
    STATUSES,
    TEXTS,
    Code,
    Meaning,
    every_meaning,
)
from tables.markdown import code, table

Table = Callable[["Language"], Iterable[tuple[str, ...]]]


class Language:
    """The words of one language: headings of columns, and each meaning's name, sense and advice."""

    def __init__(
        self,
        columns: Mapping[str, tuple[str, ...]],
        meanings: Mapping[str, tuple[str, str, str]],
        *,
        yes: str,
        no: str,
        anywhere: str,
    ) -> None:
        self.columns = columns
        self.meanings = meanings
        self.yes, self.no, self.anywhere = yes, no, anywhere

    def name(self, meaning: Meaning) -> str:
        return self.meanings[meaning.name][0]


ENGLISH = Language(
    {
        "meanings": (
            "Group",
            "Error code",
            "Not taken, not charged",
            "What it means",
            "What you can do",
        ),
        "rets": ("`ret`", "Where", "Upstream's name", "Group", "Error code"),
        "fail-codes": ("`fail_code`", "Upstream's name", "Group", "Error code"),
        "keys": ("Contains", "Group", "Error code"),
        "statuses": ("Status", "Group", "Error code"),
    },
    {m.name: (m.name, m.says, m.advice) for m in every_meaning()},
    yes="yes",
    no="unknown",
    anywhere="everywhere",
)

CHINESE = Language(
    {
        "meanings": ("类别", "错误码", "未受理、未扣费", "含义", "可以怎么做"),
        "rets": ("`ret`", "接口", "上游的名称", "类别", "错误码"),
        "fail-codes": ("`fail_code`", "上游的名称", "类别", "错误码"),
        "keys": ("包含", "类别", "错误码"),
        "statuses": ("状态", "类别", "错误码"),
    },
    {
        "session": (
            "会话",
            "上游不接受该会话：已失效，或属于另一个站点。",
            "在网站上重新登录并更换会话；检查前缀是否对应正确的站点。",
        ),
        "credits": (
            "积分",
            "账号积分不足以完成本次生成，或其套餐不包含该模型。",
            "领取每日积分、购买积分、改用更便宜的模型或尺寸，或换一个账号。",
        ),
        "daily limit": (
            "每日上限",
            "账号今天的生成次数已用完。",
            "等到账号所在时区的第二天，或换一个账号。",
        ),
        "busy account": (
            "账号繁忙",
            "账号正在运行的生成任务已达上限。",
            "等其中一个结束，或换一个账号。",
        ),
        "reservation failed": (
            "预扣失败",
            "上游未能预扣积分；常见于账号有很多任务在排队时。",
            "等该账号的一部分任务结束，并检查余额。",
        ),
        "rate limit": (
            "限流",
            "上游暂时不再接受该账号的请求。",
            "过一会儿再发请求，或换一个账号。",
        ),
        "content": (
            "内容",
            "上游拒绝该内容。",
            "修改提示词或输入；原样再发仍会被拒绝。",
        ),
        "prompt": (
            "提示词",
            "上游拒绝该提示词。",
            "修改提示词；同样的文字仍会被拒绝。",
        ),
        "input picture": (
            "输入图片",
            "上游拒绝某张输入图片。",
            "换一张图片；同一张仍会被拒绝。",
        ),
        "result": (
            "结果",
            "上游已生成结果，但自审后没有放出。",
            "修改提示词或输入；是否扣费以账号余额为准。",
        ),
        "risk control": (
            "风控",
            "请求被上游的风控拦下。",
            "让该账号停用至少半小时，再到网站上看它要求什么。",
        ),
        "face": (
            "人脸",
            "上游不接受输入中的人脸。",
            "换用不含真人面部的输入；同样的输入还会被拒绝。",
        ),
        "model withdrawn": (
            "模型下线",
            "上游不再向该账号提供这个模型。",
            "换一个模型；`GET /v1/models` 列出现有的模型。",
        ),
        "account barred": (
            "账号受限",
            "上游禁止该账号生成。",
            "只有账号本人可以在网站上申诉；其任务和积分仍可读取。",
        ),
        "not permitted": (
            "无权限",
            "上游不允许该账号这样做：模型可能需要会员，或属于另一个站点。",
            "改用该账号在网站上能用的模型。若所有账号都如此，说明网关发送的应用版本过旧:"
            "请在设置中调高 `appvr` 和 `da_version`。",
        ),
        "region": (
            "地区",
            "上游不在该网络地址为该账号提供服务。",
            "在账号所属站点可用的地区运行网关；有时会自行恢复。",
        ),
        "consent": (
            "需要确认",
            "上游要求先确认其条款。",
            "用该账号登录网站，在网页上使用一次该模型并确认提示。",
        ),
        "parameter": (
            "参数",
            "上游拒绝请求中的某个参数。",
            "换别的取值；请反馈给我们，网关本应先行拒绝。",
        ),
        "prompt language": (
            "提示词语言",
            "上游不接受提示词的语言，或其中的语言混用。",
            "只用网站支持的一种语言书写提示词。",
        ),
        "signature": (
            "签名",
            "上游不接受我们请求的签名。",
            "检查机器时钟；然后查看网关是否有新版本。",
        ),
        "upstream busy": (
            "上游繁忙",
            "上游繁忙。",
            "稍后再试。",
        ),
        "generation failed": (
            "生成失败",
            "上游未能生成。",
            "再次请求之前先看账号在网站上的历史记录；重试是一次新的生成。",
        ),
        "deleted": (
            "已删除",
            "任务已在网站上被删除。",
            "已无法取回；再次请求是一次新的生成。",
        ),
        "unknown": (
            "未知",
            "上游返回了网关不认识的代码。",
            "再次请求之前先看账号在网站上的历史记录，并请反馈该代码。",
        ),
    },
    yes="是",
    no="未知",
    anywhere="全部",
)


def meanings(language: Language) -> Iterable[tuple[str, ...]]:
    for meaning in every_meaning():
        name, says, advice = language.meanings[meaning.name]
        certain = language.yes if meaning.certain else language.no
        yield name, _error(meaning), certain, says, advice


def rets(language: Language) -> Iterable[tuple[str, ...]]:
    for row in RETS:
        where = f"`/{row.plane.value}/`" if isinstance(row.plane, Plane) else language.anywhere
        yield code(row.code), where, *_named(row, language)


def fail_codes(language: Language) -> Iterable[tuple[str, ...]]:
    return ((code(row.code), *_named(row, language)) for row in FAIL_CODES)


def keys(language: Language) -> Iterable[tuple[str, ...]]:
    for row in (*KEYS, *TEXTS):
        yield code(row.part), language.name(row.meaning), _error(row.meaning)


def statuses(language: Language) -> Iterable[tuple[str, ...]]:
    for status, meaning in STATUSES.items():
        yield code(status), language.name(meaning), _error(meaning)


TABLES: Mapping[str, Table] = {
    "meanings": meanings,
    "rets": rets,
    "fail-codes": fail_codes,
    "keys": keys,
    "statuses": statuses,
}


def parts(language: str) -> dict[str, str]:
    words = {"en": ENGLISH, "zh": CHINESE}[language]
    return {
        f"upstream-{name}": table(words.columns[name], rows(words)) for name, rows in TABLES.items()
    }


def _named(row: Code, language: Language) -> tuple[str, str, str]:
    return row.upstream_name or "—", language.name(row.meaning), _error(row.meaning)


def _error(meaning: Meaning) -> str:
    return code(meaning.error.code)
