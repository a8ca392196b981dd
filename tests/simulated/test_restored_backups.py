"""A gateway that starts on an old backup, as the page for operators says: nothing is paid for twice."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from tests.docs.pages import LANGUAGES, blocks, page
from tests.simulated.house import KEY, House, submits_sent, until

DATABASE = "jimeng-api.db"


def told(language: str, start: str) -> str:
    """The statement on the page that begins like this."""
    (found,) = re.findall(
        rf'sqlite3 \S+ "({start}[^"]+)"', "".join(blocks(page(language, "operating.md"), "sh"))
    )
    return str(found)


def back_up(house: House) -> None:
    statement = told("en", "VACUUM INTO").replace("jimeng-api-backup.db", "backup.db")
    with closing(sqlite3.connect(house.folder / DATABASE)) as connection:
        connection.execute(statement.replace("'backup", f"'{house.folder}/backup"))


def restore(house: House) -> None:
    for file in house.folder.glob(f"{DATABASE}*"):
        file.unlink()
    (house.folder / "backup.db").rename(house.folder / DATABASE)


async def test_what_was_running_in_the_backup_is_collected_again_and_not_sent(
    house: House,
) -> None:
    await house.start()
    await house.upstream.time(seconds=60)
    job_id = await house.leave(n=2)
    await until(lambda: house.written()[0]["state"] == "running")
    back_up(house)
    assert (await house.ended(job_id))["status"] == "completed"
    await house.stop()
    restore(house)
    assert house.written()[0]["state"] == "running"

    await house.start()
    job = await house.ended(job_id)
    assert len(job["results"]) == 2
    for result in job["results"]:
        assert (await house.fetch(result["url"])).status == 200
    assert submits_sent(house) == 0
    assert await house.upstream.charged(KEY) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sent", [True, False], ids=["sent since", "never sent"])
async def test_what_waited_in_the_backup_is_asked_for_and_not_sent(
    house: House, language: str, *, sent: bool
) -> None:
    await house.start(confirmation_seconds=30.0)
    await house.upstream.time(seconds=5)
    await house.upstream.fault("too_many_running", "generate")
    job_id = await house.leave()
    await until(lambda: house.written()[0]["attempt"] == 1)
    back_up(house)
    if sent:
        assert (await house.ended(job_id))["status"] == "completed"
        await house.stop()
    else:
        await house.crash()
    restore(house)
    with closing(sqlite3.connect(house.folder / DATABASE)) as connection, connection:
        connection.execute(told(language, "UPDATE"))

    await house.start()
    job = await house.ended(job_id)
    if sent:
        assert job["status"] == "completed"
    else:
        assert job["error"]["code"] == "submission_unconfirmed"
    assert submits_sent(house) == 0
    assert await house.upstream.charged(KEY) == int(sent)
