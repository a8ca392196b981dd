from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from jimeng_api.catalog.sites import CN, HK, JP, SG, SITES, US, Site
from jimeng_api.domain.errors import InvalidKey
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.envelope import (
    CREDITS,
    GENERATE,
    GRANT,
    HISTORY,
    LOGIN_STATE,
    Plane,
    envelope,
    sign,
    web_id_of,
)

NEW_YEAR = 1767225600  # 2026-01-01T00:00:00Z
SESSION = Secret("0123456789abcdef0123456789abcdef")
EVERY_SITE = list(SITES.values())


def ask(
    path: str = GENERATE,
    *,
    site: Site = CN,
    session: Secret = SESSION,
    constants: Constants | None = None,
    at: int = NEW_YEAR,
    origin: str | None = None,
    model: str = "",
    film: bool = False,
) -> tuple[str, dict[str, str], dict[str, list[str]]]:
    url, headers = envelope(
        site,
        session,
        path,
        constants=constants or Constants(),
        device_time=at,
        web_id=web_id_of(session),
        origin=origin,
        model=model,
        film=film,
    )
    return url, headers, parse_qs(urlsplit(url).query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("path", "appvr", "expected"),
    [
        ("/mweb/v1/aigc_draft/generate", "8.4.0", "050615d4bfc9047fbab2a4393676b3db"),
        ("/mweb/v1/get_history_by_ids", "8.4.0", "3b5cfd6fb9927965b97c9abcc4cec558"),
        ("/commerce/v1/benefits/user_credit", "8.4.0", "ba5c5e8a03c9a11f3c7ffda27ec80565"),
        ("/mweb/v1/get_upload_token", "8.4.0", "e9367e934d9c365cb4a1aeb93600aa0b"),
        ("/commerce/v1/benefits/credit_receive", "8.4.0", "376ae03d335ea079200bbec571187a5a"),
        ("/passport/account/info/v2", "8.4.0", "3f830e4f00a23aa56139e6465aef81c7"),
        ("/mweb/v1/aigc_draft/generate", "5.8.0", "3c82dda9a236d5cb3671cfa32a5de91e"),
    ],
)
def test_a_path_is_signed_as_the_page_signs_it(path: str, appvr: str, expected: str) -> None:
    assert sign(path, appvr=appvr, device_time=NEW_YEAR) == expected


def test_every_part_of_the_signature_can_be_set() -> None:
    plain = sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR)
    others = {
        sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR, pf="8"),
        sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR, tdid="1"),
        sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR, head="0000"),
        sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR, tail="0000"),
        sign(GENERATE, appvr="8.4.0", device_time=NEW_YEAR + 1),
    }
    assert len(others | {plain}) == 6


def test_a_generation_on_the_chinese_site_is_addressed_completely() -> None:
    url, headers, query = ask(GENERATE)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "jimeng.jianying.com", GENERATE)
    assert query == {
        "aid": ["513695"],
        "device_platform": ["web"],
        "region": ["cn"],
        "webId": [web_id_of(SESSION)],
        "da_version": ["3.3.28"],
        "os": ["windows"],
        "web_component_open_flag": ["1"],
        "web_version": ["7.5.0"],
        "aigc_features": ["app_lip_sync"],
        "commerce_with_input_video": ["1"],
    }
    assert {name: value for name, value in headers.items() if name != "cookie"} == {
        "accept": "application/json, text/plain, */*",
        "accept-language": "zh-CN,zh;q=0.9",
        "content-type": "application/json",
        "appid": "513695",
        "appvr": "8.4.0",
        "pf": "7",
        "app-sdk-version": "48.0.0",
        "lan": "zh-Hans",
        "loc": "cn",
        "tdid": "",
        "device-time": "1767225600",
        "sign": "050615d4bfc9047fbab2a4393676b3db",
        "sign-ver": "1",
        "origin": "https://jimeng.jianying.com",
        "referer": "https://jimeng.jianying.com/ai-tool/generate?type=image",
        "user-agent": Constants().user_agent,
    }


