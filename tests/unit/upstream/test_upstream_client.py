from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typing_extensions import override

from jimeng_api.catalog.sites import CN, SG
from jimeng_api.clock import SystemClock
from jimeng_api.domain.errors import (
    AccountBusy,
    ContentRefused,
    GatewayError,
    InvalidKey,
    OutOfCredits,
    ProtocolChanged,
    RateLimited,
    RiskControl,
    SessionExpired,
    SubmissionUncertain,
    UnknownUpstreamCode,
    UpstreamMaintenance,
    UpstreamTrouble,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Stage
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import Broken, NotSent, Request, Response, Stream, TooLarge
from jimeng_api.upstream.client import UpstreamClient
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.envelope import sign

NOW = 1767225600
SID = "0123456789abcdef0123456789abcdef"
SESSION = Secret(SID)
SUBMIT_ID = "11111111-2222-4333-8444-555555555555"
PAYLOAD = b'{"extend":{"root_model":"high_aes_general_v50"},"submit_id":"s"}'
RECORD = {"history_record_id": "135", "submit_id": SUBMIT_ID, "status": 20}

Outcome = Response | Exception | Callable[[Request], Response]


class Door:
    """A transport that answers as it is told and remembers what it was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Response) else outcome(request)

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        raise NotImplementedError


class StandingClock(SystemClock):
    @override
    def now(self) -> float:
        return NOW + 0.75


def response(body: bytes, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def said(data: Any = None, *, ret: Any = "0", status: int = 200, **more: Any) -> Response:
    wrapped = {"ret": ret, "errmsg": "e", "systime": str(NOW), "logid": "L", "data": data}
    return response(json.dumps(wrapped | more).encode(), status)


def client(door: Door, **constants: Any) -> UpstreamClient:
    return UpstreamClient(door, StandingClock(), replace(Constants(), **constants))


async def test_a_submission_goes_out_once_on_a_connection_of_its_own() -> None:
    door = Door(said({"aigc_data": RECORD}))
    progress = await client(door).submit(CN, SESSION, PAYLOAD)
    assert (progress.history_id, progress.stage) == ("135", Stage.WAITING)
    (request,) = door.requests
    assert request.method == "POST"
    assert urlsplit(request.url).path == "/mweb/v1/aigc_draft/generate"
    assert request.body == PAYLOAD
    assert request.fresh
    assert request.timeout == 45
    assert request.max_bytes == 32 * 1024 * 1024
    assert request.headers["device-time"] == str(NOW)


async def test_where_no_connection_was_made_nothing_was_sent() -> None:
    door = Door(NotSent("ClientConnectorError"))
    with pytest.raises(UpstreamUnreachable):
        await client(door).submit(CN, SESSION, PAYLOAD)
    assert len(door.requests) == 1


async def test_a_session_that_cannot_be_sent_never_reaches_the_door() -> None:
    door = Door()
    with pytest.raises(InvalidKey):
        await client(door).submit(CN, Secret("a; b=c"), PAYLOAD)
    assert door.requests == []


AMBIGUOUS: list[Outcome] = [
    Broken("ServerDisconnectedError"),
    Broken("TimeoutError"),
    TooLarge("more than 33554432 bytes"),
    TimeoutError(),
    OSError("reset"),
    RuntimeError("a surprise"),
    response(b"<html>bad gateway</html>", 502, content_type="text/html"),
    response(b"", 500),
    response(b'{"message":"oops"}', 503),
    response(b"<html>passport login</html>", content_type="text/html"),
    response(b"", 302, location="https://jimeng.jianying.com/passport/web/login"),
    response(b"", 302, location="https://elsewhere.example/"),
    response(b"no", 401),
    response(b"no", 403),
    response(b"no", 404),
    response(b""),
    response(b"{"),
    response(b'{"ret":"0"'),
    response(b"\xff\xfe\x00"),
    response(b"[]"),
    response(b'{"errmsg":"success"}'),
    said(None),
    said({"aigc_data": None}),
    said({"aigc_data": {"status": 20, "submit_id": SUBMIT_ID}}),
    said({"aigc_data": RECORD}, status=502),
    said({"aigc_data": RECORD}, ret="2002"),
]


@pytest.mark.parametrize("outcome", AMBIGUOUS)
async def test_without_a_verdict_a_submission_is_uncertain_and_not_repeated(
    outcome: Outcome,
) -> None:
    door = Door(outcome, said({"aigc_data": RECORD}))
    with pytest.raises(SubmissionUncertain) as caught:
        await client(door).submit(CN, SESSION, PAYLOAD)
    assert caught.value.__cause__ is not None
    assert len(door.requests) == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (said(None, ret="1006"), OutOfCredits),
        (said(None, ret=1310), AccountBusy),
        (said(None, ret="1015"), SessionExpired),
        (said(None, ret="1019"), RiskControl),
        (said(None, ret="2038"), ContentRefused),
        (said(None, ret="1014"), ProtocolChanged),
        (said(None, ret="424242"), UnknownUpstreamCode),
        (said({"aigc_data": None, "fail_code": ""}, ret="1057"), RateLimited),
        (said(None, ret="1006", status=500), OutOfCredits),
        (said(None, ret="1310", status=429), AccountBusy),
        (response(b"slow down", 429, retry_after="9"), RateLimited),
    ],
)
async def test_a_refusal_is_a_verdict(outcome: Response, kind: type[GatewayError]) -> None:
    with pytest.raises(GatewayError) as caught:
        await client(Door(outcome)).submit(CN, SESSION, PAYLOAD)
    assert type(caught.value) is kind


async def test_a_look_asks_for_all_jobs_at_once_and_for_nothing_else() -> None:
    data = {
        "s1": {**RECORD, "submit_id": "s1", "status": 42},
        "h1": {**RECORD, "history_record_id": "h1", "status": 50},
        "stranger": RECORD,
    }
    door = Door(said(data))
    looks = await client(door).look(CN, SESSION, submit_ids=["s1", "s2", "s1"], history_ids=["h1"])
    assert {id_: progress.stage for id_, progress in looks.items()} == {
        "s1": Stage.RUNNING,
        "h1": Stage.DONE,
    }
    (request,) = door.requests
    assert json.loads(request.body or b"") == {"submit_ids": ["s1", "s2"], "history_ids": ["h1"]}
    assert urlsplit(request.url).path == "/mweb/v1/get_history_by_ids"
    assert not request.fresh
    assert request.timeout == 20


async def test_nothing_asked_is_nothing_sent() -> None:
    door = Door()
    assert await client(door).look(CN, SESSION) == {}
    assert await client(door).queue(CN, SESSION, []) == {}
    assert door.requests == []


async def test_a_list_without_ids_is_left_out() -> None:
    door = Door(said({}))
    assert await client(door).look(CN, SESSION, history_ids=["h1"]) == {}
    assert json.loads(door.requests[0].body or b"") == {"history_ids": ["h1"]}


async def test_the_queue_is_asked_by_history_id() -> None:
    door = Door(said({"h1": {"queue_info": {"queue_idx": 3, "queue_status": 1}}}))
    places = await client(door).queue(CN, SESSION, ["h1"])
    assert (places["h1"].position, places["h1"].waiting) == (3, True)
    assert urlsplit(door.requests[0].url).path == "/mweb/v1/get_history_queue_info"


async def test_credits_are_asked_of_the_commerce_host() -> None:
    door = Door(said({"credit": {"gift_credit": 66}}))
    assert (await client(door).credits(SG, SESSION)).total == 66
    request = door.requests[0]
    assert request.url == "https://commerce-api-sg.capcut.com/commerce/v1/benefits/user_credit"
    assert request.body == b"{}"


async def test_busy_credits_are_trouble_that_passes() -> None:
    with pytest.raises(UpstreamTrouble) as caught:
        await client(Door(said(None, ret="1014", errmsg="system busy"))).credits(CN, SESSION)
    assert type(caught.value) is UpstreamTrouble


async def test_the_daily_credits_are_received_in_the_sites_time_zone() -> None:
    door = Door(said({"receive_quota": 66}))
    assert await client(door).receive(CN, SESSION) == 66
    assert json.loads(door.requests[0].body or b"") == {"time_zone": "Asia/Shanghai"}


async def test_a_session_is_alive_while_the_upstream_names_its_user() -> None:
    assert await client(Door(said({"uid": "7"}))).alive(CN, SESSION) is True
    assert (
        await client(Door(said(None, ret="1015", errmsg="login error"))).alive(CN, SESSION) is False
    )
    assert await client(Door(response(b"", 401))).alive(CN, SESSION) is False
    with pytest.raises(UpstreamMaintenance):
        await client(Door(response(b"", 503))).alive(CN, SESSION)


@pytest.mark.parametrize(
    "outcome",
    [
        NotSent("x"),
        Broken("x"),
        TooLarge("x"),
        response(b"", 500),
        response(b"<html>", 502),
        response(b"{"),
        response(b""),
    ],
)
async def test_a_read_that_brings_nothing_can_be_repeated(outcome: Outcome) -> None:
    door = Door(outcome, outcome, outcome, outcome)
    upstream = client(door)
    with pytest.raises(UpstreamUnreachable):
        await upstream.look(CN, SESSION, submit_ids=["s"])
    with pytest.raises(UpstreamUnreachable):
        await upstream.queue(CN, SESSION, ["h"])
    with pytest.raises(UpstreamUnreachable):
        await upstream.credits(CN, SESSION)
    with pytest.raises(UpstreamUnreachable):
        await upstream.alive(CN, SESSION)


async def test_a_dead_session_shows_on_every_read() -> None:
    dead = said(None, ret="1015", errmsg="login error")
    with pytest.raises(SessionExpired):
        await client(Door(dead)).look(CN, SESSION, submit_ids=["s"])
    with pytest.raises(SessionExpired):
        await client(Door(said({"is_vip": False}, ret="34010105"))).credits(CN, SESSION)


async def test_after_a_refused_signature_the_upstreams_clock_is_followed() -> None:
    ahead = NOW + 86400
    stale = said(None, ret="1014", errmsg="sign error", systime=str(ahead))
    wrong = said(None, ret="1014", errmsg="sign error", systime=f"{NOW}000")
    door = Door(said({}, systime=str(ahead)), stale, said({}), wrong, said({}))
    upstream = client(door)
    for _ in range(5):
        with suppress(ProtocolChanged):
            await upstream.look(CN, SESSION, submit_ids=["s"])
    times = [int(request.headers["device-time"]) for request in door.requests]
    assert times == [NOW, NOW, ahead, ahead, NOW]
    request = door.requests[2]
    path = urlsplit(request.url).path
    assert request.headers["sign"] == sign(path, appvr="8.4.0", device_time=ahead)


async def test_one_origin_stands_in_for_every_host() -> None:
    door = Door(said({"aigc_data": RECORD}), said({"credit": {}}))
    upstream = UpstreamClient(door, StandingClock(), Constants(), "http://127.0.0.1:5199")
    await upstream.submit(SG, SESSION, PAYLOAD)
    await upstream.credits(SG, SESSION)
    assert {urlsplit(request.url).netloc for request in door.requests} == {"127.0.0.1:5199"}


async def test_the_model_is_told_where_the_setting_wants_it() -> None:
    door = Door(said({"aigc_data": RECORD}), said({"aigc_data": RECORD}))
    upstream = client(door, sends_babi_param=True)
    await upstream.submit(CN, SESSION, PAYLOAD)
    await upstream.submit(CN, SESSION, b"no JSON")
    details = [
        json.loads(parse_qs(urlsplit(request.url).query)["babi_param"][0])[
            "feature_entrance_detail"
        ]
        for request in door.requests
    ]
    assert details == ["to-generate-high_aes_general_v50", "to-generate"]


async def test_a_payload_says_itself_that_it_makes_a_film() -> None:
    door = Door(said({"aigc_data": RECORD}), said({"aigc_data": RECORD}))
    upstream = client(door)
    await upstream.submit(CN, SESSION, PAYLOAD)
    await upstream.submit(
        CN, SESSION, b'{"extend":{"root_model":"m","m_video_commerce_info":{}},"submit_id":"s"}'
    )
    kinds = [request.headers["referer"].rpartition("=")[2] for request in door.requests]
    assert kinds == ["image", "video"]


async def test_downloads_are_asked_for_by_the_ids_of_items() -> None:
    film = {"common_attr": {"id": "77"}, "video": {"play_url": "https://v.example/a.mp4"}}
    other = {"common_attr": {"id": "78"}, "video": {"play_url": "https://v.example/b.mp4"}}
    door = Door(said({"item_list": [film, other]}))
    found = await client(door).download_links(CN, SESSION, ["77", "77"])
    assert {id_: item.url for id_, item in found.items()} == {"77": "https://v.example/a.mp4"}
    (request,) = door.requests
    assert urlsplit(request.url).path == "/mweb/v1/get_local_item_list"
    assert json.loads(request.body or b"") == {
        "item_id_list": ["77"],
        "pack_item_opt": {"scene": 1, "need_data_integrity": True},
        "is_for_video_download": True,
    }


@pytest.mark.parametrize(
    "outcome",
    [
        NotSent("x"),
        Broken("x"),
        said(None, ret="1015", errmsg=f"no session {SID}", logid=SID),
        said(None, ret=SID, errmsg=SID),
        response(f"<html>login {SID}</html>".encode(), 200, x_tt_logid=SID),
        response(b"", 302, location=f"https://x/login?sid={SID}"),
        said({"aigc_data": RECORD | {"history_record_id": None, "fail_code": SID}}),
    ],
)
async def test_no_error_ever_tells_the_session(outcome: Outcome) -> None:
    door = Door(outcome, outcome)
    upstream = client(door)
    for call in (
        upstream.submit(CN, SESSION, PAYLOAD),
        upstream.look(CN, SESSION, submit_ids=["s"]),
    ):
        try:
            await call
        except GatewayError as error:
            told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
            assert SID not in told
    assert SID not in repr(door.requests) + repr(upstream)
