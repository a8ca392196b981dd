"""Errors: a row for each, one shape for all, and nothing sent twice that may cost twice."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jimeng_api.domain import errors
from jimeng_api.domain.errors import GatewayError, every_error
from jimeng_api.web.errors import LOOKS, error_answer
from jimeng_api.web.incoming import MAX_DEPTH, json_object
from tests.malformed import MALFORMED_JSON, nested
from tests.unit.web.conftest import Events
from tests.unit.web.web_edge import CAT, GENERATIONS, KEY, Edge

MAYBE_PAID = (errors.Charge.CHARGED, errors.Charge.UNKNOWN)
RETRIED_BY_CLIENTS = {408, 409, 429, *range(500, 600)}


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert set(LOOKS) == set(every_error())


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_what_may_have_been_paid_for_is_never_sent_again(kind: type[GatewayError]) -> None:
    if kind.charge in MAYBE_PAID:
        assert not LOOKS[kind].resend


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_a_row_and_its_answer_agree(kind: type[GatewayError]) -> None:
    error = kind("What happened.")
    answer = error_answer(error)
    look = LOOKS[kind]
    assert answer.status_code == look.status
    assert (answer.headers.get("x-should-retry") == "false") is not look.resend
    assert 400 <= look.status < 600
    assert look.status not in (402, 409)
    # OpenAI's own word is 400; 422 is what the draft of the Idempotency-Key header says.
    assert (look.status == 422) == (kind is errors.KeyReused)
    if look.resend:
        assert look.status in RETRIED_BY_CLIENTS
    assert json.loads(bytes(answer.body)) == {
        "error": {
            "message": "What happened.",
            "type": look.type,
            "param": error.param,
            "code": kind.code,
        }
    }


@pytest.mark.parametrize(
    ("seconds", "header"), [(0, "1"), (0.2, "1"), (7.0, "7"), (7.1, "8"), (math.inf, None)]
)
def test_retry_after_is_whole_seconds(seconds: float, header: str | None) -> None:
    answer = error_answer(errors.RateLimited("Later.", retry_after=seconds))
    assert answer.headers.get("retry-after") == header


# ----------------------------------------------------------------- json ----


@pytest.mark.parametrize(("body", "says"), MALFORMED_JSON)
def test_json_that_is_none_or_too_much_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(errors.MalformedBody, match=re.escape(says)):
        json_object(body)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": null, "b": 0}', {"b": 0}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a": "' + b"[" * 100 + b'"}', {"a": "[" * 100}),
        (b'{"a": [' + b"[]," * 100 + b"[]]}", {"a": [[]] * 101}),
    ],
)
def test_json_that_is_fine_is_read(body: bytes, found: object) -> None:
    assert json_object(body) == found


def test_json_may_be_nested_as_deep_as_is_said() -> None:
    assert json_object(nested(MAX_DEPTH))


async def test_a_body_that_is_no_json_is_a_400_in_the_usual_shape() -> None:
    answer = await Edge().call("POST", GENERATIONS, body=b"{")
    assert (answer.status, answer.error["code"]) == (400, "malformed_body")


async def test_a_body_is_only_read_for_those_who_may_come_in() -> None:
    answer = await Edge().call("POST", GENERATIONS, key=None, body=b"{")
    assert answer.status == 401


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(
    [
        *("prompt", "model", "n", "size", "ratio", "aspect_ratio", "aspectRatio", "resolution"),
        *("quality", "negative_prompt", "sample_strength", "seed", "intelligent_ratio", "stream"),
        *("response_format", "output_format", "output_compression", "background", "style", "user"),
        *("image", "images", "mask", "svg", "frame_count", "partial_images", "anything"),
    ]
)
likely = st.sampled_from(
    [
        1,
        0,
        -1,
        11,
        "2",
        "auto",
        "16:9",
        "2k",
        "1024x1024",
        "url",
        "b64_json",
        "png",
        "gif",
        True,
        "",
    ]
)
EDGE = Edge()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.dictionaries(names, likely | json_values, max_size=8))
async def test_no_object_makes_the_gateway_stumble(body: dict[str, object]) -> None:
    sent = json.dumps({**CAT, **body}).encode("utf-8", "surrogatepass")
    answer = await EDGE.call("POST", GENERATIONS, body=sent)
    assert answer.status in (200, 400, 403, 404), answer.body
    if answer.status != 200:
        assert set(answer.error) >= {"message", "type", "param", "code"}


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "replace")))
async def test_no_bytes_make_the_gateway_stumble(body: bytes) -> None:
    answer = await EDGE.call("POST", GENERATIONS, body=body)
    assert answer.status == 400
    assert answer.error["code"] in ("malformed_body", "missing_required_parameter")


@settings(max_examples=200, deadline=None)
@given(path=st.text(max_size=40), query=st.text(alphabet="limitoderafs=&%0123456789", max_size=30))
async def test_no_path_makes_the_gateway_stumble(path: str, query: str) -> None:
    plain = "/" + path.replace("?", "").encode("utf-8", "replace").decode()
    answer = await EDGE.call("GET", f"{plain}?{query}")
    assert answer.status < 500


# --------------------------------------------------------------- events ----


async def test_every_request_is_one_event_with_ids_and_nothing_private(events: Events) -> None:
    edge = Edge()
    answer = await edge.generate(prompt="a private wish")
    await edge.get("/media/media-job_0-0?token=private")
    await edge.get("/v1/nothing/private")
    first, second, third = (event for event in events if event["event"] == "request")
    assert (first["route"], first["status"], first["job"]) == ("/images/generations", 200, "job_0")
    assert (first["method"], first["client"]) == ("POST", "203.0.113.9")
    assert first["seconds"] >= 0
    assert second["route"] == "/media/{media_id}"
    assert (third["route"], third["status"]) == ("none", 404)
    assert answer.headers["x-request-id"].startswith("req_")
    told = repr(events)
    assert "private" not in told
    assert KEY not in told
    assert "media-job" not in told


async def test_a_defect_is_logged_with_its_request(events: Events) -> None:
    edge = Edge()
    edge.desk.breaks = ZeroDivisionError("insides")
    await edge.generate()
    [failed] = [event for event in events if event["event"] == "request_failed"]
    assert (failed["log_level"], failed["route"]) == ("error", "/images/generations")


async def test_signs_of_life_are_logged_quietly(events: Events) -> None:
    await Edge().get("/ping")
    assert [event["log_level"] for event in events] == ["debug"]