def test_the_cookies_are_those_that_every_client_sends() -> None:
    _, headers, _ = ask()
    cookies = dict(part.split("=", 1) for part in headers["cookie"].split("; "))
    sid = SESSION.reveal()
    user = cookies.pop("uid_tt")
    assert len(user) == 32
    assert set(user) <= set("0123456789abcdef")
    assert cookies == {
        "_tea_web_id": web_id_of(SESSION),
        "is_staff_user": "false",
        "sid_guard": f"{sid}%7C1767225600%7C5184000%7CMon%2C%2002-Mar-2026%2000%3A00%3A00%20GMT",
        "uid_tt_ss": user,
        "sid_tt": sid,
        "sessionid": sid,
        "sessionid_ss": sid,
    }


def test_an_account_shows_the_same_cookies_all_day() -> None:
    morning, evening = ask(at=NEW_YEAR), ask(at=NEW_YEAR + 80000)
    assert morning[1]["cookie"] == evening[1]["cookie"]


def test_the_web_id_has_19_digits_and_belongs_to_the_session() -> None:
    ids = {web_id_of(Secret(f"{n:032x}")) for n in range(200)}
    assert len(ids) == 200
    assert all(len(id_) == 19 and id_.isdecimal() and id_[0] == "7" for id_ in ids)
    assert web_id_of(SESSION) == web_id_of(Secret(SESSION.reveal())) == "7326635574210525528"


@pytest.mark.parametrize(
    ("site", "host", "commerce", "region", "lan", "loc"),
    [
        (CN, "jimeng.jianying.com", "jimeng.jianying.com", "cn", "zh-Hans", "cn"),
        (US, "dreamina-api.us.capcut.com", "commerce.us.capcut.com", "US", "en", "us"),
        (HK, "mweb-api-sg.capcut.com", "commerce-api-sg.capcut.com", "HK", "en", "hk"),
        (JP, "mweb-api-sg.capcut.com", "commerce-api-sg.capcut.com", "JP", "ja", "jp"),
        (SG, "mweb-api-sg.capcut.com", "commerce-api-sg.capcut.com", "SG", "en", "sg"),
    ],
)
def test_each_site_has_hosts_and_a_region_of_its_own(
    site: Site, host: str, commerce: str, region: str, lan: str, loc: str
) -> None:
    url, headers, query = ask(HISTORY, site=site)
    assert urlsplit(url).netloc == host
    assert urlsplit(ask(CREDITS, site=site)[0]).netloc == commerce
    assert query["region"] == [region]
    assert query["aid"] == [headers["appid"]] == ["513695" if site is CN else "513641"]
    assert (headers["lan"], headers["loc"]) == (lan, loc)
    assert headers["x-platform"] == "pc"
    assert ("webId" in query) is (site is CN)


@pytest.mark.parametrize("site", EVERY_SITE)
def test_commerce_is_asked_without_a_query_as_the_page_does(site: Site) -> None:
    url, headers, _ = ask(CREDITS, site=site)
    assert "?" not in url
    assert "app-sdk-version" not in headers
    assert "loc" not in headers
    assert headers["sign"] == "ba5c5e8a03c9a11f3c7ffda27ec80565"


def test_commerce_is_asked_from_the_page_that_shows_credits() -> None:
    assert ask(CREDITS)[1]["referer"] == "https://jimeng.jianying.com/ai-tool/image/generate"
    assert ask(GRANT)[1]["referer"] == "https://jimeng.jianying.com/ai-tool/home"
    assert ask(CREDITS, site=SG)[1]["referer"] == "https://dreamina.capcut.com/"


def test_the_passport_is_asked_with_its_own_parameter() -> None:
    url, headers, query = ask(LOGIN_STATE)
    assert Plane.of(LOGIN_STATE) is Plane.PASSPORT
    assert urlsplit(url).netloc == "jimeng.jianying.com"
    assert query["account_sdk_source"] == ["web"]
    assert headers["sign"] == "3f830e4f00a23aa56139e6465aef81c7"


