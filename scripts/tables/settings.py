"""The tables of settings: their names, what they take, their defaults, and what they are for."""

from __future__ import annotations

import dataclasses
import inspect
import io
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr

from jimeng_api.settings import Settings
from jimeng_api.upstream.constants import Constants
from tables.markdown import code, table

PREFIX = "JIMENG_API_"
NESTED = f"{PREFIX}UPSTREAM__"

# A default that depends on the machine, as a rule instead of a value.
_COMPUTED = {"data_dir": "`~/.local/share/jimeng-api`"}

_TITLES = {
    "en": ("setting", "in the environment", "takes", "default", "what it is for"),
    "zh": ("设置", "环境变量", "取值", "默认值", "用途"),
}
_WORDS = {
    "en": {"none": "–", "empty": "empty"},
    "zh": {
        "none": "–",
        "empty": "空",
        "text": "文本",
        "path": "路径",
        "number": "数",
        "whole number": "整数",
        "seconds": "秒",
        "list of seconds": "秒数列表",
        "list": "列表",
        "one value for each site": "每个站点一个值",
    },
}

# The Chinese of each setting; the English stands where the setting does.
_CHINESE: Mapping[str, str] = {
    "host": "监听地址。",
    "port": "监听端口；0 表示取一个空闲端口。",
    "data_dir": "数据目录；数据库、密钥文件和媒体文件未另行指定时放在这里。",
    "database_url": (
        "sqlite:///路径；多个网关共用时用 postgresql://用户:密码@主机/库名。"
        "默认：数据目录中的 SQLite。"
    ),
    "media_url": "结果保存在哪里：一个目录，或带前缀的 s3://、gs://、az://。",
    "secret_key_file": "用于加密会话的密钥文件；不存在时自动生成（权限 0600）。",
    "admin_key": "打开管理路由的密钥，至少 20 个字符；不设则这些路由关闭。",
    "secret_key": "密钥本身，代替密钥文件；取自环境变量，适合不允许落盘的场合。",
    "access_token_hours": "`POST /token` 发出的访问令牌最长有效多久。",
    "refresh_token_days": "访问令牌在多久之内可以续期；其会话也保留这么久。",
    "receive_daily_credits": "每天为每个存储账号领取一次免费积分。",
    "public_url": "调用方访问网关的地址；网关自己判断不对时设置。",
    "log_level": "记录日志的最低级别。",
    "log_format": "给人看（text），或给程序读（json）。",
    "default_image_model": "OpenAI 的模型名，以及没有指定模型的请求，所用的模型。",
    "default_video_model": "视频的同类设置：`sora-2` 以及没有指定模型的请求所用的模型。",
    "default_n": "没有 `n` 的请求返回几张；不设时，OpenAI 的模型名返回一张，其他返回画出的全部。",
    "response_format": "没有指定形式的请求以何种形式返回结果；不设时，按调用方的习惯。",
    "list_openai_aliases": "在模型列表中列出 OpenAI 的模型名。",
    "chat_progress": "在对话的流中，以 `reasoning_content` 告知任务的进度。",
    "cors_origins": "允许调用的网页来源：`*`、一个列表，或空。",
    "trusted_proxies": "哪些地址发来的 X-Forwarded 请求头可信。",
    "max_body_bytes": "不接受图片的请求，其请求体的上限。",
    "receive_seconds": "调用方发完整个请求的时限。",
    "wait_seconds": "阻塞的调用最多等待任务多久。",
    "heartbeat_seconds": "事件流上两次心跳的间隔。",
    "job_seconds": "图片任务超过这个时长即放弃。",
    "film_seconds": "视频任务超过这个时长即放弃：排队一小时的情况出现过。",
    "collect_late_hours": "任务被放弃之后，它的结果还会收取多久（小时）。",
    "keep_jobs_days": "任务结束后保留多少天；`none` 表示永久。至少与它的媒体文件一样久。",
    "keep_media_days": "结果保留多少天，链接也在此期间有效；`none` 表示永久。",
    "keep_keys_hours": "任务结束后，Idempotency-Key 还有效多久（小时）。",
    "fetch_allow": "调用方的 URL 可以指向的公网以外的地方：主机:端口，用逗号分隔。",
    "upstream_url": "代替所有站点所有主机的一个地址：模拟器或测试替身。",
    "proxies": "访问各站点及其结果所用的代理（http、https、socks5）：站点=http://主机:端口。",
    "confirmation_seconds": "提交没有得到回答时，向上游查询多久。",
    "busy_seconds": "账号忙于网关之外的任务时，每次重新尝试之前的等待。",
    "images_at_once": "每个账号同时进行的图片任务上限；不设：由上游的回答学得。",
    "films_at_once": "每个账号同时进行的视频任务上限；不设：由上游的回答学得。",
    "waiting_per_key": "一个密钥最多可有多少任务排队等待空闲账号。",
    "waiting": "总共最多可有多少任务排队等待空闲账号。",
    "catalogue_hours": "站点被使用时，每隔多少小时询问一次它的模型和价格；`none`：从不。",
    "poll_ids": "一次调用最多查询多少个任务。",
    # what the upstream expects of its clients
    "appvr": "自 2026-01-27 起，此前为 5.8.0 [A]",
    "app_sdk_version": "自 2026-02-19 起 [A]",
    "web_version": "自 2025-11 起，此前为 6.6.0 [A]",
    "da_version": "自 2026-09-24 起；2026-06 为 3.3.20，2026-02 为 3.3.9 [A]",
    "draft_version": "空：按模型所在行的值，行中没有时用 da_version [A]",
    "draft_min_version": "空：按模型所在行的值 [A]",
    "component_min_version": "草稿中唯一组件的版本，自 2024-12 起 [A]",
    "video_component_min_version": "视频草稿中唯一组件的版本，自 2025-09 起 [A]",
    "blend_min_version": "带输入图片的草稿的版本，自 2025-11 起；3.0.2 也可以 [A]",
    "blend_mark": "每张输入图片在提示词前加一个，自 2025-11 起；空也可以 [B]",
    "sign_head": "自 2024-12-12 起 [A]",
    "sign_tail": "自 2024-12-12 起 [A]",
    "sign_version": "自 2024-12-12 起 [A]",
    "pf": "平台编号，也是签名的一部分，自 2024-12-12 起 [A]",
    "tdid": "自 2026-02-19 起，也是签名的一部分 [A]",
    "device_platform": "自 2024-12 起 [A]",
    "os": "自 2026-01-30 起 [A]",
    "web_component_open_flag": "自 2026-02-11 起；空：不发送 [A]",
    "aigc_features": "自 2025-11 起；空：不发送 [A]",
    "sends_web_id": "只发给所在行要求它的站点（仅 CN），自 2025-09 起 [A]",
    "sends_commerce_with_input_video": "生成时发送，自 2026-04 起 [A]",
    "sends_babi_param": "生成时发送；两位观察者中有一位需要它（2026-09）[B]",
    "upload_token_seconds": "上传令牌未说明有效期时所用的有效期，2026-11 [C]",
    "checks_uploads": "使用上传的图片之前请站点检查内容，仅限所在行要求的站点（CN），自 2026-02-11 起 [B]",
    "user_agent": "任何当前的 Chrome 均可，系统须与 `os` 一致 [A]",
    "accept_language": "自 2024-12 起，所有站点 [A]",
    "session_days": "cookie sid_guard 声称的有效天数；浏览器中为 60 或 365 [A]",
    "mweb_url": "各行的值自 2025-11 起；US [B]，其他 [A]",
    "commerce_url": "各行的值自 2025-11 起；US [B]，其他 [A]",
    "imagex_url": "各行的值自 2025-11 起；US [B]，其他 [A]",
    "vod_url": "给视频和音频分配上传位置的主机，自 2026-02 起；CN [A]，其他未知",
    "app_id": "CN 为 513695，其他为 513641，2025-11 [A]",
    "upload_hosts": "上传的数据可以发往的域名；CN [A]，SG [B]，其他 [C]",
    "loc": "小写；有一个新加坡的浏览器发送的是 “SG” [B]",
}


