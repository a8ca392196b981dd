"""What every request carries: address, query, cookies, headers, signature. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import md5, sha256
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from jimeng_api.catalog.sites import Site
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.constants import Constants

GENERATE: Final = "/mweb/v1/aigc_draft/generate"
HISTORY: Final = "/mweb/v1/get_history_by_ids"
QUEUE: Final = "/mweb/v1/get_history_queue_info"
USER: Final = "/mweb/v1/get_user_info"
LOCAL_ITEMS: Final = "/mweb/v1/get_local_item_list"
UPLOAD_TOKEN: Final = "/mweb/v1/get_upload_token"  # noqa: S105 - a path
CONTENT_CHECK: Final = "/mweb/v1/algo_proxy"
CREDITS: Final = "/commerce/v1/benefits/user_credit"
CREDIT_HISTORY: Final = "/commerce/v1/benefits/user_credit_history"
GRANT: Final = "/commerce/v1/benefits/credit_receive"
IMAGE_MODELS: Final = "/mweb/v1/get_common_config"
VIDEO_MODELS: Final = "/mweb/v1/video_generate/get_common_config"
PRICES: Final = "/commerce/v3/resource/benefit_metadata"
MEMBERSHIP: Final = "/commerce/v1/subscription/user_info"
LOGIN_STATE: Final = "/passport/account/info/v2"


class Plane(Enum):
    """A family of endpoints: each has its own host, headers and shape of answer."""

    MWEB = "mweb"
    COMMERCE = "commerce"
    PASSPORT = "passport"

    @classmethod
    def of(cls, path: str) -> Plane:
        return cls(path.split("/", 2)[1])


def sign(
    path: str,
    *,
    appvr: str,
    device_time: int,
    pf: str = "7",
    tdid: str = "",
    head: str = "9e2c",
    tail: str = "11ac",
) -> str:
    """The header `sign`: depends on the path's last seven characters, not on session, query or body."""
    parts = (head, path[-7:], pf, appvr, str(device_time), tdid, tail)
    return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def web_id_of(session: Secret) -> str:
    """The 19 digits by which the site knows a browser: the same for the same session, always."""
    return str(7 * 10**18 + _number_of("web id", session) % (6 * 10**17))


def envelope(
    site: Site,
    session: Secret,
    path: str,
    *,
    constants: Constants,
    device_time: int,
    web_id: str,
    model: str = "",
    film: bool = False,
    origin: str | None = None,
) -> tuple[str, dict[str, str]]:
    """The URL and the headers of one call.

    `origin` stands in for every host; `model` is the upstream's key of it, `film` says what it makes.
    """
    plane = Plane.of(path)
    address = (origin or _host(site, plane, constants)).rstrip("/") + path
    query = _query(site, path, plane, constants, web_id, model, film=film)
    url = f"{address}?{urlencode(query)}" if query else address
    return url, _headers(site, session, path, plane, constants, device_time, web_id, film=film)


def _host(site: Site, plane: Plane, constants: Constants) -> str:
    if plane is Plane.COMMERCE:
        return constants.commerce_url.get(site.name, site.commerce_url)
    return constants.mweb_url.get(site.name, site.mweb_url)


def _query(
    site: Site,
    path: str,
    plane: Plane,
    constants: Constants,
    web_id: str,
    model: str,
    *,
    film: bool,
) -> dict[str, str]:
    if plane is Plane.COMMERCE:
        return {}  # as the page itself does
    query = {"account_sdk_source": "web"} if plane is Plane.PASSPORT else {}
    query |= {
        "aid": str(_app_id(site, constants)),
        "device_platform": constants.device_platform,
        "region": site.region,
    }
    if site.sends_web_id and constants.sends_web_id:
        query["webId"] = web_id
    query |= {
        "da_version": constants.da_version,
        "os": constants.os,
        "web_component_open_flag": constants.web_component_open_flag,
        "web_version": constants.web_version,
        "aigc_features": constants.aigc_features,
    }
    if path == GENERATE:
        if constants.sends_commerce_with_input_video:
            query["commerce_with_input_video"] = "1"
        if constants.sends_babi_param:
            place = {"feature": "aigc_to_video", "entrance": "to_video"} if film else {}
            query["babi_param"] = _babi_param(model, **place)
    if path == CONTENT_CHECK:
        query["babi_param"] = _babi_param("algo_proxy")
    return {name: value for name, value in query.items() if value}


