from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jimeng_api.domain.errors import (
    ContentRefused,
    GatewayError,
    GenerationFailed,
    JobLost,
    OutOfCredits,
    ProtocolChanged,
    RateLimited,
    RiskControl,
    SessionExpired,
    SubmissionUncertain,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Item, Progress, Queue, Stage
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.replies import (
    Answer,
    Expiring,
    Reply,
    credits_of,
    granted,
    plain,
    progress_of,
    queues,
    records,
    signature_clock,
    signed_in,
    submitted,
    unwrap,
)

SUBMIT_ID = "11111111-2222-4333-8444-555555555555"
HISTORY_ID = "13500000000001"
PICTURE = "https://p26-dreamina-sign.byteimg.com/tos-cn-i-x/abc~resize:0:0.png?lk3s=4&x-expires=1769558400"
COVER = (
    "https://p3-dreamina-sign.byteimg.com/tos-cn-i-x/abc~resize:200:200.jpeg?x-expires=1767229200"
)
POLLING = {"interval_seconds": 30, "timeout_seconds": 86400}


def record(**fields: Any) -> dict[str, Any]:
    return {
        "generate_type": 1,
        "history_record_id": HISTORY_ID,
        "origin_history_record_id": None,
        "created_time": 1767225601.321,
        "submit_id": SUBMIT_ID,
        "mode": "workbench",
        "uid": "700000000000001",
        "history_group_key": "two horses running",
        "model_info": {"model_name": "5.0 Lite", "model_req_key": "high_aes_general_v50"},
        **fields,
    }


def item(number: int = 0, **image: Any) -> dict[str, Any]:
    id_ = f"760000000000000000{number}"
    return {
        "common_attr": {
            "id": id_,
            "effect_id": id_,
            "local_item_id": id_,
            "effect_type": 9,
            "cover_url": COVER,
            "item_urls": [""],
            "create_time": 1767225613,
            "status": 144,
            "cover_url_map": {"360": COVER},
            "cover_uri": "tos-cn-i-x/abc",
            "cover_width": 2048,
            "cover_height": 2048,
        },
        "author": None,
        "image": {
            "format": "png",
            "large_images": [
                {
                    "image_uri": "tos-cn-i-x/abc",
                    "image_url": PICTURE,
                    "width": 2048,
                    "height": 2048,
                    "format": "png",
                }
            ],
            **image,
        },
        "aigc_image_params": {"generate_type": 1},
    }


def body(data: Any = None, *, ret: Any = "0", **more: Any) -> bytes:
    wrapped = {
        "ret": ret,
        "errmsg": "success",
        "systime": "1767225601",
        "logid": "L1",
        "data": data,
    }
    return json.dumps(wrapped | more).encode()


def ok(data: Any = None, **more: Any) -> Answer:
    return Answer(200, {}, body(data, **more))


def look(**fields: Any) -> Progress:
    return progress_of(json.dumps(record(**fields)).encode())


def failed(**fields: Any) -> GatewayError:
    progress = look(**fields)
    assert progress.stage is Stage.FAILED
    assert progress.failure is not None
    assert progress.failure.charge == "unknown"
    return progress.failure.error()


# ------------------------------------------------------------------------ samples ----


def test_an_accepted_submission_is_read_completely() -> None:
    data = {
        "aigc_data": record(
            item_list=[],
            origin_item_list=[],
            task={
                "task_id": HISTORY_ID,
                "submit_id": SUBMIT_ID,
                "status": 20,
                "finish_time": 0,
                "history_id": HISTORY_ID,
                "task_payload": None,
            },
            status=20,
            forecast_generate_cost=23,
            forecast_queue_cost=0,
            queue_info={
                "queue_idx": 0,
                "priority": 3,
                "queue_status": 2,
                "queue_length": 0,
                "polling_config": POLLING,
            },
            total_image_count=0,
            finished_image_count=0,
        ),
        "fail_code": "",
        "fail_starling_key": "",
    }
    expected = Progress(
        submit_id=SUBMIT_ID,
        history_id=HISTORY_ID,
        stage=Stage.WAITING,
        status=20,
        queue=Queue(wait_seconds=0, run_seconds=23, interval_seconds=30),
    )
    assert submitted(ok(data)) == expected
    assert submitted(ok(data["aigc_data"])) == expected  # some answers leave out the wrapping


def test_a_queued_job_tells_its_place() -> None:
    progress = look(
        item_list=[],
        task={"task_id": HISTORY_ID, "status": 20, "finish_time": 0},
        status=20,
        finish_time=0,
        fail_code="",
        total_image_count=0,
        finished_image_count=0,
        forecast_generate_cost=23,
        forecast_queue_cost=95,
        queue_info={
            "queue_idx": 37,
            "priority": 2,
            "queue_status": 1,
            "queue_length": 5210,
            "polling_config": POLLING,
        },
    )
    assert progress.stage is Stage.WAITING
    assert progress.queue == Queue(
        position=37,
        length=5210,
        waiting=True,
        wait_seconds=95,
        run_seconds=23,
        interval_seconds=30,
    )


def test_a_finished_job_offers_its_pictures() -> None:
    progress = look(
        status=50,
        finish_time=1767225613,
        task={"status": 50, "finish_time": 1767225613, "history_id": HISTORY_ID},
        total_image_count=4,
        finished_image_count=4,
        image_type=3,
        item_list=[item(n) for n in range(4)],
    )
    assert progress.stage is Stage.DONE
    assert (progress.total, progress.finished, progress.finished_at) == (4, 4, 1767225613)
    assert progress.items[0] == Item(
        id="7600000000000000000", url=PICTURE, width=2048, height=2048, format="png"
    )
    assert len(progress.items) == 4
    assert progress.failure is None


def test_a_job_that_is_partly_done_shows_what_is_there() -> None:
    progress = look(
        status=45,
        item_list=[item(0), item(1)],
        finish_time=0,
        total_image_count=4,
        finished_image_count=2,
    )
    assert progress.stage is Stage.PARTIAL
    assert (len(progress.items), progress.total, progress.finished) == (2, 4, 2)
    assert progress.finished_at == 0


def test_a_failed_job_keeps_the_upstreams_words() -> None:
    error = failed(
        status=30,
        item_list=[],
        fail_code="100402",
        fail_starling_key="web_generation_failed",
        fail_starling_message="生成失败,请稍后重试",
    )
    assert type(error) is GenerationFailed
    assert error.upstream is not None
    assert error.upstream.code == "100402"
    assert "生成失败" in error.upstream.text
    assert "100402" in error.message


@pytest.mark.parametrize(
    "fields",
    [
        {
            "status": 30,
            "fail_code": "2038",
            "fail_starling_key": "web_text_violates_community_guidelines_toast",
        },
        {"status": 30, "fail_code": "", "fail_starling_key": "web_fail2generate_copyright_block"},
        {"status": 30, "fail_code": 2039},
        {"status": 10, "item_list": []},
        {"status": 40, "item_list": None, "fail_code": "0"},
    ],
)
def test_refused_content_is_told_from_a_failure(fields: dict[str, Any]) -> None:
    assert type(failed(**fields)) is ContentRefused


# ------------------------------------------------------------------------ stages ----


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (0, Stage.WAITING),
        (20, Stage.WAITING),
        (42, Stage.RUNNING),
        (45, Stage.PARTIAL),
        (50, Stage.DONE),
        (10, Stage.FAILED),
        (30, Stage.FAILED),
        (40, Stage.FAILED),
        (100, Stage.FAILED),
        (60, Stage.RUNNING),
        (70, Stage.RUNNING),
        (80, Stage.RUNNING),
        (-1, Stage.RUNNING),
        (21, Stage.RUNNING),
        (12345, Stage.RUNNING),
        ("50", Stage.DONE),
        (50.0, Stage.DONE),
        (None, Stage.RUNNING),
        ("new", Stage.RUNNING),
    ],
)
def test_a_status_is_a_stage(status: Any, stage: Stage) -> None:
    assert look(status=status).stage is stage


