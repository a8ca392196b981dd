"""What chat clients ask on the side, mostly of the same model: titles, tags, summaries. Rows of data, pure.

Nobody asked for a picture, and nobody shall pay for one: such a request is answered with text, at once, and
nothing is sent upstream. A title is the user's own first words; what would have to be thought up stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jimeng_api.web.conversation import Said

TITLE = "{title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A request that a client makes by itself: how its words begin, and what is answered.

    `holds` is further on in them, where the beginning alone could be anybody's. `answer` is a text, or an
    object that is answered as JSON; `{title}` in it becomes a title.
    """

    client: str
    asks_for: str
    begins: str
    answer: str | Mapping[str, Any]
    holds: str = ""

    def is_in(self, text: str) -> bool:
        """White space is as it comes."""
        start = " ".join(text[: 2 * len(self.begins)].split())
        return start.lower().startswith(self.begins.lower()) and self.holds in text


CHORES: Sequence[Chore] = (
    Chore(
        client="Open WebUI",
        asks_for="a title",
        begins="### Task: Generate a concise, 3-5 word title",
        answer={"title": TITLE},
    ),
    Chore(
        client="Open WebUI",
        asks_for="tags",
        begins="### Task: Generate 1-3 broad tags",
        answer={"tags": []},
    ),
    Chore(
        client="Open WebUI",
        asks_for="questions to go on with",
        begins="### Task: Suggest 3-5 relevant follow-up",
        answer={"follow_ups": []},
    ),
    Chore(
        client="Open WebUI",
        asks_for="searches",
        begins="### Task: Analyze the chat history to determine the necessity of generating search queries",
        answer={"queries": []},
    ),
    Chore(
        client="Open WebUI",
        asks_for="the rest of what is being typed",
        begins="### Task: You are an autocompletion system",
        answer={"text": ""},
    ),
    Chore(
        client="Open WebUI",
        asks_for="a prompt for another image model",
        begins="### Task: Generate a detailed prompt for am image generation task",
        answer={"prompt": TITLE},
    ),
    Chore(
        client="Open WebUI",
        asks_for="tools to call",
        begins="Available Tools:",
        holds="Your task is to choose and return the correct tool(s)",
        answer={"tool_calls": []},
    ),
    Chore(
        client="LibreChat",
        asks_for="a title",
        begins="Provide a concise, 5-word-or-less title for the conversation",
        answer=TITLE,
    ),
    Chore(
        client="LibreChat",
        asks_for="a title",
        begins="Please generate a concise, 5-word-or-less title for the conversation",
        answer=TITLE,
    ),
    Chore(
        client="NextChat",
        asks_for="a title",
        begins="Please generate a four to five word title summarizing our conversation",
        answer=TITLE,
    ),
    Chore(
        client="NextChat",
        asks_for="a title",
        begins="使用四到五个字直接返回这句话的简要主题",
        answer=TITLE,
    ),
    Chore(
        client="NextChat",
        asks_for="a summary",
        begins="Summarize the discussion briefly in 200 words or less to use as a prompt for future context",
        answer=TITLE,
    ),
    Chore(
        client="NextChat",
        asks_for="a summary",
        begins="简要总结一下对话内容，用作后续的上下文提示 prompt",
        answer=TITLE,
    ),
    Chore(
        client="LobeHub",
        asks_for="a title",
        begins="You are a professional conversation summarizer",
        answer=TITLE,
    ),
    Chore(
        client="LobeHub",
        asks_for="a title",
        begins="你是一名擅长会话的助理，你需要将用户的会话总结为",
        answer=TITLE,
    ),
    Chore(
        client="Cherry Studio",
        asks_for="a title",
        begins="总结给出的会话，将其总结为语言为",
        answer=TITLE,
    ),
    Chore(
        client="Cherry Studio",
        asks_for="a title",
        begins="将给定的对话总结为一个10字以内的标题",
        answer=TITLE,
    ),
    Chore(
        client="Cherry Studio",
        asks_for="a title",
        begins="Summarize the given session as a 10-word title",
        answer=TITLE,
    ),
    Chore(
        client="n8n",
        asks_for="a title",
        begins="Generate a concise, descriptive title for this conversation based on the user's message",
        answer=TITLE,
    ),
    Chore(
        client="Chatbox",
        asks_for="a title",
        begins="Based on the chat history, give this conversation a name",
        answer=TITLE,
    ),
)

# How clients write the conversation into such a request.
_QUOTED = re.compile(r"(?:^|[\n>])[ \t]*+(?:user|human|用户)[ \t]*[:：]([^\n<]+)", re.IGNORECASE)
_CODE = ("[", "{")
_LONGEST = 60
_UNTITLED = "Jimeng"


def chore_in(messages: Sequence[Said]) -> Chore | None:
    """The chore that the conversation ends in, or that its instructions are; None where there is none."""
    instructions = [one.text for one in messages if one.role in ("system", "developer")]
    for text in (*(one.text for one in messages[-1:]), *instructions[:1]):
        for chore in CHORES:
            if chore.is_in(text):
                return chore
    return None


def chore_answer(chore: Chore, messages: Sequence[Said]) -> str:
    title = _title(chore, messages)
    if isinstance(chore.answer, str):
        return chore.answer.replace(TITLE, title)
    filled = {name: title if value == TITLE else value for name, value in chore.answer.items()}
    return json.dumps(filled, ensure_ascii=False)


def _title(chore: Chore, messages: Sequence[Said]) -> str:
    """The user's first words: those of the conversation itself, or as the request quotes them."""
    quoted = _QUOTED.search(messages[-1].text)
    users = [one.text for one in messages if one.role == "user" and not chore.is_in(one.text)]
    first = quoted[1] if quoted else next(iter(users), "")
    words = "" if first.startswith(_CODE) else " ".join(first.split())
    return f"{words[: _LONGEST - 1]}…" if len(words) > _LONGEST else words or _UNTITLED
