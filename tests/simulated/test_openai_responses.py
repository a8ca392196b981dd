"""OpenAI's own client asks a whole gateway for responses, over real sockets."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from tests.simulated.house import House
from tests.simulated.test_openai_videos import client

TOOL: Any = {"type": "image_generation"}


async def test_a_picture_is_drawn_gone_on_from_looked_at_and_deleted(gateway: House) -> None:
    async with client(gateway) as api:
        first = await api.responses.create(model="gpt-5", input="a cat", tools=[TOOL])
        assert (first.status, first.error, first.output_text) == ("completed", None, "")
        (item,) = first.output
        assert item.type == "image_generation_call"
        assert item.result is not None
        assert base64.b64decode(item.result)[:4] == b"\x89PNG"
        second = await api.responses.create(
            model="gpt-5",
            input="blue",
            previous_response_id=first.id,
            tools=[TOOL | {"action": "edit"}],
        )
        assert second.previous_response_id == first.id
        assert second.output[0].type == "image_generation_call"
        assert second.output[0].action == "edit"
        again = await api.responses.retrieve(first.id)
        assert again.to_dict() == first.to_dict()
        asked = [one async for one in api.responses.input_items.list(first.id)]
        assert [one.type for one in asked] == ["message"]
        await api.responses.delete(second.id)
        gateway.unknown += 1  # the ledger still has it
        with pytest.raises(openai.NotFoundError) as missing:
            await api.responses.retrieve(second.id)
        assert missing.value.code == "not_found"


async def test_its_stream_ends_with_the_whole_response(gateway: House) -> None:
    async with client(gateway) as api:
        async with api.responses.stream(
            model="gpt-5",
            input="a cat",
            tools=[TOOL | {"n": 2}],
        ) as stream:
            kinds = [event.type async for event in stream]
            whole = await stream.get_final_response()
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        assert kinds.count("response.image_generation_call.completed") == 2
        assert [one.type for one in whole.output] == ["image_generation_call"] * 2
        async with api.responses.stream(response_id=whole.id, starting_after=3) as later:
            rest = [event.type async for event in later]
            assert (await later.get_final_response()).id == whole.id
        assert rest == kinds[4:]


async def test_words_are_read_as_words(gateway: House) -> None:
    async with client(gateway) as api:
        whole = await api.responses.create(model="jimeng-4.5", input="a cat --n 1")
        assert whole.output_text.startswith("![a cat](http://")
        async with api.responses.stream(model="jimeng-4.5", input="a cat --n 1") as stream:
            told = [
                event.delta async for event in stream if event.type == "response.output_text.delta"
            ]
            assert (await stream.get_final_response()).output_text == "".join(told)
        assert told[0].startswith("![a cat](http://")


async def test_the_background_is_polled_and_taken_back(gateway: House) -> None:
    async with client(gateway) as api:
        await gateway.upstream.fault("stuck")
        made = await api.responses.create(
            model="gpt-5",
            input="a cat",
            background=True,
            tools=[TOOL],
        )
        assert made.status in ("queued", "in_progress")
        assert (await api.responses.retrieve(made.id)).status in ("queued", "in_progress")
        assert (await api.responses.cancel(made.id)).status == "cancelled"
        assert (await api.responses.retrieve(made.id)).status == "cancelled"


async def test_errors_are_its_own(gateway: House) -> None:
    async with client(gateway) as api:
        with pytest.raises(openai.BadRequestError) as wrong:
            await api.responses.create(
                model="gpt-5",
                input="a cat",
                tools=[TOOL | {"size": "banana"}],
            )
        assert wrong.value.param == "size"
        await gateway.upstream.fault("text_refused", "generate", times=-1)
        with pytest.raises(openai.BadRequestError) as refused:
            await api.responses.create(model="gpt-5", input="a cat", tools=[TOOL])
        kinds: list[str] = []
        told = await _failed_stream(api, kinds)
        assert kinds[-1] == "response.failed"
        assert told.code == refused.value.code


async def _failed_stream(api: openai.AsyncOpenAI, kinds: list[str]) -> openai.APIError:
    """What a stream ends with, and the kinds of the events before that."""
    try:
        async with api.responses.stream(model="gpt-5", input="a cat", tools=[TOOL]) as stream:
            async for event in stream:
                kinds.append(event.type)  # noqa: PERF401 - those before the error count
    except openai.APIError as error:
        return error
    pytest.fail("the stream did not fail")