def test_a_status_that_only_the_task_names_counts() -> None:
    progress = look(task={"status": "45", "finish_time": "7.5", "submit_id": None})
    assert (progress.stage, progress.status) == (Stage.PARTIAL, 45)
    assert progress.finished_at == 7.5


def test_pictures_contradict_a_rejection_before_the_run() -> None:
    assert look(status=10, item_list=[item()]).stage is Stage.PARTIAL


def test_a_failure_after_some_pictures_keeps_them() -> None:
    progress = look(status=30, item_list=[item(0), item(1), item(2)], total_image_count=4)
    assert progress.stage is Stage.FAILED
    assert len(progress.items) == 3
    assert progress.failure is not None


@pytest.mark.parametrize("status", [60, 70, 80])
def test_a_doubtful_status_is_a_failure_where_a_reason_stands_beside_it(status: int) -> None:
    assert type(failed(status=status, fail_code="100402")) is GenerationFailed


def test_a_job_deleted_on_the_site_is_lost() -> None:
    assert type(failed(status=100)) is JobLost


def test_an_unknown_fail_code_is_a_failed_generation_with_its_code() -> None:
    error = failed(status=30, fail_code=987654)
    assert type(error) is GenerationFailed
    assert error.upstream is not None
    assert error.upstream.code == "987654"


