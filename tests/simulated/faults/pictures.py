"""What can go wrong with pictures, a row each, and what must come of it."""

from __future__ import annotations

from typing import Any

from tests.forms import data_uri, picture
from tests.simulated.door import PICTURE
from tests.simulated.faults.row import (
    CORRUPT,
    FAILED,
    FOR_EVER,
    INVALID,
    MODERATED,
    REJECTED,
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

# An edit that starts from two pictures.
EDIT: dict[str, Any] = {
    "route": "edits",
    "body": {"image": [data_uri(picture(320, 240, colour)) for colour in ("red", "blue")]},
    "uploads": 2,
}
FOUR = {"n": 4}

PICTURES: tuple[Row, ...] = (
    *SHARED,
    *uploads(EDIT, apply="apply_upload", commit="commit_upload"),
    *(
        Row(number=39, what=f"commit failed {often}", faults=(fault("commit_failed", times=times),),
            **EDIT | end)
        for often, times, end in (("twice", 2, {}), ("for ever", FOR_EVER, UPLOAD_FAILED | UNSENT))
    ),
    # -------------------------------------------- nothing was sent
    Row(number=2, what="no connection for pictures at first", closed=2, closed_on=PICTURE),
    Row(number=3, what="the proxy refuses pictures at first", closed=2, closed_by="proxy",
        closed_on=PICTURE),
    # -------------------------------------------- looking
    Row(number=26, what="stuck with some pictures", faults=submit("stuck", status=45, items=2),
        settings=SHORT, body=FOUR, results=2, partial=True),
    Row(number=27, what="finished, pictures later", faults=submit("late_items")),
    Row(number=27, what="finished without pictures", faults=submit("late_items", looks=FOR_EVER),
        **FAILED),
    Row(number=28, what="failed with some pictures", faults=submit("partial_failure", items=3),
        body=FOUR, results=3, partial=True),
    Row(number=28, what="fewer pictures", faults=submit("fewer_items"), body=FOUR, results=3,
        partial=True),
    # -------------------------------------------- the shape of what is seen
    Row(number=0, what="pictures before the end", faults=submit("items_before_end"), body=FOUR,
        results=4),
    Row(number=0, what="pictures one by one", faults=submit("items_one_by_one"), body=FOUR,
        results=4),
    Row(number=0, what="only covers", faults=submit("cover_only")),
    Row(number=0, what="links with escaped ampersands", faults=submit("escaped_links")),
    Row(number=0, what="more pictures than asked", faults=submit("other_count", count=4)),
    # -------------------------------------------- fetching
    Row(number=29, what="links expired", faults=poll("expired_links", after=0, times=2)),
    Row(number=29, what="links refused", faults=(fault("link_refused", times=2),)),
    Row(number=29, what="links refused for ever", faults=always("link_refused", "picture"),
        **CORRUPT),
    *(
        Row(number=30, what=f"{name} once", faults=(
            fault(name, "poll", times=1, after=0), fault("takes", seconds=0.0, looks=1)))
        for name in ("foreign_links", "private_links", "plain_http_links", "odd_scheme_links")
    ),
    *(
        Row(number=30, what=f"{name} for ever", faults=always(name, "poll"), **REJECTED)
        for name in ("foreign_links", "private_links", "plain_http_links", "odd_scheme_links")
    ),
    *(
        Row(number=32, what=f"{name} twice", faults=(fault(name, times=2),))
        for name in ("html_picture", "empty_picture", "wrong_magic", "wrong_length", "cut_picture",
                     "short_picture")
    ),
    *(
        Row(number=32, what=f"{name} for ever", faults=always(name, "picture"), **CORRUPT)
        for name in ("html_picture", "empty_picture", "wrong_magic", "short_picture")
    ),
    Row(number=33, what="a slow picture", faults=(fault("slow_picture"),)),
    Row(number=34, what="an endless picture", faults=(fault("endless_picture", megabytes=80),)),
    Row(number=0, what="a picture that is called something else", faults=(fault("odd_type"),)),
    Row(number=0, what="WebP under a PNG's name", faults=(fault("webp_as_png"),),
        body={"model": "jimeng-3.0"}),
    # -------------------------------------------- uploading
    Row(number=39, what="one picture of two fails for ever",
        faults=(fault("blob_refused", after=1, times=FOR_EVER),),
        **EDIT | UPLOAD_FAILED | {"sent": 0, "uploads": 1}),
    # -------------------------------------------- the content of what was uploaded
    Row(number=19, what="2003 at the content check", faults=always("content_risk", "algo_proxy"),
        **EDIT | MODERATED | {"sent": 0, "uploads": None}),
    Row(number=19, what="one picture of two is a risk", faults=(fault("content_risk", after=1),),
        **EDIT | MODERATED | {"sent": 0, "uploads": None}),
    *(
        Row(number=19, what=f"content check: {name}", faults=always(name, "algo_proxy"), **EDIT)
        for name in ("html_502", "json_500", "reset", "timeout", "login_error", "shark",
                     "rate_limited", "null_data", "unknown_ret", "huge_body", "redirect")
    ),
    Row(number=19, what="2003 of an edit", faults=submit("image_risk"), **EDIT | MODERATED),
    Row(number=20, what="30 with 2039 of an edit", faults=submit("image_block"),
        **EDIT | MODERATED | TAKEN),
    Row(number=21, what="1000, a picture not known", faults=submit("unknown_image"),
        **EDIT | INVALID),
)  # fmt: skip
