"""What is read out of a conversation: the prompt, its pictures, and the newest picture before it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jimeng_api.domain.errors import InvalidRequest, InvalidValue, MissingParameter
from jimeng_api.web.chores import CHORES, chore_answer, chore_in
from jimeng_api.web.conversation import Turn, said_in, turn_of
from jimeng_api.web.text_options import TEXT_OPTIONS, options_in

OLD, NEW = "http://gateway.test/media/old", "http://gateway.test/media/new"
DATA = "data:image/png;base64,AAAA"


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def turn(*messages: Any) -> Turn:
    return turn_of(said_in(list(messages), param="messages"), param="messages")


def meant(*messages: Any, takes_pictures: bool = True) -> tuple[object, ...]:
    return turn(*messages).files_meant(takes_pictures=takes_pictures, param="messages")


def url_part(url: object) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "auto"}}


# --------------------------------------------------------------- the prompt ----


@pytest.mark.parametrize(
    "messages",
    [
        [user("a cat")],
        [user([{"type": "text", "text": "a cat"}])],
        [user([{"type": "input_text", "text": " a cat "}, {"type": "thinking", "text": "hm"}])],
        [user([{"text": "a cat"}, {"type": "text", "text": None}, None, 5])],
        [user(["a cat"], name="tom")],
        [{"role": "system", "content": "Draw."}, user("a dog"), assistant("ok"), user("a cat")],
        [{"role": "developer", "content": "Draw."}, user("a cat"), assistant(None, tool_calls=[])],
        [user("a cat"), {"role": "tool", "tool_call_id": "1", "content": "x"}],
        [{"role": "function", "name": "f", "content": "x"}, {"role": "USER", "content": "a cat"}],
        [{"content": "nobody says this"}, user("a cat")],
    ],
)
def test_the_last_message_of_the_user_is_the_prompt(messages: list[Any]) -> None:
    found = turn(*messages)
    assert (found.prompt, found.files) == ("a cat", ())


def test_words_in_several_parts_stand_below_each_other() -> None:
    parts = [{"type": "text", "text": "a cat"}, url_part(NEW), {"type": "text", "text": "asleep"}]
    assert turn(user(parts)).prompt == "a cat\nasleep"


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        (None, MissingParameter),
        ([], MissingParameter),
        ("a cat", InvalidValue),
        ({"role": "user"}, InvalidValue),
        (["a cat"], InvalidValue),
        ([assistant("hello")], MissingParameter),
        ([user("")], MissingParameter),
        ([user([url_part(NEW)])], MissingParameter),
        ([user("--ratio 16:9")], MissingParameter),
        ([user("x" * 32_001)], InvalidValue),
    ],
)
def test_a_conversation_that_asks_for_nothing_is_refused(
    messages: Any, error: type[InvalidRequest]
) -> None:
    with pytest.raises(error) as caught:
        turn_of(said_in(messages, param="messages"), param="messages")
    assert caught.value.param == "messages"


# ------------------------------------------------------------- its own files ----


@pytest.mark.parametrize(
    ("content", "files"),
    [
        ([url_part(NEW)], [NEW]),
        ([url_part(DATA), url_part(NEW)], [DATA, NEW]),
        ([{"type": "image_url", "image_url": NEW}], [NEW]),
        ([{"type": "image", "image": NEW}], [NEW]),
        ([{"type": "input_image", "image_url": NEW}], [NEW]),
        ([{"type": "input_image", "image_url": {"url": NEW}}], [NEW]),
        ([{"type": "input_image", "file_id": "abc"}], [{"file_id": "abc"}]),
        ([{"type": "image_url", "image_url": {"file_id": "abc"}}], [{"file_id": "abc"}]),
        ([{"type": "file", "file": {"file_id": "abc"}}], [{"file_id": "abc"}]),
        ([{"type": "file", "file": {"file_data": DATA, "filename": "a.png"}}], [DATA]),
        ([{"type": "input_file", "file_url": NEW}], [NEW]),
        ([{"type": "video_url", "video_url": {"url": NEW}}], [NEW]),
        (
            [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}],
            ["data:audio/mp3;base64,AAAA"],
        ),
        ([{"type": "text", "text": f"![x]({NEW})"}], [NEW]),
        ([{"type": "refusal", "refusal": "no"}], []),
    ],
)
def test_a_file_is_understood_in_every_form(content: list[Any], files: list[Any]) -> None:
    before = assistant(f"![old]({OLD})")
    words = {"type": "text", "text": "make it blue"}
    assert list(meant(before, user([words, *content]))) == (files or [OLD])


def test_a_file_that_cannot_be_made_out_is_handed_on_to_be_refused() -> None:
    part = {"type": "image", "source": {"type": "base64"}}
    assert meant(user([{"type": "text", "text": "blue"}, part])) == (part,)
    assert meant(assistant([part]), user("blue")) == ()


# ---------------------------------------------------------------- follow-ups ----


@pytest.mark.parametrize(
    "newest",
    [
        assistant(f"Here: ![a cat]({NEW})"),
        assistant(f'![a [small] cat]( <{NEW}> "title" ) and words'),
        assistant(f"[![a cat]({NEW})](https://example.org)"),
        assistant(f"![]({NEW})\n\nAnd a [link]({OLD})."),
        assistant([{"type": "text", "text": f"![a cat]({NEW})"}]),
        assistant([{"type": "output_text", "text": f"![a cat]({NEW})"}]),
        assistant([url_part(NEW)]),
        assistant("Here it is.", images=[url_part(NEW)]),
        assistant(None, images=[{"image_url": {"url": NEW}}]),
        assistant("", images=[NEW]),
        assistant(f"![a cat]({NEW})", images=[url_part(DATA)]),
        user([{"type": "text", "text": "this one"}, url_part(NEW)]),
        {"role": "tool", "tool_call_id": "1", "content": f"![a cat]({NEW})"},
    ],
)
def test_a_follow_up_means_the_newest_picture_wherever_it_stands(newest: dict[str, Any]) -> None:
    old = assistant(f"![old]({OLD})")
    assert meant(user("a cat"), old, user("another"), newest, user("make it blue")) == (NEW,)
    words = assistant("I have no picture, ![but](/files/words.png) ![x](sandbox:/y.png)")
    assert meant(old, newest, words, user("make it blue")) == (NEW,)
    assert meant(old, newest, user("make it blue"), words) == (NEW,)


def test_of_several_pictures_the_last_is_meant_or_the_one_that_is_picked() -> None:
    both = assistant(f"![1]({OLD})\n\n![2]({NEW})")
    assert meant(both, user("make it blue")) == (NEW,)
    assert meant(both, user("make it blue --image 1")) == (OLD,)
    hat = [{"type": "text", "text": "put the hat on it --image 1"}, url_part(DATA)]
    assert meant(both, user(hat)) == (OLD, DATA)
    for number in ("0", "3", "x", "²", "99999"):
        with pytest.raises(InvalidValue, match="has 2 of them"):
            meant(both, user(f"make it blue --image {number}"))
    with pytest.raises(InvalidValue, match="has 0 of them"):
        meant(user("make it blue --image 1"))


def test_nothing_is_followed_up_where_the_user_or_the_model_wants_none() -> None:
    newest = assistant(f"![a cat]({NEW})")
    assert meant(newest, user("a dog --new")) == ()
    assert turn(newest, user("a dog --new")).prompt == "a dog"
    assert meant(newest, user("a dog"), takes_pictures=False) == ()
    own = user([{"type": "text", "text": "a dog"}, url_part(OLD)])
    assert meant(newest, own, takes_pictures=False) == (OLD,)
    logo = {"role": "system", "content": f"Our logo: ![logo]({OLD})"}
    assert meant(logo, user("a dog")) == ()


def test_a_picture_in_base64_of_many_megabytes_is_found_in_no_time() -> None:
    large = "data:image/png;base64," + "A" * 8_000_000
    hostile = "![" * 500_000 + "![[x]" * 200_000 + "](" + "(a" * 200_000 + " " * 500_000
    began = time.process_time()
    assert meant(assistant(f"{hostile}\n![a cat]({large})"), user("make it blue")) == (large,)
    assert time.process_time() - began < 5  # of work, however slow the machine: it takes a tenth


# ---------------------------------------------------- parameters in the words ----


@pytest.mark.parametrize(
    ("text", "words", "options"),
    [
        ("a cat --ratio 16:9 --n 2", "a cat", {"ratio": "16:9", "n": "2"}),
        ("a cat\n--ar 16:9", "a cat", {"ratio": "16:9"}),
        ("a cat --size=1024x1024 ", "a cat", {"size": "1024x1024"}),
        ("a cat —duration 5", "a cat", {"seconds": "5"}),
        ("a cat --duration 5 --seconds 8", "a cat", {"seconds": "8"}),
        ('a cat --no "dogs, text"', "a cat", {"negative_prompt": "dogs, text"}),
        ("a cat --negative-prompt “dogs, text” --N 1", "a cat", {"negative_prompt": "dogs, text", "n": "1"}),
        ("a cat --resolution 2k --quality high", "a cat", {"resolution": "2k", "quality": "high"}),
        ("a cat --model jimeng-video-3.0", "a cat", {"model": "jimeng-video-3.0"}),
        ("a cat --new", "a cat", {"new": ""}),
        ("画一只猫 --ratio 1:1", "画一只猫", {"ratio": "1:1"}),
        ("a cat --ratio 16:9 please", "a cat --ratio 16:9 please", {}),
        ("a cat --style raw --n 2", "a cat --style raw", {"n": "2"}),
        ("a cat -- asleep", "a cat -- asleep", {}),
        ("a cat--n 2", "a cat--n 2", {}),
        ("a cat ---n 2", "a cat ---n 2", {}),
        ("git commit --amend", "git commit --amend", {}),
        ("", "", {}),
        ("--n 2", "", {"n": "2"}),
    ],
)  # fmt: skip
def test_parameters_stand_at_the_end_of_the_words(
    text: str, words: str, options: dict[str, str]
) -> None:
    assert options_in(text, param="messages") == (words, options)


@pytest.mark.parametrize("text", ["a cat --ratio", "a cat --n --ratio 1:1", "a cat --new yes"])
def test_a_parameter_without_its_value_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="at the end of the prompt"):
        options_in(text, param="messages")


NAMES = st.sampled_from([name for name in TEXT_OPTIONS if name != "new"])
VALUES = st.text("abcXYZ0123456789:x.", min_size=1, max_size=10)


@given(st.text("abc -—\n", max_size=30), st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_whatever_is_written_behind_the_words_is_read_back(
    words: str, written: list[tuple[str, str]]
) -> None:
    text = words + "".join(f" --{name} {value}" for name, value in written)
    found, options = options_in(text, param="messages")
    assert found == words.strip()
    assert options == {TEXT_OPTIONS[name]: value for name, value in written}


# -------------------------------------------------------------------- chores ----


@pytest.mark.parametrize("chore", CHORES, ids=lambda chore: f"{chore.client} {chore.asks_for}")
def test_what_clients_ask_on_the_side_is_known_by_its_first_words(chore: Any) -> None:
    begins = chore.begins.replace(": ", ":\n", 1)
    asked = f"{begins} … {chore.holds}\n<chat_history>\nUSER: a  small cat\nASSISTANT: ok\n"
    for messages in (
        [user(asked)],
        [user("a small cat"), assistant("ok"), user(asked)],
        [{"role": "system", "content": asked}, user("user: a small cat\nassistant: ok")],
        [{"role": "system", "content": asked}, user("a small  cat")],
        [user("a small cat"), assistant("ok"), {"role": "system", "content": asked}],
    ):
        heard = said_in(messages, param="messages")
        assert chore_in(heard) == chore
        answer = chore_answer(chore, heard)
        if isinstance(chore.answer, str):
            assert answer == "a small cat"
        else:
            (name,) = chore.answer
            assert json.loads(answer) in ({name: "a small cat"}, {name: ""}, {name: []})


def test_a_title_is_short_and_in_the_users_words() -> None:
    def title(*messages: dict[str, Any]) -> str:
        heard = said_in(list(messages), param="messages")
        chore = chore_in(heard)
        assert chore is not None
        return chore_answer(chore, heard)

    name_it = user("Based on the chat history, give this conversation a name.")
    assert title(user("a cat " * 40), name_it) == ("a cat " * 40)[:59] + "…"
    assert title(name_it) == "Jimeng"
    naming = {"role": "system", "content": "Summarize the given session as a 10-word title"}
    assert title(naming, user('[{"role": "user", "mainText": "a cat"}]')) == "Jimeng"


@pytest.mark.parametrize(
    "messages",
    [
        [user("a cat")],
        [user("### Task: draw a cat")],
        [user("### Task:\nRespond to the user query using the provided context")],
        [user("a poster that says: Based on the chat history, give this conversation a name")],
        [{"role": "system", "content": "You are a painter."}, user("a cat")],
        [{"role": "system", "content": "Available Tools: brush, pencil"}, user("a cat")],
        [user("### Task:\nGenerate 1-3 broad tags"), assistant("{}"), user("a cat")],
        [],
    ],
)
def test_whoever_wants_a_picture_is_not_put_off_with_words(messages: list[Any]) -> None:
    assert chore_in(said_in(messages, param="messages") if messages else ()) is None


# ------------------------------------------------------------------ anything ----

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([NEW, DATA]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "image_url", "url", "images", "file", "file_id"]
            ),
            inner
            | st.sampled_from(["user", "assistant", "image_url", "text", "file", "input_audio"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_sent_is_understood_or_refused(messages: Any) -> None:
    with suppress(InvalidRequest):
        heard = said_in(messages, param="messages")
        chore_in(heard)
        found = turn_of(heard, param="messages")
        assert found.prompt
        files = found.files_meant(takes_pictures=True, param="messages")
        assert all(isinstance(one, (str, dict)) for one in files)