def test_the_key_speaks_before_the_code() -> None:
    assert (
        type(failed(status=30, fail_code="2038", fail_starling_key="x_risk_control_y"))
        is RiskControl
    )


# ---------------------------------------------------------------------- tolerance ----


@pytest.mark.parametrize("ret", ["0", 0, 0.0, " 0 "])
def test_success_may_be_a_text_or_a_number(ret: Any) -> None:
    assert json.loads(unwrap(ok({"a": 1}, ret=ret)).data) == {"a": 1}


@pytest.mark.parametrize("ret", ["1006", 1006, 1006.0])
def test_a_refusal_may_be_a_text_or_a_number(ret: Any) -> None:
    with pytest.raises(OutOfCredits):
        unwrap(ok(None, ret=ret))


@pytest.mark.parametrize("code", ["", "0", 0, None])
def test_no_fail_code_has_four_spellings(code: Any) -> None:
    error = failed(status=30, fail_code=code)
    assert error.upstream is not None
    assert error.upstream.code == "status 30"


def test_ids_may_be_numbers() -> None:
    progress = progress_of(b'{"history_record_id":13500000000001,"submit_id":null,"status":20}')
    assert progress.history_id == HISTORY_ID
    assert progress.submit_id == ""


def test_ids_are_also_found_in_the_task_and_in_the_question() -> None:
    task = b'{"task":{"task_id":"7","submit_id":"s"},"status":20}'
    assert progress_of(task).history_id == "7"
    assert progress_of(task).submit_id == "s"
    named = progress_of(b"{}", submit_id="mine", history_id="9")
    assert (named.submit_id, named.history_id) == ("mine", "9")


@pytest.mark.parametrize("value", [1767225613, 1767225613.0, "1767225613", 1767225613000])
def test_a_moment_may_be_written_in_many_ways(value: Any) -> None:
    assert look(status=50, finish_time=value).finished_at == 1767225613


def test_a_twice_escaped_ampersand_is_undone() -> None:
    escaped = PICTURE.replace("&", "\\u0026")
    (picture,) = look(item_list=[item(large_images=[{"image_url": escaped}])]).items
    assert picture.url == PICTURE


@pytest.mark.parametrize("large", [None, [], [{}], [None], [{"image_url": ""}], "x", {"a": 1}])
def test_without_a_full_picture_the_small_one_is_a_preview(large: Any) -> None:
    (picture,) = look(item_list=[item(large_images=large)]).items
    assert picture == Item(id="7600000000000000000", url=COVER, preview=True)


def test_the_first_full_picture_with_a_link_counts() -> None:
    images = [
        {"image_url": ""},
        {"image_url": PICTURE, "width": "10", "height": 20.0, "format": "WEBP"},
    ]
    (picture,) = look(item_list=[item(large_images=images)]).items
    assert picture == Item(
        id="7600000000000000000", url=PICTURE, width=10, height=20, format="webp"
    )


def test_an_item_is_named_by_whichever_id_it_has() -> None:
    def named(**common: Any) -> str:
        entry = item()
        entry["common_attr"] = common
        (picture,) = look(item_list=[entry]).items
        return picture.id

    assert named(local_item_id=76) == "76"
    assert named(id="", effect_id="e") == "e"
    assert named() == "tos-cn-i-x/abc"


