"""The simulated upstream as an ASGI application."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from jimeng_api.simulator import commerce, passport
from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal, fail_fields
from jimeng_api.simulator.commerce import site_shown
from jimeng_api.simulator.control import control_app
from jimeng_api.simulator.envelope import commerce as commerce_envelope
from jimeng_api.simulator.envelope import encoded, mweb, sign_is_good
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.files import Files
from jimeng_api.simulator.image_plane import ImagePlane, TooFast
from jimeng_api.simulator.operations import FILM, Operation, file_operation_at, operation_at
from jimeng_api.simulator.pictures import Gallery
from jimeng_api.simulator.records import Records
from jimeng_api.simulator.spoil import SPOILERS, compressed, is_done
from jimeng_api.simulator.upload_plane import UploadPlane
from jimeng_api.simulator.wire import HTML, Line, Reply
from jimeng_api.simulator.world import World

CONTROL = "/_sim"
UPLOAD_HOSTS = ("imagex", "vod", "blob")
_NULL = b"null"


def create_app(world: World) -> ASGIApp:
    """The upstream of this world, with its control surface below `/_sim`."""
    upstream = Upstream(world)
    control = control_app(world, upstream.forget)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        below = path == CONTROL or path.startswith(CONTROL + "/")
        if scope["type"] != "http" or below:
            await control(scope, receive, send)
        else:
            await upstream(scope, receive, send)

    return app


class Upstream:
    def __init__(self, world: World) -> None:
        self._world = world
        self._records = Records(world)
        self._files = Files(Gallery())
        self._uploads = UploadPlane()
        self._planes: dict[str, Callable[[Call], bytes]] = {
            **ImagePlane(self._records).operations,
            **self._uploads.operations,
            **commerce.OPERATIONS,
        }

    def forget(self) -> None:
        self._records.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(scope, receive, send, self._world.clock)
        path = scope["path"]
        operation = file_operation_at(path)
        if scope["method"] in ("GET", "HEAD") and operation is not None:
            await self._file(line, operation, scope)
            return
        operation = operation_at(path, dict(parse_qsl(scope["query_string"].decode("latin-1"))))
        if operation is None or scope["method"] != operation.method:
            self._world.ledger.by_path[path] += 1
            status = 404 if operation is None else 405
            await line.body()
            await line.answer(Reply(b"<html><body>%d</body></html>" % status, status, HTML))
            return
        await self._api(line, operation, scope)

    # ----------------------------------------------------------------- files

    async def _file(self, line: Line, operation: Operation, scope: Scope) -> None:
        world, name = self._world, operation.name
        call = Call(world, operation, scope)
        world.ledger.count(operation.path, name, None, call.now)
        await line.body()
        wire = world.faults.take("wire", name, *call.names)
        if wire is not None and wire.fault.name not in ("delay", "close_after_answer"):
            await SPOILERS[wire.fault.name](line, Reply(b""), wire)
            return
        if wire is not None and wire.fault.name == "delay":
            await line.wait(float(wire["seconds"]))
        sent = await self._files.send(call, line, scope["query_string"].decode("latin-1"))
        if operation is FILM:
            world.ledger.films_served += bool(sent)
        else:
            world.ledger.pictures_served += bool(sent)
        world.ledger.bytes_by_operation[name] += sent
        if wire is not None and wire.fault.name == "close_after_answer":
            line.close_quietly()

    # ------------------------------------------------------------------- API

    async def _api(self, line: Line, operation: Operation, scope: Scope) -> None:
        world = self._world
        call = Call(world, operation, scope)
        path = call.path
        if operation.plane in UPLOAD_HOSTS:
            self._uploads.find_owner(call)
            path = operation.path
        account = call.session.account.uid if call.session is not None else None
        world.ledger.count(path, operation.name, account, call.now)
        if world.faults.take("arrival", operation.name, *call.names) is not None:
            await line.reset()
            return
        if operation.name in ("blob", "proof_upload"):
            await self._uploads.receive(call, line)
        else:
            call.body = await line.body()
        if operation.name == "generate":
            world.ledger.submits += 1
        wire = world.faults.take("wire", operation.name, *call.names)
        reply = Reply(b"") if wire is not None and not is_done(wire) else self._done(call, wire)
        world.ledger.bytes_by_operation[operation.name] += len(reply.body)
        if wire is not None:
            await SPOILERS[wire.fault.name](line, reply, wire)
            return
        encoding = world.switches["compress"]
        if encoding != "off" and encoding in call.headers.get("accept-encoding", ""):
            reply = compressed(reply, encoding)
        await line.answer(reply)

    def _done(self, call: Call, wire: Queued | None) -> Reply:
        """Let the request take effect, and wrap up what comes of it."""
        name = wire.fault.name if wire is not None else ""
        world = self._world
        headers = {"x-tt-logid": call.logid}
        try:
            refusal = world.faults.take("refusal", call.operation.name, *call.names)
            if refusal is not None:
                raise _queued_refusal(refusal, call.operation.name)
            if call.operation.plane in UPLOAD_HOSTS:
                return self._uploads.reply(call)
            if call.operation.plane == "passport":
                return Reply(passport.account_info(call), headers=headers)
            _check_sign(call)
            ret, errmsg, data = "0", "success", self._planes[call.operation.name](call)
        except Refusal as error:
            ret, errmsg, data = error.ret, error.errmsg, encoded(error.data)
            if call.operation.name == "generate":
                world.ledger.refusals[ret] += 1
        except TooFast:
            world.ledger.refusals["429"] += 1
            return Reply(b"<html><body>429</body></html>", 429, HTML, {"retry-after": "5"})
        if name == "null_data":
            data = _NULL
        numeric = world.switches["numeric_ret"] or name == "number_as_ret"
        now = call.now
        if wire is not None and name == "clock_skew":
            now += float(wire["seconds"])
        if call.operation.plane == "commerce":
            only = world.faults.take("credits", call.operation.name, *call.names) is not None
            site = site_shown(call)
            body = commerce_envelope(
                ret, errmsg, data,
                now=now, logid=call.logid, site=site, numeric=numeric, response_only=only,
            )  # fmt: skip
        else:
            body = mweb(ret, errmsg, data, now=now, logid=call.logid, numeric=numeric)
        return Reply(body, headers=headers)


def _check_sign(call: Call) -> None:
    strict = call.world.switches["strict_sign"]
    if strict and not sign_is_good(call.path, call.headers, call.now):
        raise Refusal("1014", "sign error")


def _queued_refusal(fault: Queued, operation: str) -> Refusal:
    settings = fault.settings
    ret = str(settings.get("ret", fault.fault.ret))
    data = settings.get("data")
    if data is None and operation == "generate":
        data = fail_fields(ret)
    return Refusal(ret, settings.get("errmsg"), data=data)
