"""The upstream over HTTP: one method per endpoint, no retry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from jimeng_api.catalog.live import LiveImageModel, LiveVideoModel
from jimeng_api.catalog.prices import Rates
from jimeng_api.catalog.sites import Site
from jimeng_api.clock import Clock
from jimeng_api.domain.credits import Credits
from jimeng_api.domain.errors import (
    DailyLimitReached,
    GatewayError,
    Overloaded,
    ProxyRefused,
    SessionExpired,
    UpstreamUnreachable,
)
from jimeng_api.domain.progress import Item, Progress, Queue
from jimeng_api.domain.secret import Secret
from jimeng_api.transport import (
    Broken,
    NoConnectionFree,
    NotSent,
    ProxyFailed,
    Request,
    Response,
    Transport,
)
from jimeng_api.upstream import envelope, error_codes
from jimeng_api.upstream.circuit import Limits
from jimeng_api.upstream.constants import Constants
from jimeng_api.upstream.envelope import Plane
from jimeng_api.upstream.gates import Gates, Operation
from jimeng_api.upstream.replies.answers import Answer, Reply, signature_clock, unwrap
from jimeng_api.upstream.replies.books import Page, page_of
from jimeng_api.upstream.replies.configurations import image_models, video_models
from jimeng_api.upstream.replies.credits import credits_of, granted
from jimeng_api.upstream.replies.items import local_items
from jimeng_api.upstream.replies.origins import Found
from jimeng_api.upstream.replies.origins import found as found_in
from jimeng_api.upstream.replies.prices import rates
from jimeng_api.upstream.replies.queues import queues
from jimeng_api.upstream.replies.reasons import sentence
from jimeng_api.upstream.replies.records import records
from jimeng_api.upstream.replies.submissions import submitted, uncertain
from jimeng_api.upstream.replies.uploads import UploadToken, upload_token
from jimeng_api.upstream.replies.users import membership_of, user_of

MAX_BYTES = 32 * 1024 * 1024
SKEW = 30.0  # seconds by which the clocks may differ before we follow the upstream's
_DAY = 86400.0
SHORTEST_SESSION = 16  # a shorter one is no secret, and its letters may occur in any answer
NO_PROXIES: Mapping[str, Secret] = MappingProxyType({})

T = TypeVar("T")


class UploadScene(Enum):
    """What an upload token is for."""

    FILMS = 1  # and sounds
    PICTURES = 2


class UpstreamClient:
    """Every call that needs a session; the bytes of uploads need none (`upstream.uploads`).

    A read that fails raises `UpstreamUnreachable` where nothing can be learnt from the answer, and otherwise
    the error that the answer means. Where a site has failed too much lately, requests are kept back for a
    while, and fail at once as they would.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        constants: Constants,
        origin: str | None = None,
        *,
        proxies: Mapping[str, Secret] = NO_PROXIES,
        limits: Limits | None = None,
        submit_timeout: float = 45.0,
        read_timeout: float = 20.0,
    ) -> None:
        """`origin` stands in for every host of every site; `proxies` are by the names of sites."""
        self._transport = transport
        self._clock = clock
        self._constants = constants
        self._origin = origin
        self._proxies = proxies
        self._gates = Gates(clock, limits or Limits())
        self._submit_timeout = submit_timeout
        self._read_timeout = read_timeout
        self._skew: dict[str, float] = {}

    async def submit(self, site: Site, session: Secret, payload: bytes) -> Progress:
        """Send a generation, once. What it raises says what is known.

        `UpstreamUnreachable`, `UpstreamMaintenance`, `ProxyRefused`, `Overloaded`: nothing was sent.
        `SubmissionUncertain`: it may have been taken. Any other error: it was refused, though
        `UnknownUpstreamCode` and `GenerationFailed` promise nothing of charges.
        """
        told = _told_by(payload)
        with self._gates.submitting(site, envelope.web_id_of(session), told.submit_id):
            request = self._request(
                site,
                session,
                envelope.GENERATE,
                payload,
                model=told.extend.root_model if self._constants.sends_babi_param else "",
                film=told.extend.m_video_commerce_info is not None,
                timeout=self._submit_timeout,
                fresh=True,  # on a kept connection nobody could tell whether something went out
            )
            try:
                response = await self._transport.send(request)
            except NotSent as error:
                raise unsent(error) from error
            except Exception as error:
                # Whatever it was: the request may have arrived.
                raise uncertain() from error
            try:
                return submitted(self._answer(site, session, response))
            except DailyLimitReached as error:
                error.retry_after = self._seconds_to_midnight(site)
                raise

    async def look(
        self,
        site: Site,
        session: Secret,
        *,
        submit_ids: Collection[str] = (),
        history_ids: Collection[str] = (),
    ) -> dict[str, Progress]:
        """How far jobs have come, by the id they were asked with; jobs that are not there are left out."""
        asked = _filled(submit_ids=submit_ids, history_ids=history_ids)
        if not asked:
            return {}

        def listed(reply: Reply) -> dict[str, Progress]:
            return records(reply, submit_ids=submit_ids, history_ids=history_ids)

        found = await self._read(site, session, envelope.HISTORY, asked, listed, operation="look")
        self._gates.seen(site, found)
        return found

    async def find(
        self,
        site: Site,
        session: Secret,
        *,
        submit_ids: Collection[str] = (),
        history_ids: Collection[str] = (),
    ) -> dict[str, Found]:
        """The same look, with what the upstream tells of the requests that the jobs came from."""
        asked = _filled(submit_ids=submit_ids, history_ids=history_ids)
        if not asked:
            return {}

        def told(reply: Reply) -> dict[str, Found]:
            return found_in(reply, submit_ids=submit_ids, history_ids=history_ids)

        found = await self._read(site, session, envelope.HISTORY, asked, told, operation="look")
        self._gates.seen(site, found)
        return found

    async def queue(
        self, site: Site, session: Secret, history_ids: Collection[str]
    ) -> dict[str, Queue]:
        """The places of jobs in the upstream's line, by history id."""
        asked = _filled(history_ids=history_ids)
        if not asked:
            return {}

        def places(reply: Reply) -> dict[str, Queue]:
            return queues(reply, history_ids=history_ids)

        return await self._read(site, session, envelope.QUEUE, asked, places)

    async def download_links(
        self, site: Site, session: Secret, item_ids: Collection[str]
    ) -> dict[str, Item]:
        """Films by the ids of their items, with links to the best that the page lets download.

        The links of a look lead to the same films in a lesser quality: they are there for when this fails.
        """
        asked = _filled(item_id_list=item_ids)
        if not asked:
            return {}
        body = {
            **asked,
            "pack_item_opt": {"scene": 1, "need_data_integrity": True},
            "is_for_video_download": True,
        }
        found = await self._read(site, session, envelope.LOCAL_ITEMS, body, local_items)
        return {id_: found[id_] for id_ in asked["item_id_list"] if id_ in found}

    async def credits(self, site: Site, session: Secret) -> Credits:
        """What the account may spend."""
        return await self._read(site, session, envelope.CREDITS, {}, credits_of)

    async def credit_history(
        self, site: Site, session: Secret, *, cursor: str = "0", count: int
    ) -> Page:
        """The account's book of credits from the cursor on, newest first, `count` entries of it."""
        body = {"count": count, "cursor": cursor}
        return await self._read(site, session, envelope.CREDIT_HISTORY, body, page_of)

    async def receive(self, site: Site, session: Secret) -> int:
        """Take today's free credits; how many came, 0 where they were taken before."""
        body = {"time_zone": site.time_zone}
        return await self._read(site, session, envelope.GRANT, body, granted)

    async def user(self, site: Site, session: Secret) -> str:
        """The id of whoever is signed in. Raises SessionExpired for nobody; else nothing is known of that."""
        found = await self._read(site, session, envelope.USER, {}, user_of)
        if not found:
            raise SessionExpired(sentence(error_codes.SESSION))
        return found

    async def alive(self, site: Site, session: Secret) -> bool:
        """Whether the session is signed in. Other trouble is raised: it says nothing of the session."""
        try:
            return bool(await self.user(site, session))
        except SessionExpired:
            return False

    async def image_models(self, site: Site, session: Secret) -> tuple[LiveImageModel, ...]:
        """The image models as the site lists them for this account."""
        return await self._read(
            site, session, envelope.IMAGE_MODELS, {}, image_models, operation="catalogue"
        )

    async def video_models(self, site: Site, session: Secret) -> tuple[LiveVideoModel, ...]:
        """The same of film models."""
        body = {"scene": "generate_video", "params": {"needCache": True}}
        return await self._read(
            site, session, envelope.VIDEO_MODELS, body, video_models, operation="catalogue"
        )

    async def prices(self, site: Site, session: Secret) -> Rates:
        """The site's own list of prices."""
        everything = {"resource_type": "aigc", "resource_id": "get_all", "benefit_type_list": []}
        body = {"query_list": [everything]}
        return await self._read(site, session, envelope.PRICES, body, rates, operation="catalogue")

    async def membership(self, site: Site, session: Secret) -> str:
        """The level of the account's membership, empty without one."""
        body = {"aid": site.app_id, "scene": "vip", "need_sign_info": True}
        return await self._read(site, session, envelope.MEMBERSHIP, body, membership_of)

    async def upload_token(
        self, site: Site, session: Secret, scene: UploadScene = UploadScene.PICTURES
    ) -> UploadToken:
        """What lets files be uploaded for a while."""
        body = {"scene": scene.value}

        def told(reply: Reply) -> UploadToken:
            return upload_token(reply, self._clock.now())

        return await self._read(site, session, envelope.UPLOAD_TOKEN, body, told)

    async def check_upload(self, site: Site, session: Secret, uri: str) -> None:
        """Have the content of an upload looked at; what is raised says what became of that."""
        body = {
            "scene": "image_face_ip",
            "options": {"ip_check": True},
            "req_key": "benchmark_test_user_upload_image_input",
            "file_list": [{"file_uri": uri}],
            "req_params": {},
        }
        # A gate of its own: when nobody looks at pictures, that says nothing of the account's other calls.
        await self._read(
            site, session, envelope.CONTENT_CHECK, body, lambda reply: None, operation="check"
        )

    async def _read(
        self,
        site: Site,
        session: Secret,
        path: str,
        body: dict[str, Any],
        meaning: Callable[[Reply], T],
        *,
        operation: Operation = "other",
    ) -> T:
        with self._gates.reading(site, operation, envelope.web_id_of(session)):
            request = self._request(
                site, session, path, msgspec.json.encode(body), timeout=self._read_timeout
            )
            try:
                response = await self._transport.send(request)
            except NotSent as error:
                raise unsent(error) from error
            except Broken as error:
                raise UpstreamUnreachable("The upstream gave no whole answer.") from error
            return meaning(unwrap(self._answer(site, session, response), Plane.of(path)))

    def _seconds_to_midnight(self, site: Site) -> float:
        """Until the site's own day ends, when its daily limits begin anew."""
        return _DAY - (self._clock.now() + site.utc_offset_hours * 3600) % _DAY

    def _answer(self, site: Site, session: Secret, response: Response) -> Answer:
        """The answer without the session, should the upstream ever repeat it.

        Where the signature was refused, the next one follows the upstream's clock instead of ours.
        """
        own = session.reveal()
        if len(own) < SHORTEST_SESSION:
            answer = Answer(response.status, response.headers, response.body)
        else:
            headers = {name: value.replace(own, "***") for name, value in response.headers.items()}
            answer = Answer(response.status, headers, response.body.replace(own.encode(), b"***"))
        time = signature_clock(answer)
        if time is not None:
            skew = time - self._clock.now()
            self._skew[site.name] = skew if abs(skew) > SKEW else 0.0
        return answer

    def _request(
        self,
        site: Site,
        session: Secret,
        path: str,
        body: bytes,
        *,
        timeout: float,
        model: str = "",
        film: bool = False,
        fresh: bool = False,
    ) -> Request:
        url, headers = envelope.envelope(
            site,
            session,
            path,
            constants=self._constants,
            device_time=int(self._clock.now() + self._skew.get(site.name, 0.0)),
            web_id=envelope.web_id_of(session),
            model=model,
            film=film,
            origin=self._origin,
        )
        return Request(
            method="POST",
            url=url,
            headers=headers,
            body=body,
            timeout=timeout,
            max_bytes=MAX_BYTES,
            fresh=fresh,
            proxy=site.proxy or self._proxies.get(site.name),
        )


