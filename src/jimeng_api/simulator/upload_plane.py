"""The ways in for pictures: keys, a place for a file, its bytes, and the word that it is done."""

import binascii
import re
from collections.abc import Callable
from typing import Any

import msgspec

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.codes import Refusal
from jimeng_api.simulator.envelope import encoded
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.ledger import Received
from jimeng_api.simulator.photos import LARGEST, Photo
from jimeng_api.simulator.sigv4 import Signed, is_signed_with, read_authorization
from jimeng_api.simulator.uploads import Key, Slot
from jimeng_api.simulator.wire import Reply

VERSION = "2018-08-01"
DONE, FAILED = 2000, 2001
"""What `UriStatus` says."""

PICTURES, VIDEOS = 2, 1
"""What the `scene` of a token says."""

AUTHORIZATION, SIGNATURE = "InvalidAuthorization", "SignatureDoesNotMatch"
UNAUTHORIZED, MISMATCHED, SESSION_KEY_UNKNOWN, BAD_VALUE = 100024, 100010, 30406, 100004

_DIGITS = re.compile(r"[0-9]{1,12}")
_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)


class Denied(Exception):
    """An answer of the upload control host that carries an error."""

    def __init__(self, number: int, code: str, message: str) -> None:
        super().__init__(code)
        self.number = number
        self.code = code
        self.message = message


