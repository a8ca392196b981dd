"""One request as the planes see it: who asks, on which site, for what."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Scope

from jimeng_api.simulator.accounts import Account, Session
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.operations import Operation
from jimeng_api.simulator.photos import Photo
from jimeng_api.simulator.reels import Reel
from jimeng_api.simulator.sites import AIDS, CN, HK, Site, site_of
from jimeng_api.simulator.world import World

_COOKIE = "sessionid"


class Call:
    def __init__(self, world: World, operation: Operation, scope: Scope) -> None:
        self.world = world
        self.operation = operation
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.raw_query: str = scope["query_string"].decode("latin-1")
        self.query = dict(parse_qsl(self.raw_query))
        self.headers: dict[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.body = b""
        self.photo: Photo | None = None
        self.reel: Reel | None = None
        """What was seen in an uploaded body, which is not kept."""
        self.now = world.clock.now()
        self.logid = world.logids.next(self.now)
        self.host = self.headers.get("host", "localhost")
        self.origin = f"{scope.get('scheme', 'http')}://{self.host}"
        self.session: Session | None = world.session(self._secret())

    def _secret(self) -> str:
        for part in self.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == _COOKIE:
                return value.strip('"')
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if self.operation.name == "credit_history" and kind.lower() == "bearer":
            return value.strip()
        return ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the asking account may be called in a fault."""
        if self.session is None:
            return ()
        return (self.session.account.uid, self.session.secret)

    def signed_in(self) -> Session:
        """The session, if it is alive."""
        if self.session is None or self.session.dead:
            raise Refusal("1015")
        return self.session

    def json(self) -> dict[str, Any]:
        """The body; an empty one counts as an empty object."""
        try:
            value = msgspec.json.decode(self.body) if self.body.strip() else {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("1000", data={}) from error
        if not isinstance(value, dict):
            raise Refusal("1000", data={})
        return value

    def site_for(self, account: Account) -> Site:
        """The site this request is meant for, on which the account must be at home."""
        site = self._site_named(account)
        if site is None:
            return account.site or HK
        if account.site is None:
            account.site = site
        elif account.site is not site:
            raise Refusal("1015", "check login error")
        return site

    def _site_named(self, account: Account) -> Site | None:
        aid = self.query.get("aid") or self.headers.get("appid")
        region = self.query.get("region")
        if region is None and self.operation.plane == "commerce":
            region = self.headers.get("loc")
        if region is not None:
            site = site_of(region)
            if site is None:
                raise Refusal("3000")
            if aid is not None and aid != str(site.aid):
                raise Refusal("1001")
            return site
        if aid is None:
            return account.site or CN
        if not aid.isdigit() or int(aid) not in AIDS:
            raise Refusal("1001")
        if int(aid) == CN.aid:
            return CN
        if account.site is CN:
            raise Refusal("1015", "check login error")
        return None