def _babi_param(
    detail: str, *, feature: str = "aigc_to_image", entrance: str = "to-generate"
) -> str:
    """Where on the page the request came from, as the page itself says it."""
    return msgspec.json.encode(
        {
            "scenario": "image_video_generation",
            "feature_key": feature,
            "feature_entrance": entrance,
            "feature_entrance_detail": f"{entrance}-{detail}" if detail else entrance,
        }
    ).decode()


def _headers(
    site: Site,
    session: Secret,
    path: str,
    plane: Plane,
    constants: Constants,
    device_time: int,
    web_id: str,
    *,
    film: bool,
) -> dict[str, str]:
    headers = {
        "accept": "application/json, text/plain, */*",
        "accept-language": constants.accept_language,
        "content-type": "application/json",
        "appid": str(_app_id(site, constants)),
        "appvr": constants.appvr,
        "pf": constants.pf,
        "lan": site.lan,
        "tdid": constants.tdid,
        "device-time": str(device_time),
        "sign": sign(
            path,
            appvr=constants.appvr,
            device_time=device_time,
            pf=constants.pf,
            tdid=constants.tdid,
            head=constants.sign_head,
            tail=constants.sign_tail,
        ),
        "sign-ver": constants.sign_version,
        "origin": site.page_origin,
        "referer": site.page_origin + _page(site, path, plane, film=film),
        "user-agent": constants.user_agent,
        "cookie": _cookies(session, constants, device_time, web_id),
    }
    if plane is not Plane.COMMERCE:
        headers["app-sdk-version"] = constants.app_sdk_version
        headers["loc"] = constants.loc.get(site.name, site.loc)
    if path == HISTORY:
        headers["x-platform"] = "pc"
    return headers


def _page(site: Site, path: str, plane: Plane, *, film: bool) -> str:
    """The page that a browser would stand on when it makes this call."""
    if plane is not Plane.COMMERCE:
        return f"/ai-tool/generate?type={'video' if film else 'image'}"
    if site.name != "cn":
        return "/"  # the international commerce host refuses calls that come from nowhere
    return "/ai-tool/home" if path == GRANT else "/ai-tool/image/generate"


def _app_id(site: Site, constants: Constants) -> int:
    return constants.app_id.get(site.name, site.app_id)


def _cookies(session: Secret, constants: Constants, device_time: int, web_id: str) -> str:
    """Only `sessionid` is needed; the others are those which every client sends."""
    sid = session.reveal()
    if not _COOKIE_VALUE.fullmatch(sid):
        raise InvalidKey("The session holds characters that no session of this upstream has.")
    # By the day, so that an account does not look as if it had signed in anew at every request.
    since = datetime.fromtimestamp(device_time - device_time % 86400, tz=UTC)
    until = since + timedelta(days=constants.session_days)
    day, month = _DAYS[until.weekday()], _MONTHS[until.month - 1]
    expiry = f"{day}, {until:%d}-{month}-{until:%Y %H:%M:%S} GMT"
    lifetime = constants.session_days * 86400
    user = f"{_number_of('user token', session):032x}"[:32]
    cookies = {
        "_tea_web_id": web_id,
        "is_staff_user": "false",
        "sid_guard": quote(f"{sid}|{int(since.timestamp())}|{lifetime}|{expiry}", safe=""),
        "uid_tt": user,
        "uid_tt_ss": user,
        "sid_tt": sid,
        "sessionid": sid,
        "sessionid_ss": sid,
    }
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _number_of(purpose: str, session: Secret) -> int:
    """A number that tells nothing of the session it is drawn from."""
    return int.from_bytes(
        sha256(f"{purpose}|{session.reveal()}".encode("utf-8", "replace")).digest()
    )


_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]+")
_DAYS = (
    "Mon",
    "Tue",
    "Wed",
    "Thu",
    "Fri",
    "Sat",
    "Sun",
)  # strftime would follow the machine's language
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
