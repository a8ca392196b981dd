"""What callers may do, and what their jobs do meanwhile."""

from __future__ import annotations

import asyncio

from tests.simulated.asgi import Talk
from tests.simulated.door import GENERATE
from tests.simulated.house import CAT, KEY, House, submits_sent, until

OTHER = "f" * 32
GENERATIONS = "/v1/images/generations"


async def test_a_caller_who_hangs_up_finds_the_result_with_the_job(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    job_id = await gateway.leave(n=2)
    assert (await gateway.job(job_id))["status"] in ("queued", "in_progress")
    job = await gateway.ended(job_id)
    assert job["status"] == "completed"
    for result in job["results"]:
        answer = await gateway.fetch(result["url"])
        assert answer.headers["content-type"] == "image/png"
        assert len(answer.body) == result["bytes"]


async def test_a_stream_that_is_left_does_not_end_the_job(gateway: House) -> None:
    await gateway.upstream.time(seconds=20)
    talk = Talk()
    order = {**CAT, "stream": True}
    streaming = asyncio.create_task(gateway.call("POST", GENERATIONS, order, talk=talk))
    await talk.began.wait()
    talk.gone.set()
    answer = await streaming
    assert answer.events == []
    job = await gateway.ended(answer.headers["x-job-id"])
    assert job["status"] == "completed"


async def test_another_key_does_not_see_the_job(gateway: House) -> None:
    await gateway.upstream.time(seconds=10)
    job_id = await gateway.leave()
    for moment in ("running", "ended"):
        if moment == "ended":
            await gateway.ended(job_id)
        found = await gateway.call("GET", f"/v1/jobs/{job_id}", key=OTHER)
        assert (found.status, found.error["code"]) == (404, "not_found")
        listed = await gateway.call("GET", "/v1/jobs", key=OTHER)
        assert listed.json["data"] == []
        assert (await gateway.job(job_id))["id"] == job_id


async def test_a_wait_that_ends_before_the_job_names_it_and_is_not_to_be_repeated(
    house: House,
) -> None:
    await house.start(wait_seconds=0.1)
    await house.upstream.time(seconds=60)
    answer = await house.generate()
    assert (answer.status, answer.error["code"]) == (504, "job_still_running")
    assert answer.headers["x-should-retry"] == "false"
    assert answer.error["job_id"] == answer.headers["x-job-id"]
    assert (await house.ended(answer.headers["x-job-id"]))["status"] == "completed"


async def test_a_request_that_is_refused_here_reaches_nobody(gateway: House) -> None:
    for body, code in (
        ({"n": 11}, "invalid_value"),
        ({"model": "nothing"}, "model_not_found"),
        ({"model": "nanobanana"}, "model_not_on_site"),
        ({"prompt": ""}, "missing_required_parameter"),
        ({"image": "data:image/png;base64,AAAA"}, "invalid_value"),
    ):
        answer = await gateway.generate(**body)
        assert 400 <= answer.status < 500
        assert answer.error["code"] == code
    assert gateway.door.asked == []
    assert gateway.written() == []


async def test_a_promise_is_on_the_disk_before_anything_is_sent(gateway: House) -> None:
    hold = gateway.door.hold_before(GENERATE)
    await gateway.upstream.time(seconds=5)
    waiting = asyncio.create_task(gateway.generate())
    await hold.reached.wait()
    (part,) = gateway.written()
    assert part["state"] == "submitting"
    assert part["submit_id"]
    assert part["account"]
    assert len(part["digest"]) == 64
    hold.go.set()
    assert (await waiting).status == 200
    (accepted,) = await gateway.upstream.submits(KEY)
    assert accepted["submit_id"] == part["submit_id"]


async def test_paid_requests_go_out_on_connections_of_their_own(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.generate()
    assert all(request.fresh == (GENERATE in request.url) for request in gateway.door.asked)


async def test_an_unsent_request_is_tried_three_times_under_the_same_id(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    gateway.door.close(GENERATE, times=2)
    ids = set()
    leaving = asyncio.create_task(gateway.leave())
    await until(gateway.written)
    while gateway.written()[0]["state"] != "running":
        ids.add(gateway.written()[0]["submit_id"])
        await asyncio.sleep(0)
    job_id = await leaving
    assert len(ids) == 1
    assert gateway.written()[0]["attempt"] == 2
    assert submits_sent(gateway) == 1
    assert (await gateway.ended(job_id))["status"] == "completed"


async def test_a_refused_request_is_sent_again_under_another_id(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("too_many_running", "generate")
    await gateway.generate()
    first, second = (
        request.body or b"" for request in gateway.door.asked if GENERATE in request.url
    )
    (accepted,) = await gateway.upstream.submits(KEY)
    assert accepted["submit_id"].encode() in second
    assert accepted["submit_id"].encode() not in first


async def test_many_callers_at_once_are_each_served_once(gateway: House) -> None:
    await gateway.upstream.time(seconds=[5, 25])
    answers = await asyncio.gather(
        *(gateway.generate(prompt=f"cat {n}", response_format="url") for n in range(60))
    )
    assert {answer.status for answer in answers} == {200}
    assert len(await gateway.upstream.submits(KEY)) == 60
    links = {answer.json["data"][0]["url"] for answer in answers}
    assert len(links) == 60


async def test_the_list_of_jobs_is_read_page_by_page(gateway: House) -> None:
    await gateway.upstream.time(at_once=True)
    jobs = [await gateway.leave(prompt=f"cat {n}") for n in range(5)]
    await asyncio.gather(*map(gateway.ended, jobs))
    seen: list[str] = []
    after = ""
    while True:
        page = (await gateway.call("GET", f"/v1/jobs?limit=2&after={after}")).json
        seen += [job["id"] for job in page["data"]]
        after = page["last_id"]
        if not page["has_more"]:
            break
    assert seen == jobs[::-1]
