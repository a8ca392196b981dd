"""LangChain: its chat model, and its wrapper for pictures out of langchain-community."""

from __future__ import annotations

import warnings
from typing import Any

warnings.simplefilter("ignore", DeprecationWarning)  # langchain-community is being sunset

from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402

from tests.clients.python.checks import BASE, SMALL, is_picture, is_picture_link, link_in, run  # noqa: E402


def wrapper(key: str, **more: Any) -> Any:
    return DallEAPIWrapper(base_url=BASE, api_key=key, **more)


def links(key: str) -> None:
    is_picture_link(wrapper(key, model=SMALL).run("a cat"))


def its_own_model(key: str) -> None:
    """`dall-e-2`, which it takes where no model is named."""
    is_picture_link(wrapper(key).run("a cat"))


def several(key: str) -> None:
    made = wrapper(key, model=SMALL, n=2).run("a cat").split("\n")
    assert len(made) == 2
    for link in made:
        is_picture_link(link)


def chat(key: str) -> Any:
    return ChatOpenAI(model=SMALL, base_url=BASE, api_key=key)


def a_picture_in_a_chat(key: str) -> None:
    said = chat(key).invoke("a cat")
    assert said.response_metadata["finish_reason"] == "stop"
    is_picture_link(link_in(said.content))


def a_chat_in_pieces(key: str) -> None:
    said = "".join(piece.content for piece in chat(key).stream("a cat"))
    is_picture_link(link_in(said))


def the_picture_is_changed(key: str) -> None:
    drawn = chat(key).invoke("a cat")
    changed = chat(key).invoke([("user", "a cat"), ("ai", drawn.content), ("user", "make it blue")])
    assert link_in(changed.content) != link_in(drawn.content)


def with_the_tool(key: str) -> None:
    model = ChatOpenAI(model=SMALL, base_url=BASE, api_key=key, use_responses_api=True)
    said = model.bind_tools([{"type": "image_generation"}]).invoke("draw a cat")
    made = [part for part in said.content if part["type"] == "image_generation_call"]
    assert made
    for part in made:
        is_picture(part["result"])


CHECKS = {
    "generate: links": links,
    "generate: its own model": its_own_model,
    "generate: n exact": several,
    "chat": a_picture_in_a_chat,
    "chat: stream": a_chat_in_pieces,
    "chat: follow-up": the_picture_is_changed,
    "responses: tool": with_the_tool,
}

if __name__ == "__main__":
    run(CHECKS, "langchain-openai", "langchain-community", "openai")
