"""The simulated upstream over real sockets: what a client's connection goes through."""

import asyncio
import binascii
import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from jimeng_api.simulator.serve import build_app, build_server, running
from tests.simulator.caller import GENERATE, POLL, SESSION, USER_INFO, links_of
from tests.simulator.film_forms import film_form
from tests.simulator.films import a_film, film_link, seen
from tests.simulator.forms import browser_form
from tests.simulator.sender import picture, signed

VIP = "dreamina_seedance_40_pro_vision"
QUERY = "?aid=513695&region=cn"
HEADERS = {"Cookie": f"sessionid={SESSION}", "appid": "513695"}


class Remote:
    """A client of a simulator that listens on a port of its own."""

    def __init__(self, origin: str, http: aiohttp.ClientSession) -> None:
        self.origin = origin
        self.http = http

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.origin.removeprefix("http://").split(":")
        return host, int(port)

    @property
    def user_info(self) -> bytes:
        """A request as it looks on the wire."""
        head = f"POST {USER_INFO} HTTP/1.1\r\nhost: x\r\ncookie: sessionid={SESSION}\r\n"
        return head.encode() + b"content-length: 2\r\n\r\n{}"

    async def post(self, path: str, body: object) -> bytes:
        url = self.origin + path + QUERY
        async with self.http.post(url, json=body, headers=HEADERS) as answer:
            return await answer.read()

    async def json(self, method: str, path: str, body: object = None) -> dict[str, object]:
        url = self.origin + path
        async with self.http.request(method, url, json=body, headers=HEADERS) as answer:
            found: dict[str, object] = await answer.json()
            return found

    async def fault(self, **order: object) -> None:
        told = await self.json("POST", "/_sim/faults", order)
        assert "added" in told

    async def record(self, submit_id: str) -> Any:
        told = await self.json("POST", POLL + QUERY, {"submit_ids": [submit_id]})
        data = told["data"]
        assert isinstance(data, dict)
        return data[submit_id]

    async def accepted(self, submit_id: str) -> int:
        told = await self.json("GET", f"/_sim/ledger?brief=1&submit_id={submit_id}")
        submits = told["submits"]
        assert isinstance(submits, list)
        return len(submits)


@pytest.fixture
async def remote(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Remote]:
    """Fails a test whose simulator logs a warning or an error."""
    app = build_app(speed=1000)
    timeout = aiohttp.ClientTimeout(total=5)
    async with running(app) as origin, aiohttp.ClientSession(timeout=timeout) as http:
        yield Remote(origin, http)
    noise = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each.getMessage() for each in noise] == []


async def test_a_job_runs_from_submission_to_its_files(remote: Remote) -> None:
    form = browser_form(count=2)
    await remote.post(GENERATE, form)
    record = await remote.record(form["submit_id"])
    while record["status"] != 50:
        record = await remote.record(form["submit_id"])
    for link in links_of(record):
        assert link.startswith(remote.origin)
        async with remote.http.get(link) as answer:
            assert answer.headers["content-type"] == "image/png"
            assert (await answer.read()).startswith(b"\x89PNG")


@pytest.mark.parametrize(("fault", "accepted"), [("accepted_then_reset", 1), ("reset", 0)])
async def test_a_reset_is_seen_by_the_client_whether_or_not_it_was_accepted(
    remote: Remote, fault: str, accepted: int
) -> None:
    await remote.fault(on="generate", fault=fault)
    form = browser_form()
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await remote.post(GENERATE, form)
    assert isinstance(caught.value, ConnectionResetError) or caught.value.errno is not None
    assert await remote.accepted(form["submit_id"]) == accepted
    poll = await remote.json("POST", POLL + QUERY, {"submit_ids": [form["submit_id"]]})
    assert poll["data"] if accepted else poll["data"] == {}


async def test_a_plain_socket_sees_the_reset(remote: Remote) -> None:
    await remote.fault(on="user_info", fault="reset")
    reader, writer = await asyncio.open_connection(*remote.address)
    writer.write(remote.user_info)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_an_answer_may_break_off_in_the_middle(remote: Remote) -> None:
    await remote.fault(on="generate", fault="cut_answer")
    form = browser_form()
    with pytest.raises(aiohttp.ClientPayloadError):
        await remote.post(GENERATE, form)
    assert await remote.accepted(form["submit_id"]) == 1


