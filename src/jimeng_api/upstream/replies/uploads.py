"""The steps of an upload: token, address, taking of the bytes, commit. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from jimeng_api.domain.errors import GatewayError, ProtocolChanged, UploadFailed, UpstreamCode
from jimeng_api.domain.secret import Secret
from jimeng_api.upstream import error_codes
from jimeng_api.upstream.replies.answers import Answer, Reply
from jimeng_api.upstream.replies.shapes import Shape, decoded
from jimeng_api.upstream.replies.words import count, duration, moment, plain, word
from jimeng_api.upstream.signing import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadToken:
    """What lets us upload for a while. `lifetime` is in seconds, None where the answer does not say.

    `upload_domain` is the host that gives places, as the upstream names it, or empty.
    """

    credentials: Credentials
    service_id: str
    space_name: str
    lifetime: float | None
    upload_domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the bytes of one upload go. The hosts are as the upstream named them, the first is preferred.

    `vid` is the name that a film is to have.
    """

    hosts: tuple[str, ...]
    uri: str
    auth: Secret
    session_key: Secret
    vid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFilm:
    """A film or a sound in the upstream's store. What it did not say of it is 0 or empty."""

    vid: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    format: str = ""


class _TokenWire(msgspec.Struct):
    access_key_id: Any = None
    secret_access_key: Any = None
    session_token: Any = None
    service_id: Any = None
    space_name: Any = None
    upload_domain: Any = None
    expired_time: Any = None
    current_time: Any = None


class _ErrorWire(msgspec.Struct):
    CodeN: Any = None
    Code: Any = None


class _MetadataWire(msgspec.Struct):
    RequestId: Any = None
    Error: _ErrorWire | None = None


class _ControlWire(msgspec.Struct):
    ResponseMetadata: msgspec.Raw = msgspec.Raw()
    Result: msgspec.Raw = msgspec.Raw()


class _StoreWire(msgspec.Struct):
    StoreUri: Any = None
    Auth: Any = None


class _NodeWire(msgspec.Struct):
    StoreInfos: list[_StoreWire | None] | None = None
    UploadHosts: Any = None
    UploadHost: Any = None
    SessionKey: Any = None
    Vid: Any = None


class _InnerWire(msgspec.Struct):
    UploadNodes: list[_NodeWire | None] | None = None


class _AppliedWire(msgspec.Struct):
    UploadAddress: _NodeWire | None = None
    InnerUploadAddress: _InnerWire | None = None


class _StoredWire(msgspec.Struct):
    code: Any = None
    data: Any = None


class _FilmWire(msgspec.Struct):
    Width: Any = None
    Height: Any = None
    Duration: Any = None
    Fps: Any = None
    Format: Any = None


class _ResultWire(msgspec.Struct):
    Uri: Any = None
    UriStatus: Any = None
    Vid: Any = None
    VideoMeta: _FilmWire | None = None


class _PluginWire(msgspec.Struct):
    ImageUri: Any = None


class _CommittedWire(msgspec.Struct):
    Results: list[_ResultWire | None] | None = None
    PluginResult: list[_PluginWire | None] | None = None


def upload_token(reply: Reply, now: float) -> UploadToken:
    """`now` (Unix seconds) is for an answer that says when the token ends and not what time it is."""
    wire = _TOKEN.read(reply.data) or _TokenWire()
    access, secret, session = (
        _header(value) for value in (wire.access_key_id, wire.secret_access_key, wire.session_token)
    )
    if not (access and secret and session):
        raise ProtocolChanged("The upstream's answer holds no upload token.")
    end, began = _moment(wire.expired_time), _moment(wire.current_time) or now
    return UploadToken(
        credentials=Credentials(
            access_key=Secret(access), secret_key=Secret(secret), session_token=Secret(session)
        ),
        service_id=_fit(_NAME, wire.service_id),
        space_name=_fit(_NAME, wire.space_name),
        lifetime=duration(end - began) if end else None,
        upload_domain=_fit(_DOMAIN, wire.upload_domain),
    )


def applied(answer: Answer) -> Address:
    """Where the bytes are to go: the first of the places that were named in full."""
    wire = _APPLIED.read(_result(answer)) or _AppliedWire()
    inner = wire.InnerUploadAddress or _InnerWire()
    for one in (wire.UploadAddress, *(inner.UploadNodes or ())):
        address = None if one is None else _address(one)
        if address is not None:
            return address
    raise UploadFailed("The upstream named no place for the upload.")


def stored(answer: Answer, checksum: str) -> None:
    """Raises where the bytes were not taken, or others than those of this CRC32 (in hex)."""
    told = _fit(_CHECKSUM, finished(answer).get("crc32"))
    if told and int(told, 16) != int(checksum, 16):  # not every one is padded
        raise UploadFailed("The upstream's storage took other bytes than were sent.")


def finished(answer: Answer) -> dict[str, Any]:
    """What the storage says of a call that it did; raises where it did not do it."""
    wire = decoded(_STORED, answer.body) or _StoredWire()
    code = word(wire.code)
    # 204 is how an edge refuses. Where no code can be read, the commit will tell.
    if answer.status == 204 or not 200 <= answer.status < 300 or code not in ("", _GOOD):
        said = f"HTTP {answer.status}" if code in ("", _GOOD) else code
        raise _refused("The upstream's storage refused the upload", said)
    return wire.data if isinstance(wire.data, dict) else {}


