"""OpenAI's own client for Python."""

from __future__ import annotations

import base64
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import openai

from tests.clients.python.checks import (
    BASE,
    FILM,
    GATEWAY,
    PICTURE,
    SMALL,
    asked,
    control,
    error_of,
    is_picture,
    is_picture_link,
    link_in,
    run,
    submissions,
)

warnings.simplefilter("ignore", DeprecationWarning)  # all of `videos` is marked so

URI = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"


def client(key: str, base: str = BASE) -> openai.OpenAI:
    return openai.OpenAI(base_url=base, api_key=key)


def models(key: str) -> None:
    names = [model.id for model in client(key).models.list()]
    assert SMALL in names
    assert FILM in names
    assert client(key).models.retrieve(SMALL).object == "model"
    with_a_slash = partial(client(key).models.retrieve, "some/such")  # arrives as some%2Fsuch
    assert "some/such" in error_of(openai.NotFoundError, with_a_slash).message


def with_and_without_v1(key: str) -> None:
    for base in (BASE, f"{BASE}/", GATEWAY, f"{GATEWAY}/"):
        assert client(key, base).models.list().data


def exactly_n(key: str) -> None:
    made = client(key).images.generate(
        model=SMALL, prompt="a cat", n=3, size="1024x1024", response_format="b64_json"
    )
    assert made.data is not None
    assert len(made.data) == 3
    assert isinstance(made.created, int)
    assert made._request_id
    for one in made.data:
        assert one.url is None
        is_picture(one.b64_json or "")


def links(key: str) -> None:
    made = client(key).images.generate(model=SMALL, prompt="a cat", n=1, response_format="url")
    assert made.data is not None
    assert made.data[0].b64_json is None
    assert made.data[0].url
    assert made.data[0].url.startswith(f"{GATEWAY}/")
    is_picture_link(made.data[0].url)


def every_parameter(key: str) -> None:
    made = client(key).images.generate(
        model=SMALL,
        prompt="a cat",
        n=1,
        quality="high",
        style="vivid",
        background="auto",
        moderation="low",
        user="u",
        output_format="jpeg",
        output_compression=80,
        response_format="b64_json",
        extra_body={"ratio": "16:9", "resolution": "1k", "negative_prompt": "dogs"},
    )
    assert made.data is not None
    assert made.size
    assert made.size != "auto"
    wide, high = map(int, made.size.split("x"))
    assert 1.7 < wide / high < 1.8
    assert base64.b64decode(made.data[0].b64_json or "").startswith(b"\xff\xd8\xff")


def names_of_openai(key: str) -> None:
    for name in ("gpt-image-1", "gpt-image-1-mini", "gpt-image-2", "chatgpt-image-latest"):
        made = client(key).images.generate(model=name, prompt="a cat", quality="low")
        assert made.data is not None
        assert len(made.data) == 1
        is_picture(made.data[0].b64_json or "")
    old = client(key).images.generate(model="dall-e-3", prompt="a cat")
    assert old.data is not None
    assert old.data[0].url


def pictures_in(key: str) -> None:
    for given in (
        ("a.png", PICTURE, "image/png"),
        PICTURE,
        [("a.png", PICTURE), ("b.png", PICTURE)],
    ):
        made = client(key).images.edit(
            model=SMALL, prompt="blue", image=given, n=1, size="1024x1024", response_format="url"
        )
        assert made.data is not None
        assert made.data[0].url
    varied = client(key).images.create_variation(image=PICTURE, model=SMALL, n=1)
    assert varied.data is not None
    assert len(varied.data) == 1


def events(key: str) -> None:
    drawn = list(
        client(key).images.generate(model=SMALL, prompt="a cat", n=2, stream=True, partial_images=2)
    )
    done = [event for event in drawn if event.type == "image_generation.completed"]
    assert len(done) == 2
    assert drawn[-1] == done[-1]
    assert done[0].usage is not None
    is_picture(done[0].b64_json)
    changed = list(
        client(key).images.edit(
            model=SMALL, prompt="blue", image=("a.png", PICTURE), n=1, stream=True
        )
    )
    assert changed[-1].type == "image_edit.completed"
    is_picture(changed[-1].b64_json)


