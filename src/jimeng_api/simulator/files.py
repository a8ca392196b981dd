"""The result files: made when they are asked for, and the ways a download goes wrong."""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.film_records import rendition_order
from jimeng_api.simulator.films import FilmOrder, film
from jimeng_api.simulator.links import file_of, film_file_of
from jimeng_api.simulator.pictures import Gallery, Order, draw
from jimeng_api.simulator.tasks import Task
from jimeng_api.simulator.wire import HTML, Line, Reply

MIB = 2**20

_TYPES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
_FILM_TYPE = "video/mp4"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_FORBIDDEN = Reply(b"<html><body><h1>403 Forbidden</h1></body></html>", 403, HTML)
_MISSING = Reply(b"<html><body><h1>404 Not Found</h1></body></html>", 404, HTML)
_NO_PICTURE = ("html_picture", "empty_picture", "wrong_magic", "endless_picture")
_PAGE = b"<!DOCTYPE html><html><body><p>Please wait.</p></body></html>"


class Wanted(NamedTuple):
    """What a download asks for."""

    signed: str
    """What its link must be signed for."""
    content_type: str
    task: Task | None = None
    order: Order | FilmOrder | None = None
    """None where there is no such file."""


class Files:
    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._cutting = asyncio.Lock()

    async def send(self, call: Call, line: Line, query: str) -> int:
        """Answer one download; says how many bytes of a file went out."""
        wanted = _WANTED[call.operation.name](call)
        task = wanted.task if wanted is not None else None
        owner = () if task is None else (task.account.uid, task.session)
        fault = call.world.faults.take("picture", call.operation.name, *owner)
        name = fault.fault.name if fault is not None else ""
        if wanted is None:
            await line.answer(_MISSING)
            return 0
        if name == "link_refused" or not call.world.links.allows(wanted.signed, query, call.now):
            await line.answer(_FORBIDDEN)
            return 0
        if wanted.order is None:
            await line.answer(_MISSING)
            return 0
        body = await self._made(wanted.order, name)
        reply = Reply(body, 200, wanted.content_type, {"accept-ranges": "bytes"})
        if fault is not None and name == "odd_type":
            reply.content_type = str(fault["type"])
        if fault is None or name in ("webp_as_png", "odd_type"):
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

    async def _made(self, order: Order | FilmOrder, fault: str) -> bytes:
        if isinstance(order, Order) and fault == "webp_as_png":
            order = order._replace(form="webp")
        body = self._gallery.kept(order)
        if body is not None:
            return body
        if isinstance(order, FilmOrder):
            async with self._cutting:  # whoever waited for the same film finds it done
                body = self._gallery.kept(order)
                if body is None:
                    body = await asyncio.to_thread(film, order)
                    self._gallery.keep(order, body)
                return body
        # A PNG costs two milliseconds; the other forms are worth a thread.
        body = draw(order) if order.form == "png" else await asyncio.to_thread(draw, order)
        self._gallery.keep(order, body)
        return body


def _picture(call: Call) -> Wanted | None:
    file = file_of(call.path)
    if file is None:
        return None
    kind = _TYPES[file.form]
    picture = call.world.pictures.get(file.uri)
    if picture is None:
        return Wanted(file.uri, kind)
    width, height = picture.order.width, picture.order.height
    if file.width and file.height:
        shrink = min(file.width / width, file.height / height, 1.0)
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
    order = picture.order._replace(form=file.form, width=width, height=height)
    return Wanted(file.uri, kind, picture.task, order)


def _film(call: Call) -> Wanted | None:
    file = film_file_of(call.path)
    if file is None:
        return None
    found = call.world.films.get(file.vid)
    if found is None:
        return Wanted(file.vid, _FILM_TYPE)
    return Wanted(file.vid, _FILM_TYPE, found.task, rendition_order(found.order, file.definition))


_WANTED: dict[str, Callable[[Call], Wanted | None]] = {"picture": _picture, "film": _film}


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
