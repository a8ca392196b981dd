"""What the upload hosts have in common: who may call them, and the form of their answers."""

import binascii
import re
from typing import Any

import msgspec

from jimeng_api.simulator.call import Call
from jimeng_api.simulator.envelope import encoded
from jimeng_api.simulator.fault_queue import Queued
from jimeng_api.simulator.sigv4 import Signed, is_signed_with, read_authorization
from jimeng_api.simulator.uploads import Key, Service
from jimeng_api.simulator.wire import Reply

DONE = 2000
"""What the answers of these hosts say when all is well."""

AUTHORIZATION, SIGNATURE = "InvalidAuthorization", "SignatureDoesNotMatch"
UNAUTHORIZED, MISMATCHED, SESSION_KEY_UNKNOWN, BAD_VALUE = 100024, 100010, 30406, 100004

_DIGITS = re.compile(r"[0-9]{1,12}")


class Denied(Exception):
    """An answer of the upload control host that carries an error."""

    def __init__(self, number: int, code: str, message: str) -> None:
        super().__init__(code)
        self.number = number
        self.code = code
        self.message = message


def fault_for(call: Call) -> Queued | None:
    return call.world.faults.take("upload", call.operation.name, *call.names)


def key_of(call: Call) -> Key | None:
    authorization = read_authorization(call.headers.get("authorization", ""))
    if authorization is None:
        return None
    return call.world.uploads.keys.get(authorization.access_key_id)


def signed_key(call: Call, service: Service, space: str, space_in: str) -> Key:
    """The key that the call is rightly signed with."""
    authorization = read_authorization(call.headers.get("authorization", ""))
    key = key_of(call)
    if authorization is None or key is None or key.service != service:
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
    if call.query.get(space_in) != (space or key.site.space):
        raise Denied(BAD_VALUE, "InvalidParameter", f"{space_in} is not of this key")
    return key


def announced_size(call: Call, largest: int) -> int:
    """The bytes that a place is asked for."""
    size = call.query.get("FileSize", "")
    if not _DIGITS.fullmatch(size) or not 0 < int(size) <= largest:
        raise Denied(BAD_VALUE, "InvalidParameter", "FileSize is not accepted")
    return int(size)


def session_key_in(call: Call) -> str:
    """The key that a declaration of the end names; empty where it names none."""
    try:
        order = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Denied(BAD_VALUE, "InvalidParameter", "the body is not JSON") from error
    found = order.get("SessionKey") if isinstance(order, dict) else None
    return found if isinstance(found, str) else ""


def crc_number(text: str | None) -> int | None:
    """A checksum as a number: zeros in front do not matter."""
    try:
        raw = (text or "").strip().rjust(8, "0")
        return int.from_bytes(binascii.unhexlify(raw))
    except ValueError:
        return None


def control_reply(call: Call, result: Any, status: int = 200) -> Reply:
    """An answer of the upload control host: a result, or what was denied."""
    site = call.session.account.site if call.session is not None else None
    metadata: dict[str, Any] = {
        "RequestId": call.logid,
        "Action": call.query.get("Action", ""),
        "Version": call.query.get("Version", ""),
        "Service": "vod" if call.operation.plane == "vod" else "imagex",
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


def blob_reply(status: int, code: int, message: str, data: Any = None) -> Reply:
    return Reply(encoded({"code": code, "message": message, "data": data}), status)