def an_error_in_a_stream(key: str) -> None:
    control("/faults", {"on": "generate", "fault": "text_block", "account": key})
    events = client(key).images.generate(model=SMALL, prompt="a cat", stream=True)
    refused = error_of(openai.APIError, lambda: list(events))
    assert refused.code == "moderation_blocked"
    assert refused.message


def from_order_to_film(key: str) -> None:
    videos = client(key).videos
    made = videos.create_and_poll(
        model=FILM, prompt="waves", seconds="4", size="1280x720", poll_interval_ms=100
    )
    assert (made.status, made.progress, made.error) == ("completed", 100, None)
    assert (made.seconds, made.size, made.object) == ("5", "1280x720", "video")
    film = videos.download_content(made.id)
    assert film.response.headers["content-type"] == "video/mp4"
    assert film.read()[4:8] == b"ftyp"
    other = videos.remix(made.id, prompt="by night")
    assert other.remixed_from_video_id == made.id
    assert [one.id for one in videos.list(limit=1)] == [other.id, made.id]  # asks for two pages
    assert videos.delete(made.id).deleted


def first_pictures(key: str) -> None:
    videos = client(key).videos
    one = {"input_reference": {"image_url": URI}}
    as_json = {"Content-Type": "application/json"}
    made = (
        videos.create(model=FILM, prompt="a", input_reference=("a.png", PICTURE, "image/png")),
        videos.create(model="sora-2", prompt="b", seconds="8", extra_body=one),
        videos.create(model=FILM, prompt="c", extra_body=one, extra_headers=as_json),
    )
    assert [video.status in ("queued", "in_progress", "completed") for video in made] == [True] * 3
    until = time.monotonic() + 60
    while submissions(key) < 3:
        assert time.monotonic() < until
        time.sleep(0.1)
    ledger = control(f"/ledger?brief=1&account={key}")
    assert isinstance(ledger, dict)
    assert {row["film"]["mode"] for row in ledger["submits"]} == {"first_frame"}


DRAW: Any = {"model": SMALL, "messages": [{"role": "user", "content": "draw a cat"}]}


def a_picture_in_a_chat(key: str) -> None:
    parts = [
        {"type": "text", "text": "the same, asleep"},
        {"type": "image_url", "image_url": {"url": URI}},
    ]
    with_picture: Any = DRAW | {"messages": [{"role": "user", "content": parts}]}
    for asked_for in (DRAW, with_picture):
        said = client(key).chat.completions.create(**asked_for)
        assert said.object == "chat.completion"
        assert said.choices[0].finish_reason == "stop"
        assert said.usage is not None
        is_picture_link(link_in(said.choices[0].message.content or ""))


def a_chat_in_pieces(key: str) -> None:
    pieces = list(
        client(key).chat.completions.create(
            **DRAW, stream=True, stream_options={"include_usage": True}
        )
    )
    assert pieces[0].choices[0].delta.role == "assistant"
    assert [piece.choices[0].finish_reason for piece in pieces if piece.choices][-1] == "stop"
    assert pieces[-1].usage is not None
    said = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    is_picture_link(link_in(said))


def a_conversation(key: str) -> None:
    """Drawn, changed, and made to move."""
    talk: Any = []
    for model, wish in ((SMALL, "draw a cat"), (SMALL, "make it blue"), (FILM, "it yawns")):
        talk.append({"role": "user", "content": wish})
        said = client(key).chat.completions.create(model=model, messages=talk)
        talk.append({"role": "assistant", "content": said.choices[0].message.content})
    ledger = control(f"/ledger?brief=1&account={key}")
    assert isinstance(ledger, dict)
    assert sorted(row["kind"] for row in ledger["submits"]) == ["blend", "image", "video"]


TOOL: Any = {"model": SMALL, "tools": [{"type": "image_generation"}]}


