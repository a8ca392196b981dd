"""The ways in for files: keys, a place for a file, its bytes, and the word that it is done."""

import re
from collections.abc import Callable
from typing import Any

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.envelope import encoded
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.film_uploads import FilmUploads
from jimeng_api.simulator.ledger import Received
from jimeng_api.simulator.photos import LARGEST, Darkroom, Photo
from jimeng_api.simulator.upload_host import (
    AUTHORIZATION,
    BAD_VALUE,
    DONE,
    SESSION_KEY_UNKNOWN,
    UNAUTHORIZED,
    Denied,
    announced_size,
    blob_reply,
    control_reply,
    crc_number,
    fault_for,
    key_of,
    session_key_in,
    signed_key,
)
from jimeng_api.simulator.uploads import FILM_SPACE, Slot
from jimeng_api.simulator.wire import Line, Reply

FAILED = 2001
"""What `UriStatus` says of an upload that failed."""

LONGEST_LIST = 2**20
"""Bytes of the list that an upload in parts ends with."""

PICTURES, VIDEOS = 2, 1
"""What the `scene` of a token says."""

_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)


class UploadPlane:
    def __init__(self) -> None:
        self._darkroom = Darkroom()
        self._films = FilmUploads()
        self.operations: dict[str, Callable[[Call], bytes]] = {
            "upload_token": self.token,
            "upload_proof": self.proof,
            "algo_proxy": self.content_check,
            "submit_audit": self.audit,
        }
        self._hosts: dict[str, Callable[[Call, Queued | None], Reply]] = {
            "apply_upload": self.apply,
            "commit_upload": self.commit,
            "blob": self.blob,
            "proof_upload": self.proof_upload,
            "apply_vod": self._films.apply,
            "commit_vod": self._films.commit,
        }

    # -------------------------------------------------------- below `/mweb/`

    def token(self, call: Call) -> bytes:
        session = call.signed_in()
        site = call.site_for(session.account)
        scene = call.json().get("scene")
        if scene not in (PICTURES, VIDEOS):
            raise Refusal("1000", data={})
        fault = fault_for(call)
        world = call.world
        seconds = world.switches["upload_token_seconds"] if fault is None else fault["seconds"]
        key = world.uploads.lend(
            session, site, "imagex" if scene == PICTURES else "vod", call.now + seconds
        )
        return encoded(
            {
                "access_key_id": key.access_key_id,
                "secret_access_key": key.secret,
                "session_token": key.token,
                "space_name": site.space if scene == PICTURES else FILM_SPACE,
                "upload_domain": call.host,
                "region": site.aws_region,
                "current_time": int(call.now),
                "expired_time": int(key.ends),
                **({"service_id": site.space} if site.is_cn and scene == PICTURES else {}),
            }
        )

    def proof(self, call: Call) -> bytes:
        session = call.signed_in()
        site = call.site_for(session.account)
        order = call.json()
        size = order.get("file_size")
        slot = call.world.uploads.open_slot(session, site, size if isinstance(size, int) else None)
        proof = {
            "image_uri": slot.uri,
            "headers": {"Authorization": slot.auth},
            "query_params": {"Action": "UploadImage", "StoreUri": slot.uri},
        }
        return encoded({"proof_info": proof})

    def content_check(self, call: Call) -> bytes:
        files = call.json().get("file_list")
        uris = [each.get("file_uri") for each in _objects(files)]
        self._check_owned(call, uris)
        return b"{}"

    def audit(self, call: Call) -> bytes:
        uris = call.json().get("uri_list")
        self._check_owned(call, uris if isinstance(uris, list) else [])
        return b"{}"

    def _check_owned(self, call: Call, uris: list[Any]) -> None:
        account = call.signed_in().account
        call.site_for(account)
        world = call.world
        known = [isinstance(uri, str) and world.source(account, uri, call.now) for uri in uris]
        if not known or not all(known):
            raise Refusal("1000", data={})

    # ------------------------------------------------------ the upload hosts

    def find_owner(self, call: Call) -> None:
        """Find out whose call it is, since these hosts see no session."""
        slot = self._slot(call)
        if slot is not None:
            call.session = slot.session
            return
        key = key_of(call)
        if key is not None:
            call.session = key.session

    async def receive(self, call: Call, line: Line) -> None:
        """Read what is uploaded, look at it, and let it go."""
        body = await line.body(self._largest_body(call))
        slot = self._slot(call)
        if slot is not None and slot.vid:
            await self._films.receive(call, slot, body)
        else:
            call.photo = await self._darkroom.photo_of(self._file_in(call, body))

    def _largest_body(self, call: Call) -> int:
        """Bytes worth reading; one more than was announced tells that it was too many."""
        slot = self._slot(call)
        if call.operation.name != "blob" or slot is None or slot.size is None:
            return LARGEST
        return LONGEST_LIST if call.query.get("phase") == "finish" else slot.size + 1

    def reply(self, call: Call) -> Reply:
        fault = fault_for(call)
        if fault is not None and "number" in fault.settings:
            denied = Denied(int(fault["number"]), str(fault["code"]), "refused")
            return control_reply(call, denied, int(fault["status"]))
        try:
            return self._hosts[call.operation.name](call, fault)
        except Denied as error:
            return control_reply(call, error, call.world.switches["imagex_error_status"])

    def apply(self, call: Call, fault: Queued | None) -> Reply:
        key = signed_key(call, "imagex", "", "ServiceId")
        size = announced_size(call, LARGEST)
        slot = call.world.uploads.open_slot(key.session, key.site, size)
        host = call.host if fault is None else str(fault["host"])
        address: dict[str, Any] = {
            "StoreInfos": [{"StoreUri": slot.uri, "Auth": slot.auth, "UploadID": ""}],
            "UploadHeader": None,
            "SessionKey": slot.session_key,
        }
        form = call.world.switches["upload_hosts"]
        if form == "inner":
            node = {**address, "UploadHost": host}
            result = {"UploadAddress": None, "InnerUploadAddress": {"UploadNodes": [node]}}
        else:
            single = form == "single"
            address["UploadHost" if single else "UploadHosts"] = host if single else [host]
            result = {"UploadAddress": address}
        return control_reply(call, {**result, "SDKParam": None})

    def commit(self, call: Call, fault: Queued | None) -> Reply:
        key = signed_key(call, "imagex", "", "ServiceId")
        session_key = session_key_in(call)
        name = fault.fault.name if fault is not None else ""
        uploads = call.world.uploads
        slot = (
            uploads.take_slot(session_key, key.session.account)
            if name != "session_key_unknown"
            else None
        )
        if slot is None:
            raise Denied(SESSION_KEY_UNKNOWN, "InvalidToken", "invalid token")
        if name == "results_empty":
            return control_reply(call, {"Results": [], "PluginResult": []})
        photo = slot.photo
        if photo is None or name == "commit_failed":
            failed = {"Uri": slot.uri, "UriStatus": FAILED}
            return control_reply(call, {"Results": [failed], "PluginResult": []})
        self._received(call, slot, photo)
        plugin = {
            "FileName": slot.uri.rpartition("/")[2],
            "SourceUri": slot.uri,
            "ImageUri": slot.uri,
            "ImageWidth": photo.width,
            "ImageHeight": photo.height,
            "ImageMd5": photo.md5,
            "ImageFormat": photo.form,
            "ImageSize": photo.size,
            "FrameCnt": photo.frames,
        }
        done = {"Uri": slot.uri, "UriStatus": DONE}
        return control_reply(call, {"Results": [done], "PluginResult": [plugin]})

    def blob(self, call: Call, fault: Queued | None) -> Reply:
        slot, photo = self._slot(call), call.photo
        name = fault.fault.name if fault is not None else ""
        if name == "blob_no_content":
            return Reply(b"", 204)
        if slot is not None and slot.vid and name != "blob_refused":
            return self._films.blob(call, slot, fault)
        if fault is not None and name == "blob_refused":
            return blob_reply(int(fault["status"]), int(fault["code"]), "refused")
        if slot is None or photo is None:
            return blob_reply(404, 4004, "no such place")
        if call.headers.get("authorization", "").strip() != slot.auth:
            return blob_reply(403, 4003, "authorization is not accepted")
        if slot.size is not None and photo.size != slot.size:
            return blob_reply(400, 4000, "the file has not the size that was announced")
        if name == "crc_mismatch" or crc_number(call.headers.get("content-crc32")) != photo.crc:
            return blob_reply(400, 4001, "crc32 does not match")
        slot.photo = photo
        crc = photo.crc ^ 1 if name == "crc_differs" else photo.crc
        return blob_reply(200, DONE, "Success", {"crc32": f"{crc:08x}"})

    def proof_upload(self, call: Call, _: Queued | None) -> Reply:
        slot, photo = self._slot(call), call.photo
        given = call.headers.get("authorization", "").strip()
        if slot is None or photo is None or given != slot.auth:
            raise Denied(UNAUTHORIZED, AUTHORIZATION, "the proof is not accepted")
        if slot.size is not None and slot.size != photo.size:
            raise Denied(BAD_VALUE, "InvalidParameter", "the file has not the announced size")
        self._received(call, slot, photo)
        return control_reply(call, {"Uri": slot.uri})

    def _file_in(self, call: Call, body: bytes) -> bytes:
        """The file that a body holds: itself, or the part of a form that is called `file`."""
        match = _BOUNDARY.match(call.headers.get("content-type", ""))
        if call.operation.name != "proof_upload" or match is None:
            return body
        for part in body.split(b"--" + match[1].encode("latin-1")):
            head, _, content = part.partition(b"\r\n\r\n")
            if re.search(rb'\bname="?file"?', head):
                return content.removesuffix(b"\r\n")
        return b""

    def _received(self, call: Call, slot: Slot, photo: Photo) -> None:
        call.world.uploads.finish(slot, photo)
        call.world.ledger.uploads.append(
            Received(
                account=slot.session.account.uid,
                site=slot.site.name,
                uri=slot.uri,
                bytes=photo.size,
                crc32=f"{photo.crc:08x}",
                md5=photo.md5,
                width=photo.width,
                height=photo.height,
                format=photo.form,
                at=call.now,
            )
        )

    def _slot(self, call: Call) -> Slot | None:
        if call.operation.name == "blob":
            uri = call.path.removeprefix("/upload/v1/")
        else:
            uri = call.query.get("StoreUri", "")
        return call.world.uploads.slots.get(uri)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
