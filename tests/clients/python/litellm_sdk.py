"""LiteLLM, which calls the gateway as an OpenAI-compatible provider."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import litellm

from tests.clients.python.checks import (
    BASE,
    FILM,
    PICTURE,
    SMALL,
    control,
    error_of,
    is_picture,
    is_picture_link,
    link_in,
    run,
    submissions,
)

litellm.suppress_debug_info = True


def exactly_n(key: str) -> None:
    made = litellm.image_generation(
        model=f"openai/{SMALL}", prompt="a cat", n=2, size="1024x1024", api_base=BASE, api_key=key
    )
    assert len(made.data) == 2
    for one in made.data:
        is_picture_link(one.url)
    assert submissions(key) == 1


def own_parameters(key: str) -> None:
    litellm.image_generation(
        model=f"openai/{SMALL}", prompt="a cat", n=1, api_base=BASE, api_key=key, ratio="16:9"
    )
    ledger = control(f"/ledger?brief=1&account={key}")
    assert isinstance(ledger, dict)
    (row,) = ledger["submits"]
    assert 1.7 < row["width"] / row["height"] < 1.8


def names_of_openai(key: str) -> None:
    made = litellm.image_generation(
        model="openai/gpt-image-1", prompt="a cat", api_base=BASE, api_key=key
    )
    assert len(made.data) == 1
    is_picture(made.data[0].b64_json)


def pictures_in(key: str) -> None:
    made = litellm.image_edit(
        model=f"openai/{SMALL}",
        image=[PICTURE, PICTURE],
        prompt="blue",
        n=1,
        api_base=BASE,
        api_key=key,
    )
    assert made.data[0].url or made.data[0].b64_json


def from_order_to_film(key: str) -> None:
    to = {"api_base": BASE, "api_key": key}
    made = litellm.video_generation(
        model=f"openai/{FILM}", prompt="waves", seconds="4", size="1280x720", **to
    )
    assert made.object == "video"
    until = time.monotonic() + 120
    while made.status in ("queued", "in_progress"):
        assert time.monotonic() < until
        time.sleep(0.1)
        made = litellm.video_status(video_id=made.id, custom_llm_provider="openai", **to)
    assert (made.status, made.seconds, made.size) == ("completed", "5", "1280x720")
    film = litellm.video_content(video_id=made.id, custom_llm_provider="openai", **to)
    assert film[4:8] == b"ftyp"
    listed = litellm.video_list(custom_llm_provider="openai", **to)
    assert [one["status"] for one in listed["data"]] == ["completed"]


def draw(key: str, **more: Any) -> Any:
    return litellm.completion(
        model=f"openai/{SMALL}",
        messages=[{"role": "user", "content": "a cat"}],
        api_base=BASE,
        api_key=key,
        **more,
    )


def a_picture_in_a_chat(key: str) -> None:
    said = draw(key).choices[0]
    assert said.finish_reason == "stop"
    is_picture_link(link_in(said.message.content))


def a_chat_in_pieces(key: str) -> None:
    pieces = list(draw(key, stream=True, stream_options={"include_usage": True}))
    said = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    is_picture_link(link_in(said))
    assert [piece for piece in pieces if getattr(piece, "usage", None)]


def a_response(key: str) -> None:
    said = litellm.responses(
        model=f"openai/{SMALL}",
        input="draw a cat",
        tools=[{"type": "image_generation"}],
        api_base=BASE,
        api_key=key,
    )
    assert said.status == "completed"
    assert said.output
    for item in said.output:
        assert item.type == "image_generation_call"
        is_picture(item.result)


def wrong_requests(key: str) -> None:
    ask = partial(litellm.image_generation, prompt="a", api_base=BASE, api_key=key, max_retries=0)
    assert "none" in error_of(litellm.NotFoundError, partial(ask, model="openai/none")).message
    error_of(litellm.BadRequestError, partial(ask, model=f"openai/{SMALL}", n=99))
    assert submissions(key) == 0


CHECKS = {
    "generate: n exact": exactly_n,
    "generate: own parameters": own_parameters,
    "generate: OpenAI's names": names_of_openai,
    "edit": pictures_in,
    "videos": from_order_to_film,
    "chat": a_picture_in_a_chat,
    "chat: stream": a_chat_in_pieces,
    "responses: tool": a_response,
    "errors": wrong_requests,
}

if __name__ == "__main__":
    run(CHECKS, "litellm", "openai")
