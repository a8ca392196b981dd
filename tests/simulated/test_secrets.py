"""A session is a secret: after good days and bad ones, it stands nowhere."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.simulated.house import House, until

PLANTED = ("planted0session0of0somebody00001", "planted0session0of0somebody00002")
KEY = f"{PLANTED[0]},us-{PLANTED[1]}"
TROUBLES: tuple[dict[str, Any], ...] = (
    {"on": "generate", "fault": "accepted_then_reset"},
    {"on": "generate", "fault": "login_error"},
    {"on": "generate", "fault": "hostile_text"},
    # An upstream that repeats what it was sent.
    *(
        {"on": "generate", "account": secret, **fault}
        for secret in PLANTED
        for fault in (
            {"fault": "refuse", "ret": "1000", "errmsg": f"no {secret}"},
            {"fault": "unknown_ret", "errmsg": f"sessionid={secret}"},
            {"fault": "fails", "message": f"of {secret}"},
        )
    ),
    {"on": "generate", "fault": "huge_body"},
    {"on": "poll", "fault": "html_502"},
    {"on": "poll", "fault": "login_page"},
    {"on": "poll", "fault": "non_utf8"},
    {"on": "poll", "fault": "private_links"},
    {"fault": "cut_picture"},
)

Events = list[MutableMapping[str, Any]]


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Iterator[Events]:
    """Everything that is logged, by us and by the libraries, from the lowest level on."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as found:
        yield found


def found_in(text: str | bytes) -> list[str]:
    plain = text.encode() if isinstance(text, str) else text
    return [secret for secret in PLANTED if secret.encode() in plain]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.speed(200)
async def test_a_session_stands_in_no_log_no_answer_and_no_file(
    house: House, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    await house.start(confirmation_seconds=20.0, log_level="debug")
    await house.upstream.time(seconds=10)
    bodies: list[bytes] = []
    for trouble in TROUBLES:
        await house.upstream.control("POST", "/faults", trouble)
        answers = await asyncio.gather(
            house.generate(KEY, n=2),
            house.generate(KEY, stream=True),
            house.generate(PLANTED[0]),
            house.generate(f"us-{PLANTED[1]}"),
        )
        bodies += [answer.body + repr(answer.headers).encode() for answer in answers]
    bodies.append((await house.call("GET", "/v1/jobs?limit=100", key=KEY)).body)
    bodies.append((await house.call("GET", "/v1/models", key=KEY)).body)
    bodies.append((await house.call("GET", "/v1/jobs/none", key=KEY)).body)
    bodies.append((await house.call("GET", "/v1/jobs", key=f"{PLANTED[0]} {PLANTED[1]}")).body)
    leaving = asyncio.create_task(house.leave(KEY, prompt="still running"))
    await until(lambda: "running" in {row["state"] for row in house.written()})

    assert any(row["state"] == "failed" for row in house.written())
    running = files(house.folder)
    assert "jimeng-api.db-wal" in running
    for name, content in running.items():
        assert found_in(content) == [], name
    for body in bodies:
        assert found_in(body) == []
    await leaving
    await house.crash()
    await house.start()
    await house.stop()
    for name, content in files(house.folder).items():
        assert found_in(content) == [], name
    assert events
    assert found_in(repr(events)) == []
    assert caplog.records  # the libraries do log
    assert found_in(caplog.text) == []
    assert found_in(repr([record.args for record in caplog.records])) == []
    assert found_in(" ".join(sys.orig_argv)) == []


async def test_the_session_is_gone_from_the_database_when_the_job_has_ended(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(KEY)
    job_id = answer.headers["x-job-id"]
    (row,) = gateway._rows(f"SELECT sessions FROM jobs WHERE id = '{job_id}'")
    assert row["sessions"] == b""


async def test_the_same_key_is_one_owner_whatever_its_form(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    job_id = await gateway.leave(KEY)
    other = f" {PLANTED[0]} , US-{PLANTED[1]},"
    assert (await gateway.job(job_id, other))["id"] == job_id


async def test_a_defect_is_logged_without_the_session(
    gateway: House, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(gateway.door, "_answer", broken)
    job_id = await gateway.leave(KEY)
    await until(lambda: gateway.written()[0]["state"] == "reconciling")
    await until(lambda: any(event["event"] == "submission_in_doubt" for event in events))
    assert [event for event in events if event.get("exc_info")]
    assert found_in(repr(events)) == []
    assert job_id


# A log line that shows the values of variables, as some do, must not find the key under any name.
async def test_the_parts_of_a_running_gateway_print_without_sessions(gateway: House) -> None:
    hold = gateway.door.hold_before("/mweb/v1/get_history_by_ids")
    await gateway.upstream.time(seconds=5)
    leaving = asyncio.create_task(gateway.leave(KEY))
    await hold.reached.wait()
    shown = [repr(task.get_coro()) for task in asyncio.all_tasks()]
    shown += [repr(request) for request in gateway.door.asked]
    shown += [repr(job.job) for job in gateway.gateway.workshop._open.values()]
    assert found_in("\n".join(shown)) == []
    hold.go.set()
    await gateway.ended(await leaving, KEY)