def unsent(error: NotSent) -> GatewayError:
    """The error of a request of which not a byte went out."""
    match error:
        case NoConnectionFree():
            return Overloaded(
                "Too many requests to the upstream are under way; this one was not sent."
            )
        case ProxyFailed():
            return ProxyRefused(
                f"The proxy for this site does not let the gateway through: {error}. Nothing was sent."
            )
        case _:
            return UpstreamUnreachable(
                "The upstream cannot be reached: no connection could be made, nothing was sent."
            )


def _filled(**lists: Iterable[str]) -> dict[str, list[str]]:
    """Each list without repetition, in order; the empty ones are left out."""
    unique = {name: list(dict.fromkeys(ids)) for name, ids in lists.items()}
    return {name: ids for name, ids in unique.items() if ids}


class _Extend(msgspec.Struct, frozen=True):
    root_model: str = ""
    m_video_commerce_info: Any = None  # films alone have it


class _Payload(msgspec.Struct):
    extend: _Extend = _Extend()
    submit_id: str = ""


def _told_by(payload: bytes) -> _Payload:
    """What a body of ours says of itself: the model's key, whether it makes films, the submission's id."""
    try:
        return _PAYLOAD.decode(payload)
    except ValueError:
        return _Payload()


_PAYLOAD = msgspec.json.Decoder(_Payload)