def a_response_and_the_next(key: str) -> None:
    api = client(key).responses
    drawn = api.create(**TOOL, input="draw a cat")
    assert drawn.status == "completed"
    calls = [item for item in drawn.output if item.type == "image_generation_call"]
    assert calls
    for call in calls:
        is_picture(call.result or "")
    changed = api.create(**TOOL, input="make it blue", previous_response_id=drawn.id)
    assert changed.previous_response_id == drawn.id
    assert api.retrieve(changed.id).output == changed.output
    ledger = control(f"/ledger?brief=1&account={key}")
    assert isinstance(ledger, dict)
    assert sorted(row["kind"] for row in ledger["submits"]) == ["blend", "image"]


def a_response_in_events(key: str) -> None:
    events = list(client(key).responses.create(**TOOL, input="draw a cat", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    assert "response.image_generation_call.completed" in kinds
    last = events[-1]
    assert last.type == "response.completed"
    assert {item.type for item in last.response.output} == {"image_generation_call"}


def wrong_requests(key: str) -> None:
    api = client(key)
    at_once = api.with_options(max_retries=0)
    wrong: list[tuple[type[openai.APIStatusError], str | None, Callable[[], object]]] = [
        (openai.BadRequestError, "n", partial(at_once.images.generate, prompt="x", n=99)),
        (openai.BadRequestError, "size", partial(api.images.generate, prompt="x", size="banana")),
        (openai.NotFoundError, "model", partial(api.images.generate, prompt="x", model="none")),
        (openai.NotFoundError, None, partial(api.videos.retrieve, "video_none")),
        (openai.AuthenticationError, None, client("x").models.list),
    ]
    for kind, param, ask in wrong:
        error = error_of(kind, ask)
        assert param is None or error.param == param
        assert error.type
        assert error.code
        assert error.request_id
        assert " - " in str(error)  # the SDK found the message in it
    assert submissions(key) == 0


def a_lost_answer_is_paid_once(key: str) -> None:
    control("/faults", {"on": "generate", "fault": "accepted_then_reset", "account": key})
    made = client(key).images.generate(model=SMALL, prompt="a cat", n=1)
    assert made.data
    assert submissions(key) == 1


def a_failed_job_is_not_sent_again(key: str) -> None:
    control("/faults", {"on": "generate", "fault": "fails", "account": key, "times": -1})
    ask = partial(client(key).images.generate, model=SMALL, prompt="a cat", n=1)
    error = error_of(openai.InternalServerError, ask)  # such as it sends again, twice
    assert error.code == "generation_failed"
    assert error.response.headers["x-should-retry"] == "false"
    assert submissions(key) == 1


def a_refusal_is_not_sent_again(key: str) -> None:
    control("/faults", {"on": "generate", "fault": "no_credits", "account": key, "times": -1})
    ask = partial(client(key).images.generate, model=SMALL, prompt="a cat", n=1)
    assert error_of(openai.RateLimitError, ask).code == "insufficient_quota"
    assert asked(key, "generate") == 1


def what_cost_nothing_is_sent_again(key: str) -> None:
    control("/faults", {"on": "apply_upload", "fault": "http_error", "account": key, "times": -1})
    ask = partial(client(key).images.edit, model=SMALL, prompt="a", image=PICTURE, n=1)
    error = error_of(openai.InternalServerError, ask)
    assert error.code == "upload_failed"
    assert error.response.request.headers["x-stainless-retry-count"] == "2"
    assert submissions(key) == 0


CHECKS = {
    "models": models,
    "models: base URL with and without /v1": with_and_without_v1,
    "generate: n exact": exactly_n,
    "generate: links": links,
    "generate: every parameter": every_parameter,
    "generate: OpenAI's names": names_of_openai,
    "edit": pictures_in,
    "stream": events,
    "stream: error": an_error_in_a_stream,
    "videos": from_order_to_film,
    "videos: first picture": first_pictures,
    "chat": a_picture_in_a_chat,
    "chat: stream": a_chat_in_pieces,
    "chat: draw, change, animate": a_conversation,
    "responses": a_response_and_the_next,
    "responses: stream": a_response_in_events,
    "errors": wrong_requests,
    "retries: lost answer": a_lost_answer_is_paid_once,
    "retries: failed job": a_failed_job_is_not_sent_again,
    "retries: refusal": a_refusal_is_not_sent_again,
    "retries: upload": what_cost_nothing_is_sent_again,
}

if __name__ == "__main__":
    run(CHECKS, "openai")
