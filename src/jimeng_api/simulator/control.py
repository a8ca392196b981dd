"""The control surface below `/_sim`: the ledger, faults, accounts, time and switches."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jimeng_api.simulator.accounts import MONTH, Account, Rules, Session, masked, uid_of
from jimeng_api.simulator.control_rows import queued_row, submit_row
from jimeng_api.simulator.dial import dial_from
from jimeng_api.simulator.fault_queue import BadFault
from jimeng_api.simulator.faults import FAULTS
from jimeng_api.simulator.menu import MODEL_FIELDS, ModelOrder
from jimeng_api.simulator.operations import OPERATIONS
from jimeng_api.simulator.purse import KINDS, Kind
from jimeng_api.simulator.sites import SITES, last_second_of_day, site_of
from jimeng_api.simulator.switches import STRICT, SWITCHES, BadSwitch
from jimeng_api.simulator.world import World

EVERY_SESSION = "*"

ROUTES_MEAN = {
    "GET /_sim/": "this overview",
    "GET /_sim/ledger": "submits, charges, uploads, polls, bytes; ?submit_id= ?account= ?brief=1",
    "GET /_sim/requests": "counts of requests by path, operation and account; ?times=1",
    "GET /_sim/faults": "queued faults, how often each was met, and what is unspent",
    "POST /_sim/faults": "queue one fault or a list",
    "DELETE /_sim/faults": "drop all faults",
    "GET /_sim/accounts": "accounts with credits and rules",
    "POST /_sim/accounts": "open or change one account or a list; session * sets the defaults",
    "GET /_sim/models": "the models that the sites have",
    "POST /_sim/models": "add, alter or remove one model or a list",
    "DELETE /_sim/models": "the usual models again",
    "GET /_sim/time": "the dial",
    "POST /_sim/time": "seconds, looks, at_once, typical or speed",
    "GET /_sim/switches": "switches",
    "POST /_sim/switches": "set some switches",
    "POST /_sim/reset": "forget everything; seed and speed may be given",
}


class BadOrder(ValueError):
    """A control request that cannot be meant; the message says why."""


class ParcelOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Credits that lapse, at a moment or in so many seconds."""

    kind: Kind
    amount: int
    ends: float | None = None
    seconds: float | None = None


class AccountOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a control request may say about an account."""

    session: str
    site: str | None = None
    region: str | None = None
    user: str | None = None
    same_user_as: str | None = None
    credits: int | dict[str, int] | None = None
    lapsing: list[ParcelOrder] | None = None
    subscription: int | None = None
    dead: bool | None = None
    images_at_once: int | msgspec.UnsetType | None = msgspec.UNSET
    films_at_once: int | msgspec.UnsetType | None = msgspec.UNSET
    at_once_ret: str | msgspec.UnsetType = msgspec.UNSET
    per_minute: int | msgspec.UnsetType | None = msgspec.UNSET
    per_minute_ret: str | msgspec.UnsetType = msgspec.UNSET
    per_day: int | msgspec.UnsetType | None = msgspec.UNSET
    price: int | msgspec.UnsetType | None = msgspec.UNSET
    punished: bool | msgspec.UnsetType = msgspec.UNSET
    needs_consent: bool | msgspec.UnsetType = msgspec.UNSET
    region_refused: bool | msgspec.UnsetType = msgspec.UNSET
    risk: bool | float | msgspec.UnsetType = msgspec.UNSET
    risk_ret: str | msgspec.UnsetType = msgspec.UNSET
    daily_gift: int | msgspec.UnsetType | None = msgspec.UNSET
    gift_lag: int | msgspec.UnsetType = msgspec.UNSET
    receive_ret: str | msgspec.UnsetType = msgspec.UNSET
    row_lag: float | msgspec.UnsetType = msgspec.UNSET
    member: str | msgspec.UnsetType = msgspec.UNSET


ACCOUNT_FIELDS = AccountOrder.__struct_fields__

_RULE_FIELDS = [name for name in ACCOUNT_FIELDS if name in Rules.__slots__]


def _answer(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


Endpoint = Callable[[Request], Awaitable[Response]]


def control_app(world: World, forget: Callable[[], None]) -> Starlette:
    control = _Control(world, forget)
    routes = [
        Route("/_sim", _guarded(control.overview)),
        Route("/_sim/", _guarded(control.overview)),
        Route("/_sim/ledger", _guarded(control.ledger)),
        Route("/_sim/requests", _guarded(control.requests)),
        Route("/_sim/faults", _guarded(control.faults)),
        Route("/_sim/faults", _guarded(control.add_faults), methods=["POST"]),
        Route("/_sim/faults", _guarded(control.drop_faults), methods=["DELETE"]),
        Route("/_sim/accounts", _guarded(control.accounts)),
        Route("/_sim/accounts", _guarded(control.set_accounts), methods=["POST"]),
        Route("/_sim/models", _guarded(control.models)),
        Route("/_sim/models", _guarded(control.set_models), methods=["POST"]),
        Route("/_sim/models", _guarded(control.reset_models), methods=["DELETE"]),
        Route("/_sim/time", _guarded(control.time)),
        Route("/_sim/time", _guarded(control.set_time), methods=["POST"]),
        Route("/_sim/switches", _guarded(control.switches)),
        Route("/_sim/switches", _guarded(control.set_switches), methods=["POST"]),
        Route("/_sim/reset", _guarded(control.reset), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _guarded(endpoint: Callable[[Request], Awaitable[Any]]) -> Endpoint:
    """Answer with what the endpoint returns, or say what was wrong with the order."""

    async def answer(request: Request) -> Response:
        try:
            return _answer(await endpoint(request))
        except BadFault as error:
            return _answer(
                {
                    "error": str(error),
                    "operations": ["any", *OPERATIONS],
                    "faults": list(FAULTS),
                },
                400,
            )
        except BadSwitch as error:
            return _answer({"error": str(error), "switches": ["strict", *SWITCHES]}, 400)
        except (BadOrder, msgspec.DecodeError, TypeError, ValueError) as error:
            return _answer({"error": str(error)}, 400)

    return answer


async def _order(request: Request) -> dict[str, Any]:
    body = await request.body()
    value = msgspec.json.decode(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise BadOrder("the body must be a JSON object")
    return value


async def _orders(request: Request) -> list[dict[str, Any]]:
    value = msgspec.json.decode(await request.body())
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in values):
        raise BadOrder("the body must be a JSON object or a list of objects")
    return values


class _Control:
    def __init__(self, world: World, forget: Callable[[], None]) -> None:
        self._world = world
        self._forget = forget

    async def overview(self, _: Request) -> Any:
        world = self._world
        return {
            "what": "simulated upstream; control surface",
            "seed": world.seed,
            "now": world.clock.now(),
            "time": world.dial.as_dict(),
            "totals": world.ledger.totals(),
            "routes": ROUTES_MEAN,
            "operations": {
                row.name: f"{row.method} {row.path}: {row.meaning}" for row in OPERATIONS.values()
            },
            "faults": {
                row.name: {
                    "kind": row.kind,
                    "meaning": row.meaning,
                    "on": sorted(row.on),
                    "settings": dict(row.settings),
                }
                for row in FAULTS.values()
            },
            "switches": {
                row.name: {
                    "meaning": row.meaning,
                    "default": row.default,
                    "now": world.switches[row.name],
                }
                for row in SWITCHES.values()
            },
            "account_fields": list(ACCOUNT_FIELDS),
            "model_fields": list(MODEL_FIELDS),
        }

    # ---------------------------------------------------------------- ledger

    async def ledger(self, request: Request) -> Any:
        world = self._world
        now = world.clock.now()
        world.settle(now)
        values = request.query_params
        submit_id, account = values.get("submit_id"), values.get("account")
        brief = values.get("brief", "") not in ("", "0", "false")
        uid = self._uid(account) if account else None
        submits = [
            submit_row(task, brief=brief)
            for task in world.tasks.values()
            if (submit_id is None or task.asked.submit_id == submit_id)
            and (uid is None or task.account.uid == uid)
        ]
        ledger = world.ledger

        def wanted(charge: Any) -> bool:
            return (submit_id is None or charge.submit_id == submit_id) and (
                uid is None or charge.account == uid
            )

        return {
            "submits": submits,
            "charges": [each._asdict() for each in ledger.charges if wanted(each)],
            "refunds": [each._asdict() for each in ledger.refunds if wanted(each)],
            "books": ledger.books(
                [each for each in world.accounts.values() if uid in (None, each.uid)], now
            ),
            "refusals": ledger.refusals,
            "polls": ledger.polls,
            "looks": ledger.looks,
            "bytes": ledger.bytes_by_operation,
            "uploads": [
                each._asdict()
                for each in ledger.uploads
                if submit_id is None and (uid is None or each.account == uid)
            ],
            "totals": ledger.totals(),
        }

    async def requests(self, request: Request) -> Any:
        ledger = self._world.ledger
        answer: dict[str, Any] = {
            "by_path": ledger.by_path,
            "by_operation": ledger.by_operation,
            "by_account": ledger.by_account,
            "total": sum(ledger.by_path.values()),
        }
        if request.query_params.get("times", "") not in ("", "0", "false"):
            answer["times"] = [seen._asdict() for seen in ledger.times]
        return answer

    # ---------------------------------------------------------------- faults

    async def faults(self, _: Request) -> Any:
        queue = self._world.faults
        queued = [queued_row(each) for each in queue]
        return {
            "queued": queued,
            "met": sum(each["met"] for each in queued),
            "unspent": queue.unspent,
        }

    async def add_faults(self, request: Request) -> Any:
        queue = self._world.faults
        added = queue.add(await _orders(request))
        return {"added": [queued_row(each) for each in added], "unspent": queue.unspent}

    async def drop_faults(self, _: Request) -> Any:
        queue = self._world.faults
        dropped = queue.unspent
        queue.clear()
        return {"dropped": dropped, "unspent": 0}

    # -------------------------------------------------------------- accounts

    async def accounts(self, _: Request) -> Any:
        world = self._world
        return {
            "accounts": [
                {**account.as_dict(), "sessions": self._sessions_of(account)}
                for account in world.accounts.values()
            ],
            "defaults": {"credits": world.usual_credits, "rules": world.usual_rules},
        }

    async def set_accounts(self, request: Request) -> Any:
        orders = [msgspec.convert(each, AccountOrder) for each in await _orders(request)]
        answers = [self._set_account(order) for order in orders]
        return answers[0] if len(answers) == 1 else answers

    def _set_account(self, order: AccountOrder) -> Any:
        world = self._world
        if order.session == EVERY_SESSION:
            if isinstance(order.credits, int):
                world.usual_credits = order.credits
            self._set_rules(world.usual_rules, order)
            return {"credits": world.usual_credits, "rules": world.usual_rules}
        session = self._session_for(order)
        account = session.account
        place = order.site or order.region
        if place is not None:
            site = site_of(place)
            if site is None:
                raise BadOrder(f"no site is called {place!r}; there are {', '.join(SITES)}")
            account.site = site
        self._set_credits(account, order)
        if order.dead is not None:
            session.dead = order.dead
        self._set_rules(account.rules, order)
        return {**account.as_dict(), "session": masked(session.secret), "dead": session.dead}

    def _session_for(self, order: AccountOrder) -> Session:
        world = self._world
        session = world.sessions.get(order.session)
        uid = order.user
        if order.same_user_as is not None:
            uid = self._uid(order.same_user_as)
        if session is None or (uid is not None and session.account.uid != uid):
            account = world.open_account(uid or uid_of(order.session), None)
            session = world.sessions[order.session] = Session(order.session, account)
        return session

    def _set_credits(self, account: Account, order: AccountOrder) -> None:
        now, purse, given = self._world.clock.now(), account.purse, order.credits
        if isinstance(given, int):
            purse.bought = given
            purse.empty()
        else:
            for name, amount in (given or {}).items():
                if name == "purchase":
                    purse.bought = amount
                    continue
                if name not in KINDS:
                    raise BadOrder(f"credits are purchase, {', '.join(KINDS)}, not {name!r}")
                purse.empty(name)
                lapses = last_second_of_day(now) if name == "gift" else int(now) + MONTH
                purse.put(name, amount, lapses)
        for parcel in order.lapsing or ():
            if (parcel.ends is None) == (parcel.seconds is None):
                raise BadOrder("what lapses does so at `ends` or after `seconds`")
            ends = now + (parcel.seconds or 0.0) if parcel.ends is None else parcel.ends
            purse.put(parcel.kind, parcel.amount, int(ends))
        if given is not None or order.lapsing:
            account.opening = purse.total - account.booked
        if order.subscription is not None:
            account.subscribe(order.subscription, now)

    def _set_rules(self, rules: Rules, order: AccountOrder) -> None:
        for name in _RULE_FIELDS:
            value = getattr(order, name)
            if value is not msgspec.UNSET:
                setattr(rules, name, value)
        if order.risk is not msgspec.UNSET:
            now = self._world.clock.now()
            if isinstance(order.risk, bool):
                rules.risk_until = float("inf") if order.risk else 0.0
            else:
                rules.risk_until = now + order.risk

    def _sessions_of(self, account: Account) -> list[Any]:
        return [
            {"session": masked(session.secret), "dead": session.dead}
            for session in self._world.sessions.values()
            if session.account is account
        ]

    def _uid(self, name: str) -> str:
        """The account that a user id, a session or a masked session stands for."""
        world = self._world
        if name in world.accounts:
            return name
        session = world.sessions.get(name)
        if session is not None:
            return session.account.uid
        for secret, each in world.sessions.items():
            if masked(secret) == name:
                return each.account.uid
        return uid_of(name)

    # ---------------------------------------------------------------- models

    async def models(self, _: Request) -> Any:
        menu = self._world.menu
        return {"models": [menu.as_dict(key) for key in (*menu.images, *menu.films)]}

    async def set_models(self, request: Request) -> Any:
        orders = [msgspec.convert(each, ModelOrder) for each in await _orders(request)]
        answers = [self._world.menu.change(order) for order in orders]
        return answers[0] if len(answers) == 1 else answers

    async def reset_models(self, request: Request) -> Any:
        self._world.menu.reset()
        return await self.models(request)

    # -------------------------------------------------- time, switches, reset

    async def time(self, _: Request) -> Any:
        return {**self._world.dial.as_dict(), "now": self._world.clock.now()}

    async def set_time(self, request: Request) -> Any:
        self._world.dial = dial_from(await _order(request), self._world.dial)
        return self._world.dial.as_dict()

    async def switches(self, _: Request) -> Any:
        return self._world.switches.as_dict()

    async def set_switches(self, request: Request) -> Any:
        switches = self._world.switches
        before = switches.as_dict()
        try:
            for name, value in (await _order(request)).items():
                switches.set(name, value)
        except BadSwitch:
            for name, value in before.items():
                switches.set(name, value)
            raise
        return switches.as_dict()

    async def reset(self, request: Request) -> Any:
        order = await _order(request)
        world = self._world
        world.start_over(
            int(order.get("seed", world.seed)), float(order.get("speed", world.dial.speed))
        )
        self._forget()
        return {"seed": world.seed, "time": world.dial.as_dict(), "strict": list(STRICT)}
