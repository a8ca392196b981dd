"""The tables of errors: how each looks to a caller, what it cost, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jimeng_api.domain import errors
from jimeng_api.domain.errors import GatewayError
from jimeng_api.web.errors import LOOKS
from tables.markdown import code, table

# The tables of a page, and the branches of the tree that each of them shows.
TABLES: Mapping[str, tuple[type[GatewayError], ...]] = {
    "request": (errors.InvalidRequest,),
    "key": (errors.InvalidKey, errors.KeyRestricted),
    "account": (errors.AccountUnusable,),
    "upstream": (errors.UpstreamTrouble, errors.UpstreamChanged),
    "generation": (
        errors.SubmissionUncertain,
        errors.SubmissionUnconfirmed,
        errors.GenerationFailed,
        errors.JobCancelled,
    ),
    "gateway": (
        errors.GatewayBusy,
        errors.JobStillRunning,
        errors.RequestTimedOut,
        errors.InternalError,
    ),
}

_TITLES = {
    "en": (
        "code",
        "HTTP",
        "type",
        "credits",
        "sent again by clients",
        "what happened, and what to do",
    ),
    "zh": ("code", "HTTP", "type", "积分", "客户端自动重发", "发生了什么，怎么办"),
}
_CHARGES = {
    "en": {"none": "not charged", "charged": "charged", "unknown": "not known"},
    "zh": {"none": "未扣", "charged": "已扣", "unknown": "不确定"},
}
_RESENT = {"en": ("yes", "yes, after {} s", "no"), "zh": ("是", "是，{} 秒后", "否")}

# By code: what happened and what to do, in English and in Chinese.
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "missing_required_parameter": (
        "A parameter that is needed is absent or empty; `param` names it.",
        "缺少必需的参数，或其为空；`param` 给出名称。",
    ),
    "invalid_value": (
        "A parameter has a value that it does not take; the message lists what it takes.",
        "参数的取值无效；消息里列出可用的取值。",
    ),
    "unsupported_parameter": (
        "A parameter that would change the result cannot be served here. It is refused rather than ignored, "
        "since the wrong picture would cost as much as the right one.",
        "某个会影响结果的参数在此无法满足。之所以拒绝而不是忽略，是因为画错同样要花积分。",
    ),
    "unsupported_value": (
        "No model can do what the parameter asks for.",
        "没有模型能做到该参数的要求。",
    ),
    "malformed_body": (
        "The body, or the request itself, is not what HTTP and JSON allow: no JSON object, a name twice, "
        "NaN, half a surrogate pair, more than 32 levels.",
        "请求体或请求本身不合规：不是 JSON 对象、键重复、NaN、半个代理对、嵌套超过 32 层。",
    ),
    "request_too_large": ("The body is larger than the gateway takes.", "请求体超过网关的上限。"),
    "headers_too_large": ("There are too many headers, or too large ones.", "请求头过多或过大。"),
    "model_not_found": (
        "There is no such model; the message names similar ones.",
        "没有这个模型；消息里给出相近的名称。",
    ),
    "model_not_on_site": (
        "None of the sites of this key has the model. Send a session of a site that has it, or take one of "
        "the models in the message.",
        "该密钥所在的站点都没有这个模型。请改用有该模型的站点的会话，或使用消息里列出的模型。",
    ),
    "moderation_blocked": (
        "The upstream refuses the prompt, an input or the result. Change the prompt; nothing else helps.",
        "上游拒绝了提示词、输入或结果。只有修改提示词才有用。",
    ),
    "not_found": (
        "There is no such route, job or file. A job of another key looks the same.",
        "没有这个路由、任务或文件。别的密钥的任务也是同样的回答。",
    ),
    "video_not_ready": (
        "The content of a video was asked for that is not finished, or that failed. Look at the video until "
        "its `status` is `completed`.",
        "请求了尚未完成或已失败的视频的内容。请继续查看该视频，直到 `status` 为 `completed`。",
    ),
    "method_not_allowed": (
        "The route exists, the method does not; `Allow` lists those that do.",
        "路由存在，但不支持该方法；`Allow` 列出可用的方法。",
    ),
    "idempotency_key_reused": (
        "The `Idempotency-Key` came with another request before. Send a new key with a new request; the "
        "message names the job of the earlier one.",
        "该 `Idempotency-Key` 曾与另一个请求一起发送。新的请求请使用新的键；消息里给出先前请求的任务。",
    ),
    "job_already_ended": (
        "There is nothing left to cancel: the job ended before. `GET /v1/jobs/{id}` shows how.",
        "没有可取消的：任务先前已经结束。`GET /v1/jobs/{id}` 可查看结果。",
    ),
    "invalid_api_key": (
        "There is no key, it holds no session, or it is a key of this gateway that was revoked or has "
        "expired. Send `Authorization: Bearer <sessionid>`, or a good key of this gateway.",
        "没有密钥、密钥里没有会话，或者是本网关已吊销、已过期的密钥。"
        "请发送 `Authorization: Bearer <sessionid>`，或本网关的有效密钥。",
    ),
    "key_not_permitted": (
        "The key may not do this: its issuer has limited its models, or it is the admin key, which has no "
        "accounts. The message says which; whoever issued the key can issue another.",
        "该密钥无权这样做：签发者限制了它可用的模型，或者它是管理密钥，没有账号。消息里说明原因；请向签发者申请另一个。",
    ),
    "rate_limit_exceeded": (
        "The key has reached its requests per minute, or its unfinished jobs. `Retry-After` says when to try "
        "again; nothing was submitted.",
        "该密钥达到了每分钟请求数或未完成任务数的上限。`Retry-After` 给出何时重试；没有提交任何任务。",
    ),
    "upstream_session_expired": (
        "The site no longer accepts the session. Sign in there again and send the new one.",
        "站点不再接受该会话。请重新登录并使用新的会话。",
    ),
    "insufficient_quota": (
        "The account has too few credits. Buy or collect some, or send another account.",
        "账号积分不足。请充值或领取，或换一个账号。",
    ),
    "upstream_daily_limit": (
        "The account has reached its limit for today. `Retry-After` says when the day ends there.",
        "账号已达到当日上限。`Retry-After` 给出当地一天结束的时间。",
    ),
    "account_busy": (
        "The account has too much in work. Try later, or send more than one session.",
        "账号同时进行的任务太多。请稍后再试，或发送多个会话。",
    ),
    "upstream_rate_limited": (
        "The site asks to be called less often. Try later.",
        "站点要求降低调用频率。请稍后再试。",
    ),
    "model_not_available": (
        "The site has the model, but not for this account: a membership is missing.",
        "站点有该模型，但该账号无权使用：需要会员。",
    ),
    "upstream_region_refused": (
        "The site does not serve the place that the gateway calls from.",
        "站点不为网关所在的地区提供服务。",
    ),
    "upstream_consent_required": (
        "The account's owner must first agree to something on the site's own page.",
        "账号的主人需要先在站点的网页上同意某项条款。",
    ),
    "upstream_risk_control": (
        "The site suspects the account or the way it is used. This is reported and never worked around: its "
        "owner should look at the site's own page, and wait.",
        "站点对账号或其使用方式有所怀疑。网关只如实报告，绝不规避：请账号的主人到站点网页上查看，并等待。",
    ),
    "upstream_unreachable": (
        "The site cannot be reached. Nothing was sent. Where it has failed for a while, this is told at once "
        "and `Retry-After` says when the site is tried again.",
        "无法连接站点，什么都没有发送。若已失败一段时间，会立即这样回答，`Retry-After` 给出再试的时间。",
    ),
    "upstream_maintenance": (
        "The site is closed for maintenance.",
        "站点正在维护。",
    ),
    "proxy_error": (
        "The gateway's proxy for this site refuses, or cannot be reached. Nothing was sent. The operator "
        "should look at it.",
        "网关访问该站点所用的代理拒绝连接，或无法连接。什么都没有发送。请运营者检查。",
    ),
    "upload_failed": (
        "An input could not be brought to the site.",
        "输入文件未能上传到站点。",
    ),
    "upstream_unknown_code": (
        "The site answered with a code that the gateway does not know; `upstream` has it. Please report it.",
        "站点返回了网关不认识的代码，见 `upstream`。请反馈。",
    ),
    "upstream_protocol_changed": (
        "The site has changed and no longer understands the gateway, or the other way round. An update is "
        "needed.",
        "站点有变化，双方不再互相理解。需要更新网关。",
    ),
    "submission_uncertain": (
        "The request was sent and no verdict came; the gateway is asking the site. It is never sent again.",
        "请求已发出但没有得到结论；网关正在向站点查询，绝不重发。",
    ),
    "submission_unconfirmed": (
        "The request was sent, and the site never said that it has it. Look at the site's own page before "
        "asking again: it may have been charged.",
        "请求已发出，但站点始终没有确认。再次请求前请先到站点网页上查看：可能已经扣费。",
    ),
    "generation_timeout": (
        "The site did not finish in time. Look at its own page before asking again: it may still.",
        "站点没有按时完成。结果之后仍可能出现在站点上：再次请求前请先到站点网页上查看。",
    ),
    "job_lost_upstream": (
        "The site no longer knows the job.",
        "站点不再认得该任务。",
    ),
    "job_cancelled": (
        "The job was cancelled. Nothing was charged where nothing had been sent; `charge` says so. What the "
        "upstream had by then may be charged as usual, and its result is kept with the job.",
        "任务已被取消。若尚未发送，则没有扣除积分，`charge` 会说明。上游当时已接受的部分可能照常扣分，"
        "其结果保留在任务里。",
    ),
    "result_corrupt": (
        "The result could not be fetched whole, or is not what it says it is.",
        "结果无法完整取回，或与其声称的不符。",
    ),
    "result_rejected": (
        "The result's link leads somewhere that results do not come from, and was not followed.",
        "结果的链接指向不该出现的地址，网关没有访问。",
    ),
    "overloaded": (
        "The gateway has too much to do: all its connections are in use. Nothing was sent.",
        "网关过于繁忙：所有连接都在使用中。什么都没有发送。",
    ),
    "storage_unavailable": (
        "The gateway cannot read or write its own data at the moment.",
        "网关暂时无法读写自己的数据。",
    ),
    "shutting_down": (
        "The gateway is stopping. A job that it took goes on after its restart: see `job_id`.",
        "网关正在停止。已接受的任务会在重启后继续：见 `job_id`。",
    ),
    "job_still_running": (
        "The call has waited long enough; the job goes on. Its result will be at `/v1/jobs/{job_id}`.",
        "等待时间已到，任务仍在继续。结果会在 `/v1/jobs/{job_id}`。",
    ),
    "request_timeout": (
        "The request did not arrive in time.",
        "请求没有按时到达。",
    ),
    "internal_error": (
        "A defect of the gateway. Its log has more under the answer's `x-request-id`. Please report it.",
        "网关自身的缺陷。日志中可用回答的 `x-request-id` 查到更多。请反馈。",
    ),
}

# A branch that also happens by itself; here it stands with its leaves.
_OWN: Mapping[type[GatewayError], tuple[str, str]] = {
    errors.GenerationFailed: (
        "The site took the job and did not deliver; `upstream` has its reason.",
        "站点接受了任务但没有交付；原因见 `upstream`。",
    ),
}

_LANGUAGES = ("en", "zh")


def parts(language: str) -> dict[str, str]:
    return {
        f"{name}-errors": table(
            _TITLES[language], (_row(kind, language) for kind in rows(branches))
        )
        for name, branches in TABLES.items()
    }


def rows(branches: tuple[type[GatewayError], ...]) -> Iterator[type[GatewayError]]:
    """The classes of a table: the leaves of its branches, and what happens by itself."""
    for kind in errors.every_error():
        if issubclass(kind, branches) and (kind in _OWN or not kind.__subclasses__()):
            yield kind


def _row(kind: type[GatewayError], language: str) -> list[str]:
    look = LOOKS[kind]
    at_once, later, never = _RESENT[language]
    resent = later.format(f"{look.retry_after:g}") if look.retry_after else at_once
    meaning = _OWN.get(kind) or _MEANINGS.get(kind.code)
    if meaning is None:
        raise SystemExit(
            f"scripts/tables/errors.py has no meaning of {kind.code} in both languages"
        )
    return [
        code(kind.code),
        str(look.status),
        code(look.type),
        _CHARGES[language][kind.charge.value],
        resent if look.resend else never,
        meaning[_LANGUAGES.index(language)],
    ]
