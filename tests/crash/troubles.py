"""What an upstream does to a gateway that is being killed: faults of the simulator, drawn by chance.

Nothing of this may cost a job: whatever is taken must be collected, and what fails was never taken.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

Fault = dict[str, Any]

LOST_ANSWERS: dict[str, Fault] = {
    "reset": {"fault": "accepted_then_reset"},
    "timeout": {"fault": "accepted_then_timeout"},
    "truncated": {"fault": "truncated_json"},
    "html": {"fault": "login_page", "accepted": True},
    "502": {"fault": "html_502", "accepted": True},
    "empty": {"fault": "empty_body"},
    "drip": {"fault": "drip"},
}
"""The ways in which a submission is taken and its answer lost."""

_NEVER_TAKEN = ("reset", "timeout")
_BUSY = ("too_many_running", "rate_limited", "too_many_requests")
_LOOKS = (
    "html_502",
    "reset",
    "timeout",
    "truncated_json",
    "empty_body",
    "missing_record",
    "null_data",
)
_FILES = (
    "html_picture",
    "empty_picture",
    "wrong_magic",
    "cut_picture",
    "short_picture",
    "link_refused",
)


@dataclass(frozen=True, slots=True)
class Troubles:
    """`closed`: how many connections for a submission cannot be made. `very_late`: one is listed so late that
    the gateway will have given it up.
    """

    faults: list[Fault]
    closed: int
    very_late: bool


NEEDED = {
    "commit reconciling": "lost",
    "commit refused": "refused",
    "commit kept": "early",
    "commit failed": "never",
    "commit late": "very late",
    "commit let go": "never",
    "commit keyed": "key",
    "commit cancelled": "cancel",
}
"""What must happen for a commit of this kind, by the beginning of a failpoint's name."""


def needed_for(target: str | None) -> str | None:
    return next((kind for name, kind in NEEDED.items() if target and target.startswith(name)), None)


_OFTEN = {"lost": 0.2, "refused": 0.08, "early": 0.08, "never": 0.03, "links": 0.08, "looks": 0.08,
          "files": 0.08, "late": 0.05, "very late": 0.02}  # fmt: skip


def troubles(dice: random.Random, needed: str | None) -> Troubles:
    """What befalls the next orders; `needed` for certain."""
    kinds = {kind for kind, share in _OFTEN.items() if dice.random() < share}
    if needed is not None:
        # Only this one befalls submissions, so that it is met.
        kinds -= {"lost", "refused", "never", "very late"}
        kinds.add(needed)
    faults: list[Fault] = []
    closed = 0
    if "refused" in kinds:
        # Once in a life at most: a job is given up when its account is busy too often.
        if dice.random() < 0.3:
            closed = 1
        else:
            faults.append({"fault": dice.choice(_BUSY), "on": "generate"})
    if "lost" in kinds or "very late" in kinds:
        ways = dict(LOST_ANSWERS)
        if kinds & {"refused", "never"}:
            del ways["html"]  # a login page for what was not taken says that the session is over
        way = ways[dice.choice(list(ways))]
        faults.append({"on": "generate", **way, "times": dice.choice((1, 2))})
    if "never" in kinds:
        faults.append({"fault": dice.choice(_NEVER_TAKEN), "on": "generate"})
    if "early" in kinds:
        faults.append({"fault": "items_before_end", "looks": dice.choice((1, 2))})
    if "very late" in kinds:
        faults.append({"fault": "listed_late", "looks": 0, "seconds": dice.uniform(90, 400)})
    elif "late" in kinds:
        faults.append({"fault": "listed_late", "looks": 0, "seconds": dice.uniform(1, 8)})
    if "links" in kinds:
        faults.append({"fault": "expired_links", "on": "poll", "seconds": -1, "times": 1})
    if "looks" in kinds:
        faults.append({"fault": dice.choice(_LOOKS), "on": "poll", "times": 1})
    if "files" in kinds:
        faults.append({"fault": dice.choice(_FILES), "times": 1})
    return Troubles(faults, closed, very_late="very late" in kinds)