def test_what_cannot_be_fetched_is_no_picture() -> None:
    entries = [None, 3, {}, {"common_attr": None, "image": None}, item(0), item(0), item(1)]
    assert len(look(status=50, item_list=entries).items) == 2


@pytest.mark.parametrize("nothing", [None, {}, "", 0, "x"])
def test_parts_that_are_missing_or_odd_leave_the_rest_readable(nothing: Any) -> None:
    progress = look(
        status=42,
        item_list=nothing,
        task=nothing,
        queue_info=nothing,
        finish_time=nothing,
        total_image_count=nothing,
        finished_image_count=nothing,
        forecast_queue_cost=nothing,
        something_new={"x": [1, 2]},
    )
    assert progress.stage is Stage.RUNNING
    assert progress.items == ()
    assert (progress.total, progress.finished_at) == (0, 0)


@pytest.mark.parametrize("value", ["1e999", "nan", "-5", "9" * 5000])
def test_a_number_that_is_none_is_nothing(value: str) -> None:
    progress = look(
        status=20, total_image_count=value, finish_time=value, forecast_queue_cost=value
    )
    assert progress.total == 0
    assert progress.finished_at == 0
    assert progress.queue.wait_seconds is None


def test_the_upstreams_words_are_made_harmless() -> None:
    nasty = "\x1b[31mred\x1b[0m\x07 <b>\u202e" + "x" * 1000
    with pytest.raises(GatewayError) as caught:
        unwrap(ok(None, ret="1006", errmsg=nasty, logid="a\nb"))
    upstream = caught.value.upstream
    assert upstream is not None
    assert upstream.text.startswith("red <b>xxx")
    assert len(upstream.text) == 300
    assert upstream.log_id == "a b"
    assert upstream.text in caught.value.message


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    cleaned = plain(text)
    assert len(cleaned) <= 300
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2028\u2029" for c in cleaned)


# ---------------------------------------------------------------- several records ----


def found(data: Any, **ids: Any) -> dict[str, Progress]:
    return records(unwrap(ok(data)), **ids)


def test_records_come_by_the_id_they_were_asked_with() -> None:
    data = {
        SUBMIT_ID: record(status=42),
        HISTORY_ID: record(status=50),
        "another": record(status=50),
    }
    looks = found(data, submit_ids=[SUBMIT_ID, "absent"], history_ids=[HISTORY_ID])
    assert {id_: look.stage for id_, look in looks.items()} == {
        SUBMIT_ID: Stage.RUNNING,
        HISTORY_ID: Stage.DONE,
    }


@pytest.mark.parametrize("data", [None, {}, [], ""])
def test_an_answer_without_records_finds_nothing(data: Any) -> None:
    assert found(data, submit_ids=[SUBMIT_ID]) == {}


def test_a_record_that_stands_under_anothers_id_is_left_out() -> None:
    data = {
        "s1": record(submit_id="s2"),
        "s2": record(submit_id="s1"),
        "s3": record(submit_id=None),
        "h1": record(history_record_id="h2"),
        "5": record(history_record_id=5),
    }
    assert set(found(data, submit_ids=["s1", "s2", "s3"], history_ids=["h1", "5"])) == {"s3", "5"}


def test_a_record_that_is_null_is_absent() -> None:
    assert found({SUBMIT_ID: None}, submit_ids=[SUBMIT_ID]) == {}


def test_one_record_that_cannot_be_read_does_not_hide_the_others() -> None:
    looks = found({HISTORY_ID: record(status=50), "b": [1, 2]}, history_ids=[HISTORY_ID, "b"])
    assert looks[HISTORY_ID].stage is Stage.DONE
    assert (looks["b"].stage, looks["b"].status) == (Stage.RUNNING, -1)


@pytest.mark.parametrize("data", [{"a": "x"}, [1], "text", 5])
def test_records_of_which_none_can_be_read_are_a_change_of_protocol(data: Any) -> None:
    with pytest.raises(ProtocolChanged):
        found(data, history_ids=["a"])