def parts(language: str) -> dict[str, str]:
    if unknown := _CHINESE.keys() - {*Settings.model_fields, *Constants.__dataclass_fields__}:
        raise SystemExit(
            f"scripts/tables/settings.py tells of {', '.join(unknown)}: no such setting"
        )
    return {
        "settings": table(_TITLES[language], _settings(language)),
        "upstream-settings": table(_TITLES[language], _constants(language)),
    }


def _settings(language: str) -> Iterator[list[str]]:
    for name, field in Settings.model_fields.items():
        if name == "upstream":  # has a table of its own
            continue
        default = _COMPUTED.get(name) or _value(field.default, language)
        yield _row(
            name, PREFIX, _takes(name, field.annotation), default, field.description or "", language
        )


def _constants(language: str) -> Iterator[list[str]]:
    said = _comments(Constants)
    defaults = Constants()
    for field in dataclasses.fields(Constants):
        takes = _takes(field.name, _annotation(field.name))
        default = _value(getattr(defaults, field.name), language)
        yield _row(field.name, NESTED, takes, default, said.get(field.name, ""), language)


def _row(
    name: str, prefix: str, takes: str, default: str, english: str, language: str
) -> list[str]:
    said = {"en": english, "zh": _CHINESE.get(name, "")}[language]
    if not said:
        where = "the setting itself" if language == "en" else "scripts/tables/settings.py"
        raise SystemExit(
            f"the setting {name} has no description ({language}): it belongs to {where}"
        )
    words = _WORDS[language]
    return [code(name), code(prefix + name.upper()), words.get(takes, takes), default, said]


