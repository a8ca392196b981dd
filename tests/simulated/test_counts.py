"""As many pictures as were asked for, and what is paid for them."""

from __future__ import annotations

import pytest

from tests.simulated.house import KEY, House


async def asked(house: House) -> list[int]:
    """The numbers of pictures in the accepted submissions."""
    return sorted((row["gen_count"] for row in await house.upstream.submits(KEY)), reverse=True)


@pytest.mark.parametrize("n", range(1, 11))
async def test_exactly_as_many_pictures_come_as_were_asked_for(gateway: House, n: int) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(n=n, response_format="url")
    assert len(answer.json["data"]) == n
    assert len({one["url"] for one in answer.json["data"]}) == n
    assert "x-partial" not in answer.headers
    assert await asked(gateway) == [n] if n <= 8 else [8, n - 8]


@pytest.mark.parametrize(
    ("model", "n", "batches"),
    [
        ("jimeng-5.0-pro", 10, [4, 4, 2]),
        ("jimeng-3.0", 5, [4, 1]),
        ("jimeng-5.0", 9, [8, 1]),
    ],
)
async def test_more_than_one_submission_may_hold_are_divided(
    gateway: House, model: str, n: int, batches: list[int]
) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(model=model, n=n)
    assert len(answer.json["data"]) == n
    assert await asked(gateway) == batches


@pytest.mark.parametrize(("n", "submissions"), [(1, 1), (3, 1), (4, 1), (6, 2)])
async def test_a_model_that_always_makes_four_shows_as_many_as_were_asked_for(
    gateway: House, n: int, submissions: int
) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(model="jimeng-2.0-pro", n=n)
    assert len(answer.json["data"]) == n
    assert len(await gateway.upstream.submits(KEY)) == submissions
    job = await gateway.job(answer.headers["x-job-id"])
    assert len(job["results"]) == 4 * submissions  # the others were paid for too
    assert sum(one["shown"] for one in job["results"]) == n


async def test_without_a_number_a_native_name_gives_all_that_are_made(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(model="jimeng-4.5", n=None)
    assert len(answer.json["data"]) == 4


@pytest.mark.parametrize("alias", ["dall-e-3", "gpt-image-1", "gpt-image-2"])
async def test_without_a_number_one_of_openais_names_gives_one(gateway: House, alias: str) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(model=alias, n=None)
    assert len(answer.json["data"]) == 1
    assert answer.json["model"] == alias
    assert await asked(gateway) == [1]


async def test_a_prompt_that_asks_for_a_series_gives_the_series(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(prompt="一只猫的故事，6张", n=None)
    assert len(answer.json["data"]) == 6
    assert len(await gateway.upstream.submits(KEY)) == 1


async def test_a_number_is_what_is_made_and_paid_for_whatever_the_prompt_says(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    answer = await gateway.generate(prompt="一只猫的故事，6张", n=2)
    assert len(answer.json["data"]) == 2
    assert await asked(gateway) == [2]


async def test_fewer_pictures_than_asked_for_are_handed_over_and_flagged(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("partial_failure", "generate", items=3)
    answer = await gateway.generate(n=4)
    assert answer.status == 200
    assert len(answer.json["data"]) == 3
    assert answer.headers["x-partial"] == "true"
    assert (await gateway.job(answer.headers["x-job-id"]))["partial"] is True


async def test_a_failed_batch_fails_the_job_and_leaves_the_other_pictures_with_it(
    gateway: House,
) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.upstream.fault("text_block", "generate", nth=2)
    answer = await gateway.generate(n=10)
    assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
    assert answer.headers["x-should-retry"] == "false"
    job = await gateway.job(answer.error["job_id"])
    assert len(job["results"]) in (2, 8)
    assert await gateway.upstream.charged(KEY) == 2


async def test_every_batch_draws_other_pictures(gateway: House) -> None:
    await gateway.upstream.time(seconds=5)
    await gateway.generate(n=10, seed=7)
    seeds = {row["seed"] for row in await gateway.upstream.submits(KEY)}
    assert seeds == {7, 8}
