"""Lasting choices about how the upstream behaves, one row each."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Switch:
    name: str
    meaning: str
    default: Any
    choices: tuple[Any, ...] = ()
    """The only values allowed; any value of the default's type when empty."""


SWITCHES = {
    row.name: row
    for row in (
        Switch(
            "strict_sign",
            "a missing, wrong or stale `sign` (15 minutes) answers 1014 on /mweb and /commerce",
            default=False,
        ),
        Switch(
            "strict_version",
            "an `appvr` older than `oldest_appvr` answers 3018 on generate, and only there",
            default=False,
        ),
        Switch(
            "oldest_appvr",
            "the oldest `appvr` that `strict_version` lets through",
            default="8.4.0",
        ),
        Switch(
            "strict_draft",
            "`gen_option` inside `generate` answers 3018; a `root_model` that is not the model "
            "answers 1000, and so does any oddity of a film's draft",
            default=False,
        ),
        Switch(
            "wrong_size",
            "a ratio code or a width and height outside the model's table: the nearest ratio is "
            "made, or 1001",
            default="nearest",
            choices=("nearest", "refuse"),
        ),
        Switch(
            "wrong_film",
            "a mode, length, ratio or resolution that the film's model does not have: the nearest "
            "is made, or 1001",
            default="nearest",
            choices=("nearest", "refuse"),
        ),
        Switch(
            "frame_ratio",
            "what decides the ratio of a film that begins or ends with a given picture: the "
            "`picture`, or what was `asked`",
            default="picture",
            choices=("picture", "asked"),
        ),
        Switch(
            "wrong_benefit",
            "a `benefit_type` that does not pay for the film: 5001 with credit prededuct failed, "
            "or nothing",
            default="refuse",
            choices=("refuse", "ignore"),
        ),
        Switch(
            "strict_inputs",
            "what goes into a film must keep to the limits of the page: sides, ratio, length, "
            "bytes, and words",
            default=False,
        ),
        Switch(
            "old_film_models",
            "what the oldest film models (2.0, 2.0 Pro, 3.0) do on CN: they run, or are gone "
            "(2061)",
            default="run",
            choices=("run", "gone"),
        ),
        Switch(
            "members_only",
            "film models for members answer 4013 to an account without a membership",
            default=False,
        ),
        Switch("numeric_ret", "`ret` is a number instead of a string", default=False),
        Switch(
            "compress",
            "encodes JSON answers for callers whose Accept-Encoding names it",
            default="off",
            choices=("off", "gzip", "br"),
        ),
        Switch(
            "commerce_login_ret",
            "what a dead session gets on /commerce/v1/benefits (the membership always says "
            "34010105)",
            default="1015",
            choices=("1015", "34010105"),
        ),
        Switch(
            "same_submit_id",
            "a submit_id that was accepted before: a second charged job marked `double`, the "
            "first record again, or 1000",
            default="new",
            choices=("new", "same", "refuse"),
        ),
        Switch(
            "config_price",
            "how the configuration of film models says a price: as the `item` that pays for it, or "
            "as the `number` of credits for a second",
            default="item",
            choices=("item", "number"),
        ),
        Switch(
            "refund_on_failure",
            "a job that ends without a picture or film is paid back",
            default=False,
        ),
        Switch(
            "link_seconds",
            "life of a result link in seconds; 0 for the usual weeks, or a day for films",
            default=0,
        ),
        Switch(
            "upload_token_seconds",
            "life in seconds of the keys that are lent for uploads",
            default=3600,
        ),
        Switch(
            "upload_hosts",
            "how a place for a file names the host: `UploadHosts`, a single `UploadHost`, or "
            "`InnerUploadAddress` with `UploadAddress` null",
            default="list",
            choices=("list", "single", "inner"),
        ),
        Switch(
            "imagex_error_status",
            "the HTTP status of errors of the upload control host",
            default=403,
            choices=(403, 400, 200),
        ),
        Switch("max_ids", "most ids in one poll, more answer 1001; 0 for no limit", default=0),
    )
}

STRICT = ("strict_sign", "strict_version", "strict_draft")
"""What the short name `strict` turns on or off together."""


class BadSwitch(ValueError):
    """No such switch, or no such value."""


class Switches:
    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        self._values = {name: row.default for name, row in SWITCHES.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def set(self, name: str, value: Any) -> None:
        if name == "strict":
            for each in STRICT:
                self.set(each, value)
            return
        row = SWITCHES.get(name)
        if row is None:
            raise BadSwitch(f"no switch is called {name!r}")
        if type(value) is not type(row.default) or (row.choices and value not in row.choices):
            wanted = " or ".join(map(repr, row.choices)) or f"a {type(row.default).__name__}"
            raise BadSwitch(f"switch {name!r} takes {wanted}, not {value!r}")
        self._values[name] = value

    def as_dict(self) -> dict[str, Any]:
        return dict(self._values)
