"""Accounts, their sessions and their credits."""

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.purse import Kind, Purse
from jimeng_api.simulator.sites import Site, day_of, last_second_of_day

REFUSED_PREFIXES = ("wrong", "dead", "expired", "invalid")
"""A session id that begins so is never accepted."""

USUAL_CREDITS = (
    1_000_000  # enough for any demo or load test; `POST /_sim/accounts` sets what a test needs
)
MINUTE = 60.0
MONTH = 30 * 86_400
MEMBERS_GIFT = 80
"""What a member gets a day where others get less; seen on CN only."""
LAPSED = "积分到期清零"
LAPSED_SOURCE: dict[Kind, str] = {"gift": "FREEMIUM_RECEIVE", "vip": "VIP_GIFT"}


def masked(session: str) -> str:
    """A session as it may be shown."""
    return f"{session[:4]}…{session[-4:]}" if len(session) > 8 else "…"


def uid_of(name: str) -> str:
    """The user id that a session gets; the same in every run."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return f"7{int.from_bytes(digest, 'big') % 10**14:014d}"


@dataclass(slots=True)
class Rules:
    """What the upstream lets an account do; None means without limit."""

    images_at_once: int | None = None
    films_at_once: int | None = None
    at_once_ret: str = "1310"
    per_minute: int | None = None
    per_minute_ret: str = "1057"
    """The word `429` answers with that HTTP status instead."""
    per_day: int | None = None
    price: int | None = None
    """Credits for one picture or film of any model."""
    punished: bool = False
    needs_consent: bool = False
    region_refused: bool = False
    risk_until: float = 0.0
    risk_ret: str = "1019"
    daily_gift: int | None = None
    gift_lag: int = 0
    """For so many readings after a gift the total still shows the old number."""
    receive_ret: str = "0"
    row_lag: float = 0.0
    """Seconds until a row shows in the credit history."""
    member: str = ""


@dataclass(slots=True)
class CreditRow:
    amount: int
    at: float
    visible_at: float
    title: str
    history_type: int
    """1 for income, 2 for spending."""
    submit_id: str
    trade_source: str
    status: str = "Checked"


@dataclass(slots=True)
class Account:
    uid: str
    site: Site | None
    rules: Rules
    purse: Purse = field(default_factory=lambda: Purse(USUAL_CREDITS))
    opening: int = USUAL_CREDITS
    """What was there before the first row of the books."""
    received_on: int | None = None
    stale_readings: int = 0
    stale_gift: int = 0
    rows: list[CreditRow] = field(default_factory=list)
    recent: deque[float] = field(default_factory=deque)
    today: int = 0
    today_is: int = 0
    jobs: list[str] = field(default_factory=list)
    """History ids, oldest first."""
    by_submit_id: dict[str, str] = field(default_factory=dict)
    running_images: set[str] = field(default_factory=set)
    running_films: set[str] = field(default_factory=set)

    @property
    def balance(self) -> int:
        return self.purse.total

    @property
    def booked(self) -> int:
        """All that the rows say came in, less all that went out; with `opening` it is the balance."""
        return sum(row.amount for row in self.rows)

    def lapse(self, now: float) -> None:
        """Drop what is over."""
        for parcel in self.purse.lapse(now):
            source = LAPSED_SOURCE[parcel.kind]
            self.rows.append(CreditRow(-parcel.amount, now, now, LAPSED, 2, "", source))

    def spend(self, price: int, now: float, submit_id: str, *, film: bool, row_lag: float) -> None:
        """Take the price, from what lapses first."""
        self.purse.take(price)
        if price:
            title = "视频生成" if film else "图片生成"
            self.rows.append(
                CreditRow(-price, now, now + row_lag, title, 2, submit_id, "AIGC_GENERATE")
            )

    def pay_back(self, price: int, now: float, submit_id: str) -> None:
        self.purse.bought += price
        self.rows.append(
            CreditRow(price, now, now + self.rules.row_lag, "积分退还", 1, submit_id, "AIGC_REFUND")
        )

    def receive_gift(self, now: float) -> int:
        """Take today's gift; 0 when it was taken."""
        if self.received_on == day_of(now):
            return 0
        amount = self._daily_gift() if self.rules.daily_gift is None else self.rules.daily_gift
        self.stale_readings, self.stale_gift = self.rules.gift_lag, self.purse.sum_of("gift")
        self.received_on = day_of(now)
        self.purse.put("gift", amount, last_second_of_day(now))
        self._came_in(amount, now, "每日免费积分", "FREEMIUM_RECEIVE")
        return amount

    def subscribe(self, amount: int, now: float) -> None:
        """Get the credits of a month of membership."""
        self.purse.put("vip", amount, int(now) + MONTH)
        self._came_in(amount, now, "订阅积分", "VIP_GIFT")

    def _daily_gift(self) -> int:
        if self.site is None:
            return 0
        usual = self.site.daily_gift
        return max(usual, MEMBERS_GIFT) if self.rules.member and self.site.is_cn else usual

    def _came_in(self, amount: int, now: float, title: str, source: str) -> None:
        row = CreditRow(amount, now, now + self.rules.row_lag, title, 1, "", source)
        self.rows.append(row)

    def shown_gift(self) -> int:
        """The gift credits as the total shows them, which may lag."""
        if self.stale_readings > 0:
            self.stale_readings -= 1
            return self.stale_gift
        return self.purse.sum_of("gift")

    def too_many_in_a_minute(self, now: float) -> bool:
        limit = self.rules.per_minute
        if limit is None:
            return False
        while self.recent and self.recent[0] <= now - MINUTE:
            self.recent.popleft()
        self.recent.append(now)
        return len(self.recent) > limit

    def running(self, *, film: bool) -> set[str]:
        """Jobs that run now, by history id: those that make films, or the others."""
        return self.running_films if film else self.running_images

    def check_limits(self, now: float, *, film: bool) -> None:
        """Refuse a job that is one too many, at once or today."""
        rules = self.rules
        most = rules.films_at_once if film else rules.images_at_once
        if most is not None and len(self.running(film=film)) >= most:
            raise Refusal(rules.at_once_ret, data=fail_fields(rules.at_once_ret))
        if rules.per_day is not None and self.jobs_today(now) >= rules.per_day:
            raise Refusal("121101", data=fail_fields("121101"))

    def jobs_today(self, now: float) -> int:
        if self.today_is != day_of(now):
            self.today_is, self.today = day_of(now), 0
        return self.today

    def as_dict(self) -> dict[str, Any]:
        return {
            "account": self.uid,
            "site": self.site.name if self.site is not None else None,
            "credits": {
                "purchase": self.purse.bought,
                "vip": self.purse.sum_of("vip"),
                "gift": self.purse.sum_of("gift"),
            },
            "lapsing": self.purse.parcels,
            "running": len(self.running_images) + len(self.running_films),
            "jobs": len(self.jobs),
            "rules": self.rules,
        }


@dataclass(slots=True)
class Session:
    secret: str
    account: Account
    dead: bool = False