def test_places_in_line_come_with_their_forecast() -> None:
    data = {
        HISTORY_ID: {
            "status": 20,
            "queue_info": {
                "queue_idx": 37,
                "queue_status": 1,
                "queue_length": 303041,
                "polling_config": POLLING,
                "debug_info": "{}",
            },
            "forecast_cost_time": {"forecast_generate_cost": 23, "forecast_queue_cost": 95},
        },
        "done": {"status": 0, "queue_info": {"queue_status": 3}},
        "odd": 7,
        "another": {},
    }
    assert queues(unwrap(ok(data)), history_ids=[HISTORY_ID, "done", "odd", "absent"]) == {
        HISTORY_ID: Queue(
            position=37,
            length=303041,
            waiting=True,
            wait_seconds=95,
            run_seconds=23,
            interval_seconds=30,
        ),
        "done": Queue(),
    }


# ------------------------------------------------------------------------ account ----

CREDIT = {"vip_credit": 0, "gift_credit": 66, "purchase_credit": 5}


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"credit": CREDIT}, "response": json.dumps({"credit": CREDIT})},
        {"data": None, "response": json.dumps({"credit": CREDIT})},
        {"data": {"credit": {k: str(v) for k, v in CREDIT.items()}, "credits_detail": {}}},
    ],
)
def test_credits_come_in_either_of_two_places(answer: dict[str, Any]) -> None:
    wrapped = {"ret": "0", "errmsg": "success", "log_id": "L2", "svr_time": 1767225601, **answer}
    reply = unwrap(Answer(200, {}, json.dumps(wrapped).encode()), Plane.COMMERCE)
    balance = credits_of(reply)
    assert (balance.vip, balance.gift, balance.purchased, balance.total) == (0, 66, 5, 71)
    assert reply.log_id == "L2"


def test_an_answer_that_lacks_its_data_altogether_is_read_from_its_text() -> None:
    wrapped = {"ret": "0", "response": json.dumps({"credit": CREDIT})}
    reply = unwrap(Answer(200, {}, json.dumps(wrapped).encode()), Plane.COMMERCE)
    assert credits_of(reply).total == 71


def test_credits_just_granted_count_before_the_sum_shows_them() -> None:
    balance = credits_of(
        Reply(
            data=json.dumps(
                {
                    "credit": {"vip_credit": 0, "gift_credit": 0, "purchase_credit": 0},
                    "expiring_credits": [
                        {"credit_amount": 50, "expire_time": 1768579199},
                        {"credit_amount": 0, "expire_time": 1},
                    ],
                    "credits_detail": {
                        "gift_credits": [{"residual_credits": 50, "credits_life_end": 1768579199}],
                        "vip_credits": [],
                    },
                }
            ).encode()
        )
    )
    assert balance.gift == 50
    assert balance.total == 50
    assert balance.expiring == (Expiring(amount=50, at=1768579199),)


@pytest.mark.parametrize("data", [b"null", b"{}", b'{"credit":7}', b"[1]"])
def test_credits_that_cannot_be_read_are_not_taken_for_none(data: bytes) -> None:
    with pytest.raises(ProtocolChanged):
        credits_of(Reply(data=data))


def test_a_daily_grant_says_how_much() -> None:
    assert granted(Reply(data=b'{"receive_quota":66,"is_first_receive":true}')) == 66
    assert granted(Reply(data=b'{"receive_quota":0}')) == 0
    assert granted(Reply(data=b"null")) == 0


def test_a_user_is_signed_in_where_one_is_named() -> None:
    assert signed_in(Reply(data=b'{"uid":"700000000000001","name":"n"}'))
    assert signed_in(Reply(data=b'{"user_id":7}'))
    assert not signed_in(Reply(data=b'{"uid":"0"}'))
    with pytest.raises(ProtocolChanged):
        signed_in(Reply(data=b"{}"))


@pytest.mark.parametrize(
    "fields", [{"systime": "1767225601"}, {"systime": "1767225601000"}, {"svr_time": 1767225601}]
)
def test_a_refused_signature_shows_the_upstreams_clock(fields: dict[str, Any]) -> None:
    def refused(ret: Any) -> Answer:
        return Answer(200, {}, json.dumps({"ret": ret, **fields}).encode())

    assert signature_clock(refused("1014")) == 1767225601
    assert signature_clock(refused(1014)) == 1767225601
    assert signature_clock(refused("0")) is None


