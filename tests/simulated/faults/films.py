"""What can go wrong with films, a row each, and what must come of it."""

from __future__ import annotations

from typing import Any

from tests.forms import data_uri, picture
from tests.simulated.door import BEST_FILM, FILM
from tests.simulated.faults.row import (
    CORRUPT,
    DAILY_LIMIT,
    FAILED,
    FOR_EVER,
    INVALID,
    MODERATED,
    NO_CREDITS,
    NOT_PERMITTED,
    RATE_LIMITED,
    REJECTED,
    RISK,
    SHORT,
    TAKEN,
    UNSENT,
    UPLOAD_FAILED,
    Row,
    always,
    fault,
    poll,
    submit,
)
from tests.simulated.faults.shared import SHARED, uploads
from tests.simulator.films import a_film

_BYTES = a_film(size=(640, 480))
_PADDING = 9 * 2**20  # more than goes in one request

# A film between two pictures, and films after a film of the caller's, which comes whole or in parts.
FRAMES: dict[str, Any] = {
    "body": {"image": [data_uri(picture(640, 360, colour)) for colour in ("red", "blue")]},
    "uploads": 2,
}
AFTER: dict[str, Any] = {"body": {"video_file_1": data_uri(_BYTES, "video/mp4")}, "uploads": 1}
AFTER_LONG: dict[str, Any] = {
    "body": {
        "video_file_1": data_uri(
            _BYTES + (_PADDING + 8).to_bytes(4, "big") + b"free" + bytes(_PADDING), "video/mp4"
        )
    },
    "uploads": 1,
}
LOST_LINKS = ("foreign_links", "private_links", "plain_http_links", "odd_scheme_links")
NO_DOWNLOAD = always("http_error", "local_items")

