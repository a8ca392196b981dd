"""What stands before the routes: limits, browsers, links."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message
from typing_extensions import override

from jimeng_api.web.links import Links
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, Edge, Talk

ADOPT = "/v1/jobs/adopt"

# --------------------------------------------------------------- limits ----


async def test_a_body_that_is_announced_too_large_is_refused_unread() -> None:
    edge = Edge()
    mib = 1024 * 1024
    form = {"content-type": "multipart/form-data; boundary=b"}
    for path, more, most in (
        (ADOPT, {}, mib),
        (ADOPT, form, mib),
        (GENERATIONS, {}, 64 * mib),
        ("//v1//images/edits/", {}, 64 * mib),
        ("/images/edits", form, 208 * mib),
        ("/v1/images/repair", form, 208 * mib),
    ):
        for length, status in ((most + 1, 413), (most, 400)):
            answer = await edge.call(
                "POST", path, body=b"{}", headers={**more, "content-length": str(length)}
            )
            assert answer.status == status, (path, more, length)
    answer = await edge.call(
        "POST", ADOPT, body=b"{}", headers={"content-length": str(1024 * 1024 + 1)}
    )
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_body_that_turns_out_too_large_is_refused() -> None:
    edge = Edge(max_body_bytes=100)
    adopting = {"id": "no/id", "more": "x" * 200}
    assert (await edge.call("POST", ADOPT, json_body=adopting)).status == 413
    assert (await edge.call("POST", ADOPT, json_body={"id": "no/id"})).status == 400
    assert (await edge.generate(prompt="x" * 200)).status == 200  # there is room for pictures


@pytest.mark.parametrize("length", ["-1", "ten", "1e3", "²", "9" * 30])
async def test_a_length_that_is_none_is_refused(length: str) -> None:
    answer = await Edge().call("POST", GENERATIONS, body=b"{}", headers={"content-length": length})
    assert answer.status in (400, 413)


async def test_too_many_or_too_large_headers_are_refused() -> None:
    edge = Edge()
    answer = await edge.get("/ping", headers={"x-big": "x" * 33_000})
    assert (answer.status, answer.error["code"]) == (431, "headers_too_large")
    answer = await edge.get("/ping", headers={f"x-{n}": "" for n in range(120)})
    assert answer.status == 431
    assert (await edge.get("/ping?" + "x" * 33_000)).status == 431


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    edge = Edge(receive_timeout=0.02)

    class Silent(Talk):
        @override
        async def _receive(self) -> Message:
            await asyncio.Event().wait()
            raise AssertionError

    talk = Silent()
    headers = {"authorization": f"Bearer {KEY}"}
    async with asyncio.timeout(2):
        await talk.run(edge.app, "POST", GENERATIONS, headers)
    assert (talk.answer.status, talk.answer.error["code"]) == (408, "request_timeout")
    assert talk.answer.headers["x-should-retry"] == "false"


async def test_a_body_that_drips_is_cut_off_as_a_whole() -> None:
    edge = Edge(receive_timeout=0.05)

    class Dripping(Talk):
        @override
        async def _receive(self) -> Message:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b" ", "more_body": True}

    talk = Dripping()
    headers = {"authorization": f"Bearer {KEY}"}
    async with asyncio.timeout(2):
        await talk.run(edge.app, "POST", GENERATIONS, headers)
    assert talk.answer.status == 408


async def test_a_caller_who_leaves_in_the_middle_of_a_body_makes_no_noise(events: Any) -> None:
    class Leaving(Talk):
        @override
        async def _receive(self) -> Message:
            return {"type": "http.disconnect"}

    talk = Leaving()
    await talk.run(Edge().app, "POST", GENERATIONS, {"authorization": f"Bearer {KEY}"})
    assert [event["event"] for event in events] == ["request"]
    assert events[0]["status"] == 499


async def test_the_time_limit_is_for_the_body_and_not_for_the_answer() -> None:
    edge = Edge(receive_timeout=0.01)
    edge.desk.holds = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, edge.desk.holds.set)
    assert (await edge.generate()).status == 200


# ------------------------------------------------------------- browsers ----


async def test_a_preflight_needs_no_key_and_gets_what_it_asks_for() -> None:
    asked = "authorization,content-type,x-stainless-os,x-stainless-retry-count"
    answer = await Edge().call(
        "OPTIONS",
        GENERATIONS,
        key=None,
        headers={
            "origin": "https://chat.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": asked,
        },
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == asked
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["x-request-id"]


async def test_header_names_that_are_none_are_not_echoed() -> None:
    headers = {"origin": "https://x", "access-control-request-headers": "a\x07b"}
    answer = await Edge().call("OPTIONS", "/", key=None, headers=headers)
    usual = "authorization, content-type, idempotency-key"
    assert answer.headers["access-control-allow-headers"] == usual


@pytest.mark.parametrize("path", ["/v1/models", "/v1/nothing", "/media/none", "/ping", "/docs"])
async def test_every_answer_may_be_read_by_a_browser(path: str) -> None:
    answer = await Edge().get(path, key=None, headers={"origin": "https://chat.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://chat.example", True), ("https://evil.example", False), (None, False)],
)
async def test_a_list_of_origins_lets_only_those_read(origin: str | None, allowed: bool) -> None:
    edge = Edge(cors_origins=("https://chat.example",))
    answer = await edge.get("/ping", headers={"origin": origin} if origin else {})
    assert (answer.headers.get("access-control-allow-origin") == origin) is (
        allowed or origin is None
    )
    assert answer.headers["vary"] == "Origin"


async def test_no_origins_means_no_browsers() -> None:
    answer = await Edge(cors_origins=()).get("/ping", headers={"origin": "https://x"})
    assert "access-control-allow-origin" not in answer.headers


# ---------------------------------------------------------------- links ----


def scope(headers: dict[str, str], client: str = "203.0.113.9", **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "scheme": "http",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": (client, 1),
        "server": ("127.0.0.1", 5100),
        **more,
    }


FORWARDED = {
    "host": "inside:5100",
    "x-forwarded-host": "images.example.org",
    "x-forwarded-proto": "https",
    "x-forwarded-for": "198.51.100.7",
}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:5100", "http://127.0.0.1:5100"),
        ("localhost", "http://localhost"),
        ("[::1]:5100", "http://[::1]:5100"),
        ("images.example.org", "http://images.example.org"),
        ("", "http://127.0.0.1:5100"),
        ("a b", "http://127.0.0.1:5100"),
        ("evil.example/x", "http://127.0.0.1:5100"),
        ("evil.example?x", "http://127.0.0.1:5100"),
        ("user@evil.example", "http://127.0.0.1:5100"),
        ("evil.example#", "http://127.0.0.1:5100"),
        ("evil.example:99999999", "http://127.0.0.1:5100"),
        ('"><script>', "http://127.0.0.1:5100"),
        ("evil\\.example", "http://127.0.0.1:5100"),
        ("ex\xe4mple", "http://127.0.0.1:5100"),
        ("x" * 300, "http://127.0.0.1:5100"),
    ],
)
def test_links_lead_to_where_the_caller_came_in(host: str, origin: str) -> None:
    links = Links(public_url=None, trusted_proxies=())
    assert links.origin(scope({"host": host})) == origin


def test_a_public_url_wins_over_every_header() -> None:
    links = Links(public_url="https://x.example/jimeng/", trusted_proxies=("203.0.113.0/24",))
    assert links.media(scope(FORWARDED), "abc") == "https://x.example/jimeng/media/abc"


def test_forwarded_headers_count_only_from_a_trusted_proxy() -> None:
    links = Links(public_url=None, trusted_proxies=("203.0.113.0/24", "::1"))
    assert links.origin(scope(FORWARDED)) == "https://images.example.org"
    assert links.client(scope(FORWARDED)) == "198.51.100.7"
    for stranger in ("192.0.2.1", "not-an-address", ""):
        assert links.origin(scope(FORWARDED, client=stranger)) == "http://inside:5100"
        assert links.client(scope(FORWARDED, client=stranger)) == stranger
    distrusting = Links(public_url=None, trusted_proxies=())
    assert distrusting.origin(scope(FORWARDED)) == "http://inside:5100"


def test_what_the_nearest_proxy_says_counts() -> None:
    links = Links(public_url=None, trusted_proxies=("203.0.113.9",))
    headers = {**FORWARDED, "x-forwarded-for": "6.6.6.6, 198.51.100.7", "x-forwarded-proto": "x"}
    assert links.client(scope(headers)) == "198.51.100.7"
    assert links.origin(scope(headers)) == "http://images.example.org"


def test_without_an_address_there_is_still_a_link() -> None:
    links = Links(public_url=None, trusted_proxies=("203.0.113.9",))
    found = scope({}, server=("::1", 80))
    found["client"] = None
    assert (links.origin(found), links.client(found)) == ("http://[::1]:80", "")


async def test_a_websocket_is_turned_away() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Edge().app({"type": "websocket", "path": "/"}, receive, send)
    assert sent[0]["type"] == "websocket.close"


async def test_a_stranger_cannot_choose_where_links_lead() -> None:
    edge = Edge()
    answer = await edge.call(
        "POST", GENERATIONS, json_body=CAT, headers={"x-forwarded-host": "evil.example"}
    )
    assert answer.json["data"][0]["url"].startswith("http://gateway.test:5100/media/")