async def test_silence_lasts_until_the_client_gives_up(remote: Remote) -> None:
    await remote.fault(on="generate", fault="accepted_then_timeout", seconds=60)
    form = browser_form()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(remote.post(GENERATE, form), 0.2)
    assert await remote.accepted(form["submit_id"]) == 1


async def test_a_kept_connection_may_be_closed_after_an_answer(remote: Remote) -> None:
    await remote.fault(on="user_info", fault="close_after_answer")
    reader, writer = await asyncio.open_connection(*remote.address)
    writer.write(remote.user_info)
    answer = await reader.read()
    assert b'"ret":"0"' in answer
    assert b"connection: close" not in answer.lower()
    writer.close()


async def test_a_dripping_answer_comes_byte_by_byte(remote: Remote) -> None:
    await remote.fault(on="user_info", fault="drip", seconds_per_byte=0.0005)
    assert b'"ret":"0"' in await remote.post(USER_INFO, {})
    await remote.fault(on="user_info", fault="drip", seconds_per_byte=30)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(remote.post(USER_INFO, {}), 0.2)


async def test_a_huge_answer_stops_when_the_client_leaves(remote: Remote) -> None:
    await remote.fault(on="user_info", fault="huge_body", megabytes=10_000)
    url = remote.origin + USER_INFO + QUERY
    async with remote.http.post(url, json={}, headers=HEADERS) as answer:
        assert len(await answer.content.readexactly(2**20)) == 2**20
        answer.close()
    assert b'"ret":"0"' in await remote.post(USER_INFO, {})


async def finished_link(remote: Remote) -> str:
    await remote.json("POST", "/_sim/time", {"at_once": True})
    form = browser_form(count=1)
    await remote.post(GENERATE, form)
    return links_of(await remote.record(form["submit_id"]))[0]


@pytest.mark.parametrize("fault", ["cut_picture", "wrong_length"])
async def test_a_download_may_end_before_its_length(remote: Remote, fault: str) -> None:
    link = await finished_link(remote)
    await remote.fault(fault=fault)
    async with remote.http.get(link) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    async with remote.http.get(link) as answer:
        assert (await answer.read()).endswith(b"IEND\xaeB`\x82")


async def test_a_head_request_has_the_length_without_the_file(remote: Remote) -> None:
    link = await finished_link(remote)
    async with remote.http.head(link) as answer:
        assert int(answer.headers["content-length"]) > 1000
        assert await answer.read() == b""


async def test_hundreds_of_jobs_at_once_are_all_accepted_once(remote: Remote) -> None:
    forms = [browser_form(count=1) for _ in range(300)]
    await remote.json("POST", "/_sim/accounts", {"session": SESSION, "credits": 10_000})
    await asyncio.gather(*(remote.post(GENERATE, form) for form in forms))
    told = await remote.json("GET", "/_sim/ledger?brief=1")
    totals = told["totals"]
    assert isinstance(totals, dict)
    assert (totals["accepted"], totals["double"]) == (300, 0)


async def test_a_port_that_is_taken_is_an_error(remote: Remote) -> None:
    port = int(remote.origin.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="could not listen"):
        async with running(build_app(), port=port):
            pass


async def test_a_server_can_run_beside_another_in_the_same_loop(remote: Remote) -> None:
    server = build_server(build_app(), port=0)
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    async with remote.http.get(server.origin + "/_sim/") as answer:
        assert answer.status == 200
    server.should_exit = True
    await serving


async def test_a_picture_is_uploaded_over_a_real_connection(remote: Remote) -> None:
    body = picture(size=(1600, 1200), form="BMP")
    sent = await upload(remote, body)
    assert sent["Result"]["Results"][0]["UriStatus"] == 2000
    ledger = await remote.json("GET", "/_sim/ledger")
    assert [row["bytes"] for row in ledger["uploads"]] == [len(body)]  # type: ignore[attr-defined]


