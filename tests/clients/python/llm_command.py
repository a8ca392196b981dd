"""The command `llm`, with models that a file of settings names, and its plugin for pictures."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clients.python.checks import BASE, PICTURE, SMALL, is_picture_link, link_in, run

LLM = str(Path(sys.executable).parent / "llm")
MODELS = f"""
- model_id: jimeng
  model_name: {SMALL}
  api_base: {BASE}
  api_key_name: jimeng
  vision: true
"""


def llm(key: str, *arguments: str, **more: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "extra-openai-models.yaml").write_text(MODELS)
        done = subprocess.run(
            [LLM, *arguments, "--key", key],
            env={**os.environ, "LLM_USER_PATH": folder, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def a_picture_in_a_chat(key: str) -> None:
    is_picture_link(link_in(llm(key, "-m", "jimeng", "draw a cat", "--no-stream")))


def a_chat_in_pieces(key: str) -> None:
    is_picture_link(link_in(llm(key, "-m", "jimeng", "draw a cat")))


def with_a_picture(key: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(PICTURE)
        file.flush()
        said = llm(key, "-m", "jimeng", "the same, asleep", "-a", file.name)
    is_picture_link(link_in(said))


def the_plugin(key: str) -> None:
    """It has no setting for the address, but the SDK below it has."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cat.png")
        asked = ("-m", "openai/gpt-image-1.5", "a cat", "-o", "output", str(file))
        llm(key, *asked, OPENAI_BASE_URL=BASE)
        assert file.read_bytes().startswith(b"\x89PNG")


CHECKS = {
    "chat": a_picture_in_a_chat,
    "chat: stream": a_chat_in_pieces,
    "chat: picture": with_a_picture,
    "generate: llm-openai-images": the_plugin,
}

if __name__ == "__main__":
    run(CHECKS, "llm", "llm-openai-images", "openai")