# ----------------------------------------------------------- answers of other kinds ----

LOGIN_PAGE = b"<!DOCTYPE html><html><a href='/passport/web/login'>sign in</a></html>"
HTML = {"content-type": "text/html; charset=utf-8"}
OTHER_ANSWERS = [
    (Answer(200, HTML, LOGIN_PAGE), SessionExpired),
    (Answer(200, {}, b"  <html>\xe7\x99\xbb\xe5\xbd\x95</html>"), SessionExpired),
    (Answer(302, {"location": "https://x/passport/web/login"}, b""), SessionExpired),
    (Answer(401, {}, b""), SessionExpired),
    (Answer(302, {"location": "https://elsewhere.example/"}, b""), UpstreamUnreachable),
    (Answer(301, {}, body({})), UpstreamUnreachable),
    (Answer(503, HTML, b"<html>sorry</html>"), UpstreamMaintenance),
    (Answer(200, HTML, b"<html>Scheduled maintenance</html>"), UpstreamMaintenance),
    (Answer(200, HTML, b"<html>hello</html>"), UpstreamUnreachable),
    (Answer(500, {}, b""), UpstreamUnreachable),
    (Answer(502, HTML, LOGIN_PAGE), UpstreamUnreachable),
    (Answer(504, HTML, b"<html>gateway timeout</html>"), UpstreamUnreachable),
    (Answer(500, {}, b'{"message":"oops"}'), UpstreamUnreachable),
    (Answer(502, {}, body(None)), UpstreamUnreachable),
    (Answer(403, HTML, b"<html>denied</html>"), UpstreamUnreachable),
    (Answer(404, HTML, b"<html>no</html>"), ProtocolChanged),
    (Answer(200, {}, b""), UpstreamUnreachable),
    (Answer(200, {}, b"null"), UpstreamUnreachable),
    (Answer(200, {}, b"{}"), UpstreamUnreachable),
    (Answer(200, {}, b"[]"), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":"0","data":{"a'), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":"\xff\xfe"}'), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":"1006","errmsg":"\\ud800"}'), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":{"a":1}}'), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":true}'), UpstreamUnreachable),
    (Answer(200, {}, b"[" * 100_000), UpstreamUnreachable),
    (Answer(200, {}, b'{"ret":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), UpstreamUnreachable),
]


@pytest.mark.parametrize(("answer", "kind"), OTHER_ANSWERS)
def test_an_answer_without_a_code_is_told_by_its_kind(
    answer: Answer, kind: type[GatewayError]
) -> None:
    with pytest.raises(GatewayError) as caught:
        unwrap(answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize(("answer", "kind"), OTHER_ANSWERS)
def test_no_such_answer_decides_a_submission(answer: Answer, kind: type[GatewayError]) -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(answer)
    assert type(caught.value.__cause__) is kind


def test_too_many_requests_is_a_verdict_with_a_time() -> None:
    answer = Answer(429, {"retry-after": "17", **HTML}, b"<html>slow down</html>")
    for read in (unwrap, submitted):
        with pytest.raises(RateLimited) as caught:
            read(answer)
        assert caught.value.retry_after == 17
    with pytest.raises(RateLimited) as caught:
        unwrap(Answer(429, {"retry-after": "soon"}, b""))
    assert (caught.value.retry_after or 0) > 0


def test_an_http_error_that_speaks_is_judged_by_its_words() -> None:
    answer = Answer(500, {}, body(None, ret="1006"))
    for read in (unwrap, submitted):
        with pytest.raises(OutOfCredits):
            read(answer)


def test_the_log_id_is_found_in_the_header_too() -> None:
    with pytest.raises(GatewayError) as caught:
        unwrap(Answer(200, {"x-tt-logid": "H1"}, b'{"ret":"1006"}'))
    assert caught.value.upstream is not None
    assert caught.value.upstream.log_id == "H1"


# --------------------------------------------------------------- verdicts on submits ----


def test_a_refused_submission_is_its_error() -> None:
    answer = ok(
        {
            "aigc_data": None,
            "fail_code": "1006",
            "fail_starling_key": "web_dre_m10n_generate_popup_credit_ininsufficient_title",
            "fail_starling_message": "积分不足",
        },
        ret="1006",
        errmsg="积分不足",
    )
    with pytest.raises(OutOfCredits) as caught:
        submitted(answer)
    assert caught.value.__cause__ is None
    assert "积分不足" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [None, {}, {"aigc_data": None}, {"aigc_data": {}}, {"aigc_data": {"status": 20}}, [], "x", 1]
    + [{"aigc_data": {"submit_id": SUBMIT_ID, "history_record_id": id_}} for id_ in ("", "0", 0)],
)
def test_a_success_that_names_no_job_is_uncertain(data: Any) -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(ok(data))
    assert type(caught.value.__cause__) is ProtocolChanged


def test_a_refusal_that_names_a_job_is_uncertain() -> None:
    with pytest.raises(SubmissionUncertain) as caught:
        submitted(ok({"aigc_data": record(status=20)}, ret="2002"))
    assert type(caught.value.__cause__) is GenerationFailed


def test_a_job_that_failed_at_once_was_taken_all_the_same() -> None:
    progress = submitted(ok({"aigc_data": record(status=10, item_list=[])}))
    assert progress.history_id == HISTORY_ID
    assert progress.stage is Stage.FAILED


# -------------------------------------------------------------------------- fuzzing ----

NAMES = [
    "ret",
    "data",
    "errmsg",
    "response",
    "aigc_data",
    "status",
    "item_list",
    "task",
    "common_attr",
    "image",
    "large_images",
    "image_url",
    "cover_url",
    "fail_code",
    "fail_starling_key",
    "queue_info",
    "queue_idx",
    "finish_time",
    "history_record_id",
    "submit_id",
    "credit",
    "expiring_credits",
    "credits_detail",
    "gift_credits",
    "uid",
    "systime",
    "a",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["0", "1006", "50", 50, 30, 10, 0, "x\\u0026y", "9" * 400])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=25,
)