async def test_an_upload_may_be_reset_before_its_bytes_have_come(remote: Remote) -> None:
    await remote.fault(fault="reset_amid_upload")
    with pytest.raises(aiohttp.ClientError):
        await upload(remote, picture(size=(1600, 1200), form="BMP"))
    assert (await upload(remote, picture()))["Result"]["Results"][0]["UriStatus"] == 2000


async def upload(remote: Remote, body: bytes) -> Any:
    told: Any = await remote.json("POST", "/mweb/v1/get_upload_token" + QUERY, {"scene": 2})
    keys = told["data"]
    usual = {"Version": "2018-08-01", "ServiceId": keys["service_id"]}
    query = {"Action": "ApplyImageUpload", "FileSize": str(len(body)), **usual}
    headers = signed("GET", query, keys, "cn-north-1")
    async with remote.http.get(remote.origin + "/", params=query, headers=headers) as answer:
        address = (await answer.json())["Result"]["UploadAddress"]
    store = address["StoreInfos"][0]
    crc = f"{binascii.crc32(body):08x}"
    url = f"http://{address['UploadHosts'][0]}/upload/v1/{store['StoreUri']}"
    given = {"authorization": store["Auth"], "content-crc32": crc}
    async with remote.http.post(url, data=io.BytesIO(body), headers=given) as answer:
        assert (await answer.json())["data"] == {"crc32": crc}
    query = {"Action": "CommitImageUpload", **usual}
    done = json.dumps({"SessionKey": address["SessionKey"]}).encode()
    headers = signed("POST", query, keys, "cn-north-1", body=done)
    target = remote.origin + "/"
    async with remote.http.post(target, params=query, data=done, headers=headers) as answer:
        return await answer.json()


async def test_a_film_is_made_once_for_all_who_ask_while_others_are_answered(
    remote: Remote,
) -> None:
    form = film_form(
        seconds=15, model=VIP, benefit="seedance_20_pro_1080p_output", resolution="1080p"
    )
    await remote.post(GENERATE, form)
    record = await remote.record(form["submit_id"])
    while record["status"] != 50:
        record = await remote.record(form["submit_id"])

    async def fetched() -> bytes:
        async with remote.http.get(film_link(record)) as answer:
            assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
            return await answer.read()

    downloads = [asyncio.create_task(fetched()) for _ in range(4)]
    while not downloads[0].done():
        await remote.record(form["submit_id"])
    bodies = await asyncio.gather(*downloads)
    assert len(set(bodies)) == 1
    assert len(seen(bodies[0]).frames) == 361


async def test_a_film_is_uploaded_over_real_connections(remote: Remote) -> None:
    told = await remote.json("POST", "/mweb/v1/get_upload_token" + QUERY, {"scene": 1})
    keys: Any = told["data"]
    body = a_film(seconds=2)
    host = f"http://{keys['upload_domain']}"
    space = {"Version": "2020-11-19", "SpaceName": keys["space_name"]}
    query = {"Action": "ApplyUploadInner", **space, "FileType": "video", "FileSize": len(body)}
    headers = signed("GET", query, keys, "cn-north-1", service="vod")
    async with remote.http.get(f"{host}/", params=query, headers=headers) as answer:
        told = await answer.json()
    node = told["Result"]["InnerUploadAddress"]["UploadNodes"][0]
    store = node["StoreInfos"][0]
    given = {"Authorization": store["Auth"], "Content-CRC32": f"{binascii.crc32(body):08x}"}
    url = f"http://{node['UploadHost']}/upload/v1/{store['StoreUri']}"
    async with remote.http.post(url, data=body, headers=given) as answer:
        assert (await answer.json())["code"] == 2000
    query = {"Action": "CommitUploadInner", **space}
    done = json.dumps({"SessionKey": node["SessionKey"], "Functions": []}).encode()
    headers = signed("POST", query, keys, "cn-north-1", service="vod", body=done)
    async with remote.http.post(f"{host}/", params=query, data=done, headers=headers) as answer:
        told = await answer.json()
    (result,) = told["Result"]["Results"]
    assert (result["Vid"], result["VideoMeta"]["Duration"]) == (node["Vid"], 2.0)
