"""Every route, asked by everybody: only those come in whom the route declares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import SecretStr

from jimeng_api.accounts.keys import Keys
from jimeng_api.accounts.store import AccountStore
from jimeng_api.domain.secret import Secret
from jimeng_api.web.auth import anybody, known_caller
from jimeng_api.web.video_ids import video_id_of
from tests.answer import Answer
from tests.forms import multipart, picture
from tests.simulated.asgi import Talk
from tests.simulated.house import KEY, SELF, House
from tests.simulated.routes import Declared, Undeclared, declared
from tests.simulated.test_keys import a_key, keys_of

ADMIN = "the-admin-key-of-this-gateway"
OTHER_SESSION = "f" * 32

# What callers who are nobody, or nobody any more, send.
NOBODIES = ("no key", "malformed", "unknown", "revoked", "expired")

# Routes about one thing of somebody's: for another they are about nothing.
NOTHING = {
    "job_id": "job_0",
    "video_id": "video_0",
    "file_id": "file-0",
    "response_id": "resp_0",
}
OWNED = tuple(f"{{{name}}}" for name in NOTHING)


@dataclass
class Neighbourhood:
    """A gateway with things of one user's, and all who may come for them, each with the header they send."""

    house: House
    headers: dict[str, str | None]
    things: dict[str, str]

    @property
    def routes(self) -> list[Declared]:
        """What deletes comes last, so that until then there is something; last of all goes the token."""

        def late(one: Declared) -> tuple[Any, ...]:
            return one.path == "/token/revoke", one.method == "DELETE", one.path, one.method

        return sorted(declared(self.house.app), key=late)

    async def ask(self, route: Declared, who: str, things: dict[str, str] | None = None) -> Answer:
        path = re.sub(
            r"\{(\w+)[^}]*\}", lambda match: (things or self.things)[match[1]], route.path
        )
        talk = Talk(body=b"{}" if route.method == "POST" else b"")
        headers = {"content-type": "application/json"}
        sent = self.headers[who]
        if sent is not None:
            headers["authorization"] = sent
        return await talk.run(self.house.app, route.method, SELF + path, headers)


async def revoked_key(keys: Keys) -> str:
    issued, text = await keys.issue()
    await keys.revoke(issued.id)
    return text.reveal()


async def expired_key(keys: Keys) -> str:
    _, text = await keys.issue(expires_at=1.0)
    return text.reveal()


@pytest.fixture
async def neighbourhood(house: House) -> Neighbourhood:
    await house.start(admin_key=SecretStr(ADMIN))
    await house.upstream.time(at_once=True)
    keys = keys_of(house)
    user = await a_key(house)
    drawn = (await house.generate(user)).headers["x-job-id"]
    made = await house.call("POST", "/v1/videos", {"prompt": "a sea"}, key=user)
    film = made.headers["x-job-id"]
    for job in (drawn, film):
        await house.call("GET", f"/v1/jobs/{job}/events", key=user)  # until it has ended
    said = await house.call(
        "POST", "/v1/responses", {"input": "a hill", "model": "jimeng-4.5"}, key=user
    )
    body, headers = multipart([("file", picture(640, 360)), ("purpose", "vision")])
    file = await house.call("POST", "/v1/files", key=user, talk=Talk(body=body), headers=headers)
    issued, _ = await keys.issue()
    desk = house.gateway.desk
    stored = AccountStore(desk._store._database, house.gateway.workshop._vault, house.clock)
    account, _ = await stored.add(
        house.gateway.workshop._vault.session("cn", Secret(OTHER_SESSION))
    )
    return Neighbourhood(
        house=house,
        headers={
            "no key": None,
            "malformed": "Bearer http://proxy@here",
            "unknown": f"Bearer jm-{'a' * 43}",
            "revoked": f"Bearer {await revoked_key(keys)}",
            "expired": f"Bearer {await expired_key(keys)}",
            "other key": f"Bearer {await a_key(house)}",
            "other session": f"Bearer {OTHER_SESSION}",
            "same session": f"Bearer {KEY}",  # of the same account, but not with the key
            "user": f"Bearer {user}",
            "admin": f"Bearer {ADMIN}",
        },
        things={
            "job_id": drawn,
            "video_id": video_id_of(film),
            "media_id": next(one["media_id"] for one in house.kept()),
            "model_id": "jimeng-4.5",
            "character_id": "char_1",
            "file_id": file.json["id"],
            "response_id": said.json["id"],
            "key_id": issued.id,
            "account": account.id,
        },
    )


