"""How the upstream behaves in a spell of one weather: a row each, and how long it lasts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Order = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """`hours` it lasts at least and at most; `shut`: nothing connects; `signed_out`: sessions die."""

    name: str
    weight: float
    hours: tuple[float, float]
    faults: tuple[Order, ...] = ()
    switches: Order = field(default_factory=dict)
    shut: bool = False
    whole: bool = False
    signed_out: bool = False


def fault(name: str, on: str = "", /, **settings: Any) -> Order:
    return {"fault": name, "times": -1, **({"on": on} if on else {}), **settings}


def spread(share: float, rows: Sequence[Order]) -> Iterator[Order]:
    """The rows so that together they hit this share of all requests."""
    return ({**row, "probability": share / len(rows)} for row in rows)


_LOST = (
    fault("accepted_then_timeout", "generate", seconds=60.0),
    fault("accepted_then_reset", "generate"),
    fault("cut_answer", "generate"),
    fault("html_502", "generate", accepted=True),
    fault("html_504", "generate", accepted=True),
    fault("empty_body", "generate"),
    fault("null_data", "generate"),
    fault("truncated_json", "generate"),
    fault("login_page", "generate", accepted=True),
    fault("delay", "generate", seconds=50.0),
)
_WIRE = (
    *_LOST,
    fault("delay", seconds=8.0),
    fault("delay", seconds=50.0),
    fault("timeout"),
    fault("reset"),
    fault("cut_answer"),
    fault("http_error", status=500),
    fault("html_502"),
    fault("html_504"),
    fault("json_500"),
    fault("too_many_requests"),
    fault("maintenance", retry_after=60),
    fault("unauthorized"),
    fault("login_page"),
    fault("empty_body", accepted=False),
    fault("close_after_answer"),
)
_REFUSED = (
    fault("busy"),
    fault("rate_limited"),
    fault("too_many_running"),
    fault("generate_error"),
    fault("shark"),
    fault("no_credits"),
    fault("daily_limit"),
    fault("text_refused"),
    fault("login_error", "generate"),
    fault("permission_denied", "generate"),
    fault("unknown_ret", "generate"),
)
_JOBS = (
    fault("listed_late", looks=3),
    fault("listed_late", looks=0, seconds=100.0),
    fault("slow_queue", seconds=240.0),
    fault("starts_thinking"),
    fault("items_before_end"),
    fault("items_one_by_one"),
    fault("late_items"),
    fault("cover_only"),
    fault("escaped_links"),
    fault("fewer_items", items=1),
    fault("partial_failure", items=1),
    fault("fails"),
    fault("text_block"),
    fault("peak_time"),
    fault("deleted"),
    fault("zero_fail_code"),
    fault("stays_at_45"),
    fault("takes", seconds=900.0),
    fault("takes", seconds=1500.0),
)
_HOPELESS = (
    fault("stuck", status=20),
    fault("stuck", status=45, items=1),
    fault("never_listed"),
    fault("late_items", looks=-1),
    fault("unknown_status"),
)
_RECORDS = (
    fault("missing_record"),
    fault("status_backwards"),
    fault("twice_in_answer"),
    fault("foreign_record"),
    fault("swapped_records"),
    fault("only_foreign_records"),
)
_LINKS = (
    fault("expired_links", "poll"),
    fault("foreign_links", "poll"),
    fault("private_links", "poll"),
    fault("plain_http_links", "poll"),
    fault("odd_scheme_links", "poll"),
)
_PICTURES = (
    fault("link_refused"),
    fault("html_picture"),
    fault("empty_picture"),
    fault("wrong_magic"),
    fault("wrong_length"),
    fault("cut_picture"),
    fault("short_picture"),
    fault("slow_picture"),
)
_STRANGE = (
    fault("non_utf8"),
    fault("deep_json", depth=20_000),
    fault("duplicate_keys"),
    fault("lone_surrogate"),
    fault("hostile_text"),
    fault("drip", "poll"),
    fault("unasked_encoding"),
    fault("redirect"),
    fault("login_redirect"),
    fault("clock_skew"),
    fault("number_as_ret"),
    fault("accepted_then_timeout", "generate", seconds=60.0),
)
_HUGE = (
    fault("huge_body", "poll", megabytes=33),
    fault("gzip_bomb", "poll", megabytes=33),
)

WEATHERS = (
    Weather(name="calm", weight=6, hours=(1.0, 4.0)),
    Weather(
        name="flaky",
        weight=5,
        hours=(1.0, 5.0),
        faults=(
            *spread(0.05, _WIRE),
            *spread(0.02, _REFUSED),
            *spread(0.05, _JOBS),
            *spread(0.005, _HOPELESS),
            *spread(0.02, _RECORDS),
            *spread(0.02, _LINKS),
            *spread(0.05, _PICTURES),
        ),
    ),
    Weather(
        name="storm",
        weight=3,
        hours=(0.5, 2.0),
        faults=(
            *spread(0.30, _WIRE),
            *spread(0.10, _REFUSED),
            *spread(0.30, _JOBS),
            *spread(0.03, _HOPELESS),
            *spread(0.10, _RECORDS),
            *spread(0.10, _LINKS),
            *spread(0.30, _PICTURES),
        ),
    ),
    Weather(
        name="lost answers",
        weight=2,
        hours=(0.3, 1.0),
        faults=(
            *spread(0.80, _LOST),
            fault("timeout", "poll", probability=0.4),
            fault("missing_record", probability=0.3),
        ),
    ),
    Weather(
        name="evil",
        weight=2,
        hours=(0.5, 2.0),
        faults=(
            *spread(0.40, _STRANGE),
            *spread(0.005, _HUGE),
            *spread(0.20, _RECORDS),
            *spread(0.20, _LINKS),
            *spread(0.40, _PICTURES),
            *spread(0.05, _HOPELESS),
        ),
    ),
    Weather(
        name="drift",
        weight=1.5,
        hours=(0.3, 1.0),
        switches={"strict_sign": True, "strict_version": True, "oldest_appvr": "99.0.0"},
    ),
    Weather(name="strict signature", weight=2, hours=(1.0, 3.0), switches={"strict_sign": True}),
    Weather(
        name="signed out",
        weight=1.5,
        hours=(0.1, 0.8),
        faults=(fault("session_dies", probability=0.1),),
        signed_out=True,
    ),
    Weather(
        name="risk control",
        weight=1,
        hours=(0.3, 1.0),
        faults=(
            fault("shark", "generate", probability=0.5),
            fault("shark", "poll", probability=0.2),
        ),
    ),
    Weather(name="outage, no connection", weight=1.2, hours=(0.5, 4.0), shut=True, whole=True),
    Weather(
        name="outage, silence", weight=1, hours=(0.5, 4.0), faults=(fault("timeout"),), whole=True
    ),
    Weather(
        name="outage, maintenance",
        weight=1,
        hours=(0.5, 4.0),
        faults=(fault("maintenance", retry_after=600),),
        whole=True,
    ),
    Weather(
        name="outage, bad gateway",
        weight=1,
        hours=(0.5, 4.0),
        faults=(fault("html_502"),),
        whole=True,
    ),
    Weather(
        name="outage, taken and lost",
        weight=0.7,
        hours=(0.5, 2.0),
        faults=(fault("accepted_then_reset", "generate"), fault("html_504")),
        whole=True,
    ),
)
CALM = WEATHERS[0]

ORDINARY: Order = {"strict_sign": False, "strict_version": False, "oldest_appvr": "8.4.0"}


def forecast(dice: random.Random, hours: float) -> Iterator[tuple[Weather, float]]:
    """Weathers and how many hours each lasts, until the time is full. No weather follows itself."""
    before, left = CALM, hours
    while left > 0:
        rows = [row for row in WEATHERS if row is not before]
        before = dice.choices(rows, [row.weight for row in rows])[0]
        lasts = min(left, dice.uniform(*before.hours))
        left -= lasts
        yield before, lasts
