"""LangChain: its wrapper for pictures, from langchain-community, and its chat model."""

from __future__ import annotations

from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper

from tests.clients.python.checks import BASE, SMALL, is_picture_link, run


def links(key: str) -> None:
    wrapper = DallEAPIWrapper(model=SMALL, openai_api_base=BASE, openai_api_key=key)
    is_picture_link(wrapper.run("a cat"))


def its_own_model(key: str) -> None:
    """`dall-e-2`, which it takes where no model is named."""
    is_picture_link(DallEAPIWrapper(openai_api_base=BASE, openai_api_key=key).run("a cat"))


def several(key: str) -> None:
    wrapper = DallEAPIWrapper(model=SMALL, n=2, openai_api_base=BASE, openai_api_key=key)
    made = wrapper.run("a cat").split(wrapper.separator)
    assert len(made) == 2
    for link in made:
        is_picture_link(link)


CHECKS = {
    "generate: links": links,
    "generate: its own model": its_own_model,
    "generate: n exact": several,
}

if __name__ == "__main__":
    run(CHECKS, "langchain-openai", "langchain-community", "openai")