def may(route: Declared, who: str) -> str:
    """The verdict that a route's declaration means."""
    if route.who == "anybody":
        return "in"
    if route.who == "tokens":
        return may_about_tokens(route, who)
    if route.who == "admin":
        return "in" if who == "admin" else "401"
    if who in NOBODIES:
        return "401"
    if who == "admin":
        return "403"
    if who != "user" and any(name in route.path for name in OWNED):
        return "404"
    return "in"


def may_about_tokens(route: Declared, who: str) -> str:
    """Of tokens that are no good, these routes say so; only sessions can be exchanged."""
    if who == "admin":
        return "403"
    if route.path == "/token":
        return "in" if who in ("other session", "same session") else "401"
    return "401" if who == "no key" or route.path == "/token/refresh" else "in"


def verdict(answer: Answer) -> str:
    """Which of the refusals it is; every other answer, also that the request is a bad one, is past them."""
    code = answer.json["error"]["code"] if answer.status >= 400 and answer.body else ""
    if answer.status in (401, 403):
        return str(answer.status)
    return "404" if (answer.status, code) in ((404, "not_found"), (404, "")) else "in"


async def test_every_route_lets_in_whom_it_declares_and_nobody_else(
    neighbourhood: Neighbourhood,
) -> None:
    routes = neighbourhood.routes
    assert len(routes) > 40
    assert {route.who for route in routes} == {"caller", "admin", "tokens", "anybody"}
    callers = [who for who in neighbourhood.headers if who != "user"] + ["user"]
    table = {
        (route, who): verdict(await neighbourhood.ask(route, who))
        for who in callers
        for route in routes
    }
    neighbourhood.house.unknown = 2  # the film and the response that their owner has deleted
    _print(table, callers)
    wrong = {
        f"{route.method} {route.path} for {who}": (found, may(route, who))
        for (route, who), found in table.items()
        # What is not made here at all is not there for anybody.
        if found != may(route, who)
        and not (found == "404" and ("characters" in route.path or "extensions" in route.path))
    }
    assert wrong == {}


def _print(table: dict[tuple[Declared, str], str], callers: list[str]) -> None:
    print(f"\n{'route':48} {'declared':9}" + " ".join(f"{who:13}" for who in callers))
    for route in dict.fromkeys(route for route, _ in table):
        row = " ".join(f"{table[route, who]:13}" for who in callers)
        print(f"{f'{route.method} {route.path}':48} {route.who:9}{row}")


async def test_what_is_anothers_looks_as_if_it_were_not_there(neighbourhood: Neighbourhood) -> None:
    nowhere = neighbourhood.things | NOTHING
    for route in neighbourhood.routes:
        if any(name in route.path for name in OWNED) and route.who == "caller":
            foreign, missing = (
                await neighbourhood.ask(route, "other key"),
                await neighbourhood.ask(route, "other key", nowhere),
            )
            assert foreign.status == missing.status == 404
            told = [answer.body.decode() for answer in (foreign, missing)]
            for things, at in ((neighbourhood.things, 0), (nowhere, 1)):
                for name in NOTHING:
                    told[at] = told[at].replace(things[name], "ID")
            assert told[0] == told[1], route


async def test_who_is_refused_reaches_no_site_and_learns_no_secret(
    neighbourhood: Neighbourhood,
) -> None:
    asked = len(neighbourhood.house.door.asked)
    for route in neighbourhood.routes:
        for who in (*NOBODIES, "admin"):
            if may(route, who) in ("401", "403"):
                answer = await neighbourhood.ask(route, who)
                sent = (neighbourhood.headers[who] or "").removeprefix("Bearer ")
                assert not sent or sent not in str(answer)
    assert len(neighbourhood.house.door.asked) == asked


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_no_other_spelling_of_a_path_is_an_open_door(
    neighbourhood: Neighbourhood, prefix: str
) -> None:
    for route in neighbourhood.routes:
        if route.who == "anybody":
            continue
        filled = re.sub(r"\{(\w+)[^}]*\}", lambda m: neighbourhood.things[m[1]], route.path)
        for path in (f"{prefix}{filled}/", f"/{prefix}/{filled}//", f"{prefix}{filled}?key={KEY}"):
            answer = await Talk().run(neighbourhood.house.app, route.method, SELF + path)
            assert answer.status == 401, path


def test_a_route_that_nobody_has_declared_fails_the_build() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    def app(*dependencies: Any) -> FastAPI:
        made = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        made.include_router(router, dependencies=[Depends(one) for one in dependencies])
        return made

    assert [one.who for one in declared(app(anybody))] == ["anybody"]
    with pytest.raises(Undeclared, match="/forgotten"):
        declared(app())
    with pytest.raises(Undeclared, match="/forgotten"):
        declared(app(anybody, known_caller))
    mounted = app(anybody)
    mounted.mount("/files", FastAPI())
    with pytest.raises(Undeclared):
        declared(mounted)
