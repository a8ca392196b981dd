"""The result files: drawn when they are asked for, and the ways a download goes wrong."""

import asyncio
import re

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.links import File, file_of
from jimeng_api.simulator.pictures import Gallery, draw
from jimeng_api.simulator.tasks import Picture
from jimeng_api.simulator.wire import HTML, Line, Reply

MIB = 2**20

_TYPES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_FORBIDDEN = Reply(b"<html><body><h1>403 Forbidden</h1></body></html>", 403, HTML)
_MISSING = Reply(b"<html><body><h1>404 Not Found</h1></body></html>", 404, HTML)
_NO_PICTURE = ("html_picture", "empty_picture", "wrong_magic", "endless_picture")
_PAGE = b"<!DOCTYPE html><html><body><p>Please wait.</p></body></html>"


class Files:
    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    async def send(self, call: Call, line: Line, query: str) -> int:
        """Answer one download; says how many bytes of a picture went out."""
        fault = call.world.faults.take("picture", "picture", *self._owner(call))
        name = fault.fault.name if fault is not None else ""
        file = file_of(call.path)
        if file is None:
            await line.answer(_MISSING)
            return 0
        if name == "link_refused" or not call.world.links.allows(file.uri, query, call.now):
            await line.answer(_FORBIDDEN)
            return 0
        picture = call.world.pictures.get(file.uri)
        if picture is None:
            await line.answer(_MISSING)
            return 0
        reply = await self._reply(file, picture, "webp" if name == "webp_as_png" else file.form)
        body = reply.body
        if fault is None or name == "webp_as_png":
            reply = _part(reply, call.headers.get("range"))
            await line.answer(reply)
        elif name == "html_picture":
            await line.answer(Reply(_PAGE, 200, HTML))
        elif name == "empty_picture":
            await line.answer(Reply(b"", 200, reply.content_type))
        elif name == "wrong_magic":
            reply.body = b"\x00\x01\x02\x03not a picture" + body[17:]
            await line.answer(reply)
        elif name == "short_picture":
            reply.body = body[: int(len(body) * fault["keep"])]
            await line.answer(reply)
        elif name == "cut_picture":
            await line.broken_answer(reply, int(len(body) * fault["keep"]))
        elif name == "wrong_length":
            reply.length = len(body) + int(fault["more"])
            await line.broken_answer(reply, len(body))
        elif name == "slow_picture":
            step = max(1, -(-len(body) // max(1, int(fault["pieces"]))))
            pieces = (body[start : start + step] for start in range(0, len(body), step))
            await line.dripping_answer(reply, pieces, float(fault["seconds"]))
        elif name == "endless_picture":
            await line.endless_answer(
                Reply(b"", 200, reply.content_type), bytes(MIB), int(fault["megabytes"])
            )
        return len(reply.body) if name not in _NO_PICTURE else 0

    def _owner(self, call: Call) -> tuple[str, ...]:
        """The account whose picture this is, since a download carries no session."""
        file = file_of(call.path)
        picture = call.world.pictures.get(file.uri) if file is not None else None
        if picture is None:
            return ()
        return (picture.task.account.uid, picture.task.session)

    async def _reply(self, file: File, picture: Picture, form: str) -> Reply:
        width, height = picture.order.width, picture.order.height
        if file.width and file.height:
            shrink = min(file.width / width, file.height / height, 1.0)
            width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        order = picture.order._replace(form=form, width=width, height=height)
        body = self._gallery.kept(order)
        if body is None:
            # A PNG costs two milliseconds; the other forms are worth a thread.
            body = draw(order) if form == "png" else await asyncio.to_thread(draw, order)
            self._gallery.keep(order, body)
        return Reply(body, 200, _TYPES[file.form], {"accept-ranges": "bytes"})


def _part(reply: Reply, wanted: str | None) -> Reply:
    """The part of a file that a Range header asks for; the whole where it makes no sense."""
    match = _RANGE.fullmatch(wanted or "")
    if match is None:
        return reply
    size = len(reply.body)
    start = int(match[1])
    end = min(int(match[2]) + 1 if match[2] else size, size)
    if start >= size or end <= start:
        return Reply(b"", 416, HTML, {"content-range": f"bytes */{size}"})
    headers = {**reply.headers, "content-range": f"bytes {start}-{end - 1}/{size}"}
    return Reply(reply.body[start:end], 206, reply.content_type, headers)