def part_id(answer: Answer) -> str:
    """The name of an upload in parts; empty where this place takes files only whole."""
    if answer.status == 204:
        return ""
    upload = _fit(_PART_ID, finished(answer).get("uploadid"))
    if not upload:
        raise UploadFailed("The upstream's storage gave the upload in parts no name.")
    return upload


def committed(answer: Answer) -> str:
    """The name by which a draft knows the picture."""
    wire = _COMMITTED.read(_result(answer)) or _CommittedWire()
    result = next(iter(wire.Results or ()), None) or _ResultWire()
    state = word(result.UriStatus)
    if state not in ("", _GOOD):
        raise _refused("The upstream could not keep the upload", state)
    plugin = next(iter(wire.PluginResult or ()), None) or _PluginWire()
    uri = _path(result.Uri) or _path(plugin.ImageUri)
    if not uri:
        raise UploadFailed("The upstream gave the upload no name.")
    return uri


def committed_film(answer: Answer, address: Address) -> StoredFilm:
    """The film as the upstream knows it; its name was said before, with the place for it."""
    wire = _COMMITTED.read(_result(answer)) or _CommittedWire()
    result = next(iter(wire.Results or ()), None)
    vid = (_fit(_NAME, result.Vid) or address.vid) if result else ""
    if result is None or not vid:
        raise UploadFailed("The upstream gave the upload no name.")
    film = result.VideoMeta or _FilmWire()
    return StoredFilm(
        vid=vid,
        width=count(film.Width),
        height=count(film.Height),
        seconds=duration(film.Duration) or 0.0,
        fps=duration(film.Fps) or 0.0,
        format=plain(word(film.Format), 16).lower(),
    )


def is_stale(error: GatewayError) -> bool:
    """Whether the control plane no longer takes the token."""
    return error.upstream is not None and error.upstream.code in error_codes.STALE_TOKENS


def _result(answer: Answer) -> bytes:
    """The inside of an answer of the control plane that says "done"."""
    wire = decoded(_CONTROL, answer.body) or _ControlWire()
    metadata = _METADATA.read(wire.ResponseMetadata) or _MetadataWire()
    error = metadata.Error or _ErrorWire()
    code = word(error.Code) or word(error.CodeN)
    if not code and answer.status >= 300:
        code = f"HTTP {answer.status}"
    if code:
        raise _refused("The upstream refused the upload", code, word(metadata.RequestId))
    return bytes(wire.Result)


def _address(wire: _NodeWire) -> Address | None:
    store = next(iter(wire.StoreInfos or ()), None) or _StoreWire()
    listed = wire.UploadHosts if isinstance(wire.UploadHosts, list) else []
    hosts = tuple(host for host in map(word, (*listed, wire.UploadHost)) if host)
    uri, auth, key = _path(store.StoreUri), _header(store.Auth), word(wire.SessionKey)
    if not (hosts and uri and auth and key):
        return None
    return Address(
        hosts=hosts, uri=uri, auth=Secret(auth), session_key=Secret(key), vid=_fit(_NAME, wire.Vid)
    )


def _refused(message: str, code: str, log_id: str = "") -> UploadFailed:
    """Without the upstream's own text: where it speaks of a signature, it repeats what was signed."""
    code = plain(code, 64)
    upstream = UpstreamCode(code=code, log_id=plain(log_id, 64))
    return UploadFailed(f"{message} (upstream: {code}).", upstream=upstream)


def _moment(value: Any) -> float:
    """A moment, which may be a number or a date; 0 where it is neither."""
    found = moment(value)
    if found or not isinstance(value, str):
        return found
    try:
        date = datetime.fromisoformat(value.strip())
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (OverflowError, ValueError):
        return 0.0


def _header(value: Any) -> str:
    return _fit(_IN_HEADER, value)


def _path(value: Any) -> str:
    found = _fit(_IN_PATH, value)
    return "" if {"", ".", ".."} & set(found.split("/")) else found


def _fit(pattern: re.Pattern[str], value: Any) -> str:
    """The word, where it may stand in the place that the pattern is for; otherwise nothing."""
    found = word(value)
    return found if pattern.fullmatch(found) else ""


_GOOD: Final = "2000"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")
_PART_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,512}")
_IN_HEADER: Final = re.compile(r"[!-~](?:[ -~]{0,8190}[!-~])?")
_IN_PATH: Final = re.compile(r"[A-Za-z0-9._~:@=+/-]{1,1024}")
_CHECKSUM: Final = re.compile(r"[0-9A-Fa-f]{1,8}")
_TOKEN: Final = Shape(_TokenWire)
_METADATA: Final = Shape(_MetadataWire)
_CONTROL: Final = msgspec.json.Decoder(_ControlWire)
_APPLIED: Final = Shape(_AppliedWire)
_STORED: Final = msgspec.json.Decoder(_StoredWire)
_COMMITTED: Final = Shape(_CommittedWire)
