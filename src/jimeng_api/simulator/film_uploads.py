"""The ways in for films and sounds, at once or in parts."""

import binascii
import re
from collections.abc import Callable

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.ledger import Received
from jimeng_api.simulator.reels import LARGEST, Reel, Screening
from jimeng_api.simulator.upload_host import (
    DONE,
    SESSION_KEY_UNKNOWN,
    Denied,
    announced_size,
    blob_reply,
    control_reply,
    crc_number,
    session_key_in,
    signed_key,
)
from jimeng_api.simulator.uploads import FILM_SPACE, Part, Slot
from jimeng_api.simulator.wire import Reply

_PART = re.compile(r"(\d{1,5}):([0-9a-fA-F]{1,8})")
_NOT_HERE, _REFUSED, _MISMATCHED, _WRONG_SIZE = (404, 4004), (403, 4003), (400, 4001), (400, 4000)


class FilmUploads:
    def __init__(self) -> None:
        self._screening = Screening()
        self._phases: dict[str, Callable[[Call, Slot, str], Reply]] = {
            "": self._whole,
            "init": self._begin,
            "transfer": self._part,
            "finish": self._join,
        }

    def apply(self, call: Call, fault: Queued | None) -> Reply:
        key = signed_key(call, "vod", FILM_SPACE, "SpaceName")
        size = announced_size(call, LARGEST)
        slot = call.world.uploads.open_film_slot(key.session, key.site, size)
        node = {
            "Type": "Edge",
            "Vid": slot.vid,
            "UploadHost": call.host if fault is None else str(fault["host"]),
            "SessionKey": slot.session_key,
            "StoreInfos": [{"StoreUri": slot.uri, "Auth": slot.auth, "UploadID": ""}],
        }
        return control_reply(
            call, {"UploadAddress": None, "InnerUploadAddress": {"UploadNodes": [node]}}
        )

    def commit(self, call: Call, fault: Queued | None) -> Reply:
        key = signed_key(call, "vod", FILM_SPACE, "SpaceName")
        session_key = session_key_in(call)
        name = fault.fault.name if fault is not None else ""
        uploads = call.world.uploads
        slot = (
            uploads.take_slot(session_key, key.session.account, film=True)
            if name != "session_key_unknown"
            else None
        )
        if slot is None:
            raise Denied(SESSION_KEY_UNKNOWN, "InvalidToken", "invalid token")
        if slot.reel is None or name == "results_empty":
            return control_reply(call, {"Results": []})
        reel = slot.reel
        self._received(call, slot, reel)
        about = {
            "Uri": slot.uri,
            "Width": reel.width,
            "Height": reel.height,
            "Duration": reel.seconds,
            "Bitrate": reel.bitrate,
            "Format": reel.form,
            "Codec": reel.codec,
            "Size": reel.size,
            "Md5": reel.md5,
        }
        if fault is not None and name == "no_duration":
            del about["Duration"]
            if fault["value"] is not None:
                about["Duration"] = fault["value"]
        return control_reply(call, {"Results": [{"Vid": slot.vid, "VideoMeta": about}]})

    # ------------------------------------------------------------- the bytes

    async def receive(self, call: Call, slot: Slot, body: bytes) -> None:
        """Look at the film once all of it is there."""
        phase = _phase(call)
        if phase == "":
            call.reel = await self._screening.reel_of(body)
        elif phase == "finish":
            call.reel = await self._screening.reel_of(
                b"".join(slot.parts[number].body for number in sorted(slot.parts))
            )
        call.body = body

    def blob(self, call: Call, slot: Slot, fault: Queued | None) -> Reply:
        name = fault.fault.name if fault is not None else ""
        if call.headers.get("authorization", "").strip() != slot.auth:
            return blob_reply(*_REFUSED, "authorization is not accepted")
        answer = self._phases.get(_phase(call))
        if answer is None:
            return blob_reply(*_WRONG_SIZE, "no such phase")
        if name == "crc_mismatch":
            return blob_reply(*_MISMATCHED, "crc32 does not match")
        return answer(call, slot, name)

    def _whole(self, call: Call, slot: Slot, name: str) -> Reply:
        reel = call.reel
        if reel is None or reel.size != slot.size:
            return blob_reply(*_WRONG_SIZE, "the file has not the size that was announced")
        if crc_number(call.headers.get("content-crc32")) != reel.crc:
            return blob_reply(*_MISMATCHED, "crc32 does not match")
        slot.reel = reel
        return _kept(reel.crc, name)

    def _begin(self, call: Call, slot: Slot, _: str) -> Reply:
        upload_id = call.world.uploads.begin_parts(slot)
        return blob_reply(200, DONE, "Success", {"uploadid": upload_id})

    def _part(self, call: Call, slot: Slot, name: str) -> Reply:
        number = call.query.get("part_number", "")
        if not slot.upload_id or call.query.get("uploadid") != slot.upload_id:
            return blob_reply(*_NOT_HERE, "no such upload")
        if not number.isdigit() or not 0 <= int(number) <= 10_000:
            return blob_reply(*_WRONG_SIZE, "part_number is not accepted")
        crc = binascii.crc32(call.body)
        given = call.headers.get("content-crc32")
        if given is not None and crc_number(given) != crc:
            return blob_reply(*_MISMATCHED, "crc32 does not match")
        others = (part for each, part in slot.parts.items() if each != int(number))
        if sum(len(part.body) for part in others) + len(call.body) > (slot.size or 0):
            return blob_reply(*_WRONG_SIZE, "the parts are more than was announced")
        if name != "chunk_lost":
            slot.parts[int(number)] = Part(call.body, crc)
        return _kept(crc, name)

    def _join(self, call: Call, slot: Slot, name: str) -> Reply:
        if not slot.upload_id or call.query.get("uploadid") != slot.upload_id:
            return blob_reply(*_NOT_HERE, "no such upload")
        listed = [_PART.fullmatch(each.strip()) for each in call.body.decode("latin-1").split(",")]
        named = {int(each[1]): crc_number(each[2]) for each in listed if each is not None}
        kept = {number: part.crc for number, part in slot.parts.items()}
        if len(named) != len(listed) or named != kept:
            return blob_reply(*_MISMATCHED, "the parts are not those that came")
        reel = call.reel
        if reel is None or reel.size != slot.size:
            return blob_reply(*_WRONG_SIZE, "the file has not the size that was announced")
        slot.reel, slot.upload_id = reel, ""
        slot.parts.clear()
        return _kept(reel.crc, name)

    def _received(self, call: Call, slot: Slot, reel: Reel) -> None:
        call.world.uploads.finish_film(slot, reel)
        call.world.ledger.uploads.append(
            Received(
                account=slot.session.account.uid,
                site=slot.site.name,
                uri=slot.uri,
                bytes=reel.size,
                crc32=f"{reel.crc:08x}",
                md5=reel.md5,
                width=reel.width,
                height=reel.height,
                format=reel.form.lower() if reel.kind else "",
                at=call.now,
                kind=reel.kind,
                vid=slot.vid,
                seconds=reel.seconds,
            )
        )


def _phase(call: Call) -> str:
    phase: str = call.query.get("phase", "")
    return phase


def _kept(crc: int, fault: str) -> Reply:
    crc = crc ^ 1 if fault == "crc_differs" else crc
    return blob_reply(200, DONE, "Success", {"crc32": f"{crc:08x}"})