FILMS: tuple[Row, ...] = (
    *SHARED,
    *uploads(AFTER, apply="apply_vod", commit="commit_vod"),
    # -------------------------------------------- nothing was sent
    Row(number=2, what="no connection for films at first", closed=2, closed_on=FILM),
    Row(number=3, what="the proxy refuses films at first", closed=2, closed_by="proxy",
        closed_on=FILM),
    Row(number=2, what="no connection for films in their best quality", closed=FOR_EVER,
        closed_on=BEST_FILM),
    Row(number=2, what="no connection for films at all", closed=FOR_EVER, closed_on=FILM,
        settings=SHORT, **CORRUPT),
    # -------------------------------------------- refused, for certain
    Row(number=19, what="2042, the film that it starts from", faults=submit("video_blocked"),
        **AFTER | MODERATED),
    *(
        Row(number=19, what=ret, faults=submit("refuse", ret=ret), **MODERATED)
        for ret in ("1159", "2039", "2041", "2048")
    ),
    Row(number=19, what="2003, a frame", faults=submit("image_risk"), **FRAMES | MODERATED),
    Row(number=19, what="4011, a face", faults=submit("face_refused"), **FRAMES | MODERATED),
    Row(number=18, what="2061, the model is gone", faults=submit("model_gone"), **NOT_PERMITTED),
    Row(number=16, what="2020 for ever", faults=always("refuse", ret="2020"), **RATE_LIMITED),
    Row(number=21, what="1001", faults=submit("refuse", ret="1001"), **INVALID),
    Row(number=21, what="1000, a frame not known", faults=submit("unknown_image"),
        **FRAMES | INVALID),
    # -------------------------------------------- failed upstream, after it was taken
    Row(number=20, what="30 with 2042, the film that came out", faults=submit("video_block"),
        **MODERATED | TAKEN),
    Row(number=20, what="30 with 2043, never to be tried again", faults=submit("not_retryable"),
        **MODERATED | TAKEN),
    Row(number=20, what="30 with 4011, a face", faults=submit("face_rejected"),
        **FRAMES | MODERATED | TAKEN),
    Row(number=18, what="30 with 2061, the model is gone", faults=submit("model_withdrawn"),
        **NOT_PERMITTED | TAKEN),
    *(
        Row(number=20, what=f"30 with {code}, and nothing else",
            faults=submit("fails", code=code, key="", message=""), **end | TAKEN)
        for code, end in (
            ("1006", NO_CREDITS), ("1019", RISK), ("2003", MODERATED), ("2004", MODERATED),
            ("2005", MODERATED), ("2041", MODERATED), ("4013", RISK), ("130006", MODERATED),
            ("121101", DAILY_LIMIT | {"retry_after": False}))
    ),
    Row(number=20, what="only words tell of the film's risk", **MODERATED | TAKEN,
        faults=submit("fails", status=40, code="", key="", message="OutputVideoRisk")),
    # -------------------------------------------- looking
    Row(number=26, what="a queue of ninety minutes",
        faults=submit("slow_queue", seconds=5400.0, length=48_211)),
    Row(number=27, what="the film before the end", faults=submit("items_before_end")),
    Row(number=27, what="finished, film later", faults=submit("late_items")),
    Row(number=27, what="finished without a film", faults=submit("late_items", looks=FOR_EVER),
        **FAILED),
    Row(number=27, what="a film without renditions", faults=submit("cover_only"), **FAILED),
    Row(number=28, what="failed with its film", faults=submit("partial_failure", items=1)),
    # -------------------------------------------- the best quality, and what there is without it
    Row(number=0, what="the original is missing", faults=submit("origin_missing")),
    Row(number=0, what="the original is missing, and no list for downloads",
        faults=(*submit("origin_missing"), *NO_DOWNLOAD)),
    Row(number=0, what="links with escaped ampersands", faults=submit("escaped_links")),
    Row(number=0, what="links with escaped ampersands, and no list for downloads",
        faults=(*submit("escaped_links"), *NO_DOWNLOAD)),
    *(
        Row(number=24, what=f"{name} of the list for downloads", faults=always(name, "local_items"))
        for name in ("html_502", "json_500", "reset", "timeout", "login_error", "shark", "empty_body",
                     "rate_limited", "null_data", "unknown_ret", "huge_body", "deep_json", "redirect")
    ),
    # -------------------------------------------- fetching
    Row(number=29, what="links expired", faults=(fault("expired_links", "local_items", times=2),)),
    Row(number=29, what="links expired for ever, those of looks are good",
        faults=always("expired_links", "local_items")),
    Row(number=29, what="links of looks expired, and no list for downloads",
        faults=(*poll("expired_links", after=0, times=2), *NO_DOWNLOAD)),
    Row(number=29, what="links refused", faults=(fault("link_refused", "film", times=2),)),
    Row(number=29, what="links refused for ever", faults=always("link_refused", "film"), **CORRUPT),
    *(
        Row(number=30, what=f"{name} once", faults=(fault(name, "local_items", times=1),))
        for name in LOST_LINKS
    ),
    *(
        Row(number=30, what=f"{name} for ever, those of looks are good",
            faults=always(name, "local_items"))
        for name in LOST_LINKS
    ),
    *(
        Row(number=30, what=f"{name} everywhere for ever",
            faults=(*always(name, "poll"), *always(name, "local_items")), **REJECTED)
        for name in LOST_LINKS
    ),
    *(
        Row(number=32, what=f"{name} twice", faults=(fault(name, "film", times=2),))
        for name in ("html_picture", "empty_picture", "wrong_magic", "wrong_length", "cut_picture",
                     "short_picture")
    ),
    *(
        Row(number=32, what=f"{name} for ever", faults=always(name, "film"), **CORRUPT)
        for name in ("html_picture", "empty_picture", "wrong_magic", "short_picture")
    ),
    Row(number=33, what="a slow film", faults=(fault("slow_picture", "film"),)),
    Row(number=34, what="an endless film", faults=(fault("endless_picture", "film", megabytes=80),)),
    Row(number=0, what="a film that is called something else", faults=(fault("odd_type", "film"),)),
    # -------------------------------------------- uploading
    Row(number=0, what="two frames", **FRAMES),
    Row(number=39, what="a frame's upload refused twice", faults=(fault("blob_refused", times=2),),
        **FRAMES),
    Row(number=39, what="one frame of two fails for ever",
        faults=(fault("blob_refused", after=1, times=FOR_EVER),),
        **FRAMES | UPLOAD_FAILED | {"sent": 0, "uploads": 1}),
    Row(number=40, what="a frame committed, answer lost",
        faults=(fault("accepted_then_reset", "commit_upload"),), **FRAMES | {"uploads": 3}),
    *(
        Row(number=0, what=f"a film whose length is said to be {value}",
            faults=(fault("no_duration", value=value),), **AFTER)
        for value in (None, 0)
    ),
    Row(number=0, what="a film in parts", **AFTER_LONG),
    Row(number=39, what="a part lost", faults=(fault("chunk_lost", after=1),), **AFTER_LONG),
    Row(number=39, what="a part lost for ever", faults=always("chunk_lost", "blob"),
        **AFTER_LONG | UPLOAD_FAILED | UNSENT),
    *(
        Row(number=39, what=f"a part, {what}", faults=(fault(name, "blob", after=1),), **AFTER_LONG)
        for what, name in (("reset", "reset_amid_upload"), ("refused", "blob_refused"),
                           ("stored, answer lost", "accepted_then_reset"), ("502", "html_502"))
    ),
    # -------------------------------------------- the content of what was uploaded
    Row(number=19, what="2003 at the content check", faults=always("content_risk", "algo_proxy"),
        **FRAMES | MODERATED | {"sent": 0, "uploads": None}),
    Row(number=19, what="one frame of two is a risk", faults=(fault("content_risk", after=1),),
        **FRAMES | MODERATED | {"sent": 0, "uploads": None}),
    *(
        Row(number=19, what=f"content check: {name}", faults=always(name, "algo_proxy"), **FRAMES)
        for name in ("html_502", "timeout", "unknown_ret")
    ),
)  # fmt: skip