def read_in_every_way(answer: Answer) -> None:
    for plane in Plane:
        try:
            reply = unwrap(answer, plane)
        except GatewayError:
            continue
        for read in (
            lambda reply=reply: records(reply, submit_ids=["a"], history_ids=["task", "image"]),
            lambda reply=reply: queues(reply, history_ids=["a", "task"]),
            lambda reply=reply: credits_of(reply),
            lambda reply=reply: granted(reply),
            lambda reply=reply: signed_in(reply),
            lambda reply=reply: progress_of(reply.data),
        ):
            with contextlib.suppress(GatewayError):
                read()
    with contextlib.suppress(GatewayError):
        submitted(answer)
    signature_clock(answer)


@given(status=st.sampled_from([200, 302, 401, 403, 404, 429, 500, 503]), raw=st.binary())
@settings(max_examples=200, deadline=None)
def test_whatever_bytes_come_only_our_own_errors_leave(status: int, raw: bytes) -> None:
    read_in_every_way(Answer(status, {"location": "x", "retry-after": "y"}, raw))


@given(value=JSON, ret=LEAVES)
@settings(max_examples=300, deadline=None)
def test_whatever_json_comes_only_our_own_errors_leave(value: Any, ret: Any) -> None:
    read_in_every_way(Answer(200, {}, json.dumps(value).encode()))
    read_in_every_way(Answer(200, {}, json.dumps({"ret": ret, "data": value}).encode()))
    read_in_every_way(Answer(200, {}, json.dumps({"ret": "0", "data": value}).encode()))
    read_in_every_way(
        Answer(200, {}, json.dumps({"ret": "0", "response": json.dumps(value)}).encode())
    )


@given(value=JSON, cut=st.integers(0, 60), junk=st.binary(max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_damaged_answer_is_an_error_of_ours(value: Any, cut: int, junk: bytes) -> None:
    whole = json.dumps({"ret": "0", "data": {"aigc_data": value, "a": value}}).encode()
    read_in_every_way(Answer(200, {}, whole[:-cut] + junk))
    read_in_every_way(Answer(200, {}, whole[:cut] + junk + whole[cut:]))
