from __future__ import annotations

import json
from typing import Any

from jimeng_api.domain.errors import (
    GatewayError,
    ProtocolChanged,
    SessionExpired,
    UpstreamMaintenance,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Progress, Stage
from jimeng_api.upstream.replies.answers import Answer
from jimeng_api.upstream.replies.records import progress_of

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
