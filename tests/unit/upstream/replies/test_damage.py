from __future__ import annotations

import contextlib
import functools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jimeng_api.domain.errors import (
    GatewayError,
)
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.replies.answers import Answer, signature_clock, unwrap
from jimeng_api.upstream.replies.credits import credits_of, granted
from jimeng_api.upstream.replies.items import local_items
from jimeng_api.upstream.replies.queues import queues
from jimeng_api.upstream.replies.records import progress_of, records
from jimeng_api.upstream.replies.submissions import submitted
from jimeng_api.upstream.replies.uploads import (
    Address,
    applied,
    committed,
    committed_film,
    part_id,
    stored,
    upload_token,
)
from jimeng_api.upstream.replies.users import user_of

NOWHERE = Address(hosts=("h",), uri="u", auth=Secret("a"), session_key=Secret("k"))
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
    "access_key_id",
    "secret_access_key",
    "session_token",
    "expired_time",
    "current_time",
    "ResponseMetadata",
    "Error",
    "Code",
    "Result",
    "UploadAddress",
    "InnerUploadAddress",
    "UploadNodes",
    "StoreInfos",
    "StoreUri",
    "Auth",
    "UploadHosts",
    "SessionKey",
    "Results",
    "Uri",
    "UriStatus",
    "PluginResult",
    "Vid",
    "VideoMeta",
    "Duration",
    "uploadid",
    "local_item_list",
    "video",
    "video_model",
    "video_list",
    "video_1",
    "main_url",
    "transcoded_video",
    "origin",
    "video_url",
    "duration_ms",
    "code",
    "crc32",
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
            lambda reply=reply: user_of(reply),
            lambda reply=reply: upload_token(reply, 1.0),
            lambda reply=reply: progress_of(reply.data),
            lambda reply=reply: local_items(reply),
        ):
            with contextlib.suppress(GatewayError):
                read()
    film = functools.partial(committed_film, address=NOWHERE)
    for judge in (submitted, applied, committed, part_id, film, lambda taken: stored(taken, "0a")):
        with contextlib.suppress(GatewayError):
            judge(answer)
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
def test_a_damaged_step_of_an_upload_is_an_error_of_ours(value: Any, cut: int, junk: bytes) -> None:
    store = {"StoreUri": value, "Auth": "a"}
    node = {"StoreInfos": [store, value], "UploadHosts": [value, "b"], "SessionKey": value}
    result = {
        "UploadAddress": node,
        "InnerUploadAddress": {"UploadNodes": [value, node]},
        "Results": [value],
        "PluginResult": value,
    }
    whole = json.dumps({"ResponseMetadata": value, "Result": result}).encode()
    read_in_every_way(Answer(200, {}, whole))
    read_in_every_way(Answer(200, {}, whole[: len(whole) - cut] + junk))
    keys = {"access_key_id": "a", "secret_access_key": "b", "session_token": "c"}
    token = {"ret": "0", "data": keys | {"expired_time": value, "current_time": value}}
    read_in_every_way(Answer(200, {}, json.dumps(token).encode()))


@given(value=JSON, cut=st.integers(0, 60), junk=st.binary(max_size=4))
@settings(max_examples=100, deadline=None)
def test_a_damaged_answer_is_an_error_of_ours(value: Any, cut: int, junk: bytes) -> None:
    whole = json.dumps({"ret": "0", "data": {"aigc_data": value, "a": value}}).encode()
    read_in_every_way(Answer(200, {}, whole[:-cut] + junk))
    read_in_every_way(Answer(200, {}, whole[:cut] + junk + whole[cut:]))