class UploadPlane:
    def __init__(self) -> None:
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
        }

    # -------------------------------------------------------- below `/mweb/`

    def token(self, call: Call) -> bytes:
        session = call.signed_in()
        site = call.site_for(session.account)
        scene = call.json().get("scene")
        if scene not in (PICTURES, VIDEOS):
            raise Refusal("1000", data={})
        fault = _fault(call)
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
                "space_name": site.space,
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
        key = self._key(call)
        if key is not None:
            call.session = key.session

    def largest_body(self, call: Call) -> int:
        """Bytes worth reading; one more than was announced tells that it was too many."""
        slot = self._slot(call)
        if call.operation.name == "blob" and slot is not None and slot.size is not None:
            return slot.size + 1
        return LARGEST

    def reply(self, call: Call) -> Reply:
        fault = _fault(call)
        if fault is not None and "number" in fault.settings:
            denied = Denied(int(fault["number"]), str(fault["code"]), "refused")
            return _control_reply(call, denied, int(fault["status"]))
        try:
            return self._hosts[call.operation.name](call, fault)
        except Denied as error:
            return _control_reply(call, error, call.world.switches["imagex_error_status"])

    def apply(self, call: Call, fault: Queued | None) -> Reply:
        key = self._signed(call)
        size = call.query.get("FileSize", "")
        if not _DIGITS.fullmatch(size) or not 0 < int(size) <= LARGEST:
            raise Denied(BAD_VALUE, "InvalidParameter", "FileSize is not accepted")
        slot = call.world.uploads.open_slot(key.session, key.site, int(size))
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
        return _control_reply(call, {**result, "SDKParam": None})

    def commit(self, call: Call, fault: Queued | None) -> Reply:
        key = self._signed(call)
        try:
            order = msgspec.json.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Denied(BAD_VALUE, "InvalidParameter", "the body is not JSON") from error
        session_key = order.get("SessionKey") if isinstance(order, dict) else None
        name = fault.fault.name if fault is not None else ""
        uploads = call.world.uploads
        slot = (
            uploads.take_slot(session_key, key.session.account)
            if isinstance(session_key, str) and name != "session_key_unknown"
            else None
        )
        if slot is None:
            raise Denied(SESSION_KEY_UNKNOWN, "InvalidToken", "invalid token")
        if name == "results_empty":
            return _control_reply(call, {"Results": [], "PluginResult": []})
        photo = slot.photo
        if photo is None or name == "commit_failed":
            failed = {"Uri": slot.uri, "UriStatus": FAILED}
            return _control_reply(call, {"Results": [failed], "PluginResult": []})
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
        return _control_reply(call, {"Results": [done], "PluginResult": [plugin]})

    def blob(self, call: Call, fault: Queued | None) -> Reply:
        slot, photo = self._slot(call), call.photo
        name = fault.fault.name if fault is not None else ""
        if name == "blob_no_content":
            return Reply(b"", 204)
        if fault is not None and name == "blob_refused":
            return _blob_reply(int(fault["status"]), int(fault["code"]), "refused")
        if slot is None or photo is None:
            return _blob_reply(404, 4004, "no such place")
        if call.headers.get("authorization", "").strip() != slot.auth:
            return _blob_reply(403, 4003, "authorization is not accepted")
        if slot.size is not None and photo.size != slot.size:
            return _blob_reply(400, 4000, "the file has not the size that was announced")
        if name == "crc_mismatch" or _number(call.headers.get("content-crc32")) != photo.crc:
            return _blob_reply(400, 4001, "crc32 does not match")
        slot.photo = photo
        crc = photo.crc ^ 1 if name == "crc_differs" else photo.crc
        return _blob_reply(200, DONE, "Success", {"crc32": f"{crc:08x}"})

    def proof_upload(self, call: Call, _: Queued | None) -> Reply:
        slot, photo = self._slot(call), call.photo
        given = call.headers.get("authorization", "").strip()
        if slot is None or photo is None or given != slot.auth:
            raise Denied(UNAUTHORIZED, AUTHORIZATION, "the proof is not accepted")
        if slot.size is not None and slot.size != photo.size:
            raise Denied(BAD_VALUE, "InvalidParameter", "the file has not the announced size")
        self._received(call, slot, photo)
        return _control_reply(call, {"Uri": slot.uri})

    def file_in(self, call: Call, body: bytes) -> bytes:
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

    def _key(self, call: Call) -> Key | None:
        authorization = read_authorization(call.headers.get("authorization", ""))
        if authorization is None:
            return None
        return call.world.uploads.keys.get(authorization.access_key_id)

    def _signed(self, call: Call) -> Key:
        """The key that the call is rightly signed with."""
        authorization = read_authorization(call.headers.get("authorization", ""))
        key = self._key(call)
        if authorization is None or key is None or key.service != "imagex":
            raise Denied(UNAUTHORIZED, AUTHORIZATION, "the access key is not known")
        if call.headers.get("x-amz-security-token") != key.token:
            raise Denied(UNAUTHORIZED, AUTHORIZATION, "the security token is not accepted")
        wrong_place = (authorization.region, authorization.service) != (
            key.site.aws_region,
            key.service,
        )
        request = Signed(call.method, call.path, call.raw_query, call.headers, call.body)
        if wrong_place or not is_signed_with(key.secret, authorization, request):
            raise Denied(MISMATCHED, SIGNATURE, "the signature does not match")
        if call.now >= key.ends:
            raise Denied(UNAUTHORIZED, AUTHORIZATION, "the security token has expired")
        if call.query.get("ServiceId") != key.site.space:
            raise Denied(BAD_VALUE, "InvalidParameter", "ServiceId is not of this key")
        return key


def _fault(call: Call) -> Queued | None:
    return call.world.faults.take("upload", call.operation.name, *call.names)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(text: str | None) -> int | None:
    """A checksum as a number: zeros in front do not matter."""
    try:
        raw = (text or "").strip().rjust(8, "0")
        return int.from_bytes(binascii.unhexlify(raw))
    except ValueError:
        return None


def _control_reply(call: Call, result: Any, status: int = 200) -> Reply:
    """An answer of the upload control host: a result, or what was denied."""
    site = call.session.account.site if call.session is not None else None
    metadata: dict[str, Any] = {
        "RequestId": call.logid,
        "Action": call.query.get("Action", ""),
        "Version": call.query.get("Version", VERSION),
        "Service": "imagex",
        "Region": site.aws_region if site is not None else "",
    }
    if isinstance(result, Denied):
        metadata["Error"] = {
            "CodeN": result.number,
            "Code": result.code,
            "Message": result.message,
        }
        return Reply(encoded({"ResponseMetadata": metadata}), status)
    answer = {"ResponseMetadata": metadata, "Result": {**result, "RequestId": call.logid}}
    return Reply(encoded(answer), status)


def _blob_reply(status: int, code: int, message: str, data: Any = None) -> Reply:
    return Reply(encoded({"code": code, "message": message, "data": data}), status)