@pytest.mark.parametrize("path", [GENERATE, HISTORY, CREDITS, LOGIN_STATE])
@pytest.mark.parametrize("site", EVERY_SITE)
def test_one_origin_may_stand_in_for_every_host(site: Site, path: str) -> None:
    url, headers, _ = ask(path, site=site, origin="http://127.0.0.1:5199/")
    assert url.startswith(f"http://127.0.0.1:5199{path}")
    assert headers["origin"] == site.page_origin


def test_only_a_generation_says_that_it_may_hold_a_film() -> None:
    assert "commerce_with_input_video" not in ask(HISTORY)[2]


def test_constants_replace_what_the_rows_and_defaults_say() -> None:
    constants = Constants(
        appvr="9.0.0",
        web_component_open_flag="",
        sends_web_id=False,
        sends_commerce_with_input_video=False,
        mweb_url={"us": "https://new.example"},
        commerce_url={"us": "https://money.example"},
        app_id={"us": 1},
        loc={"us": "US"},
    )
    url, headers, query = ask(GENERATE, site=US, constants=constants)
    assert urlsplit(url).netloc == "new.example"
    assert urlsplit(ask(CREDITS, site=US, constants=constants)[0]).netloc == "money.example"
    assert (
        urlsplit(ask(GENERATE, site=HK, constants=constants)[0]).netloc == "mweb-api-sg.capcut.com"
    )
    assert (headers["appid"], headers["loc"], headers["appvr"]) == ("1", "US", "9.0.0")
    assert headers["sign"] == sign(GENERATE, appvr="9.0.0", device_time=NEW_YEAR)
    assert query["aid"] == ["1"]
    unsent = {"web_component_open_flag", "webId", "commerce_with_input_video", "babi_param"}
    assert not unsent & set(query)
    assert "webId" not in ask(GENERATE, constants=constants)[2]


def test_where_on_the_page_a_generation_began_is_told_if_wished() -> None:
    constants = replace(Constants(), sends_babi_param=True)
    _, _, query = ask(GENERATE, constants=constants, model="high_aes_general_v50")
    assert json.loads(query["babi_param"][0]) == {
        "scenario": "image_video_generation",
        "feature_key": "aigc_to_image",
        "feature_entrance": "to-generate",
        "feature_entrance_detail": "to-generate-high_aes_general_v50",
    }
    assert "babi_param" not in ask(HISTORY, constants=constants)[2]


@pytest.mark.parametrize(
    "text", ["", "a b", "a;b=c", "a\r\nX: y", 'a"b', "a,b", "a\\b", "é", "\ud800"]
)
def test_a_session_that_would_break_the_cookie_is_refused_without_being_named(text: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        ask(session=Secret(text))
    if text:
        assert text not in caught.value.message


@pytest.mark.parametrize("path", [GENERATE, HISTORY, CREDITS, LOGIN_STATE])
@pytest.mark.parametrize("site", EVERY_SITE)
def test_the_session_is_in_the_cookie_and_nowhere_else(site: Site, path: str) -> None:
    url, headers, _ = ask(path, site=site)
    cookie = headers.pop("cookie")
    assert SESSION.reveal() in cookie
    assert SESSION.reveal() not in url + repr(headers)


@pytest.mark.parametrize("site", [CN, SG], ids=["cn", "sg"])
def test_films_are_asked_for_from_their_own_page(site: Site) -> None:
    _, headers, query = ask(site=site, film=True)
    assert headers["referer"] == f"{site.page_origin}/ai-tool/generate?type=video"
    assert query["commerce_with_input_video"] == ["1"]
    constants = replace(Constants(), sends_babi_param=True)
    _, _, query = ask(site=site, film=True, constants=constants, model="dreamina_seedance_40")
    assert json.loads(query["babi_param"][0]) == {
        "scenario": "image_video_generation",
        "feature_key": "aigc_to_video",
        "feature_entrance": "to_video",
        "feature_entrance_detail": "to_video-dreamina_seedance_40",
    }