def _value(default: object, language: str) -> str:
    if default is None:
        return _WORDS[language]["none"]
    if default in ("", {}):
        return _WORDS[language]["empty"]
    if isinstance(default, bool):
        return code(str(default).lower())
    if isinstance(default, tuple):
        return code(f"[{', '.join(map(str, default))}]")
    return code(default)


def _takes(name: str, annotation: Any) -> str:
    """In a word or two what a setting may be; its choices where there are only some."""
    options = [one for one in _options(annotation) if one is not type(None)]
    if all(get_origin(one) is Literal for one in options):
        return ", ".join(code(value) for one in options for value in get_args(one))
    if options == [bool]:
        return "`true`, `false`"
    number = "seconds" if name.endswith("_seconds") else "number"
    kinds = {int: "whole number", float: number, Path: "path", str: "text", SecretStr: "text"}
    if len(options) == 1 and options[0] in kinds:
        return kinds[options[0]]
    if options == [tuple[float, ...]]:
        return "list of seconds"
    return "one value for each site" if get_origin(annotation) is Mapping else "list"


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, without what `Annotated` adds to them."""
    bare = annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
    if get_origin(bare) in (Union, type(int | None)):
        return tuple(option for one in get_args(bare) for option in _options(one))
    return (bare,)


def _annotation(name: str) -> Any:
    return inspect.get_annotations(Constants, eval_str=True)[name]


def _comments(kind: type) -> dict[str, str]:
    """What stands in comments beside each field of a dataclass."""
    said: dict[str, str] = {}
    name = ""
    lines = inspect.getsource(kind)
    for token in tokenize.generate_tokens(io.StringIO(lines).readline):
        before = token.line[: token.start[1]].strip()
        if token.type == tokenize.NAME and not before and token.start[1] == 4:
            name = token.string
        elif token.type == tokenize.COMMENT and before:
            said[name] = f"{said.get(name, '')} {token.string.lstrip('# ')}".strip()
    return said
