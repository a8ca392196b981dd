"""What the upload hosts remember: keys that were lent, places that were given, files that came."""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from jimeng_api.simulator.accounts import Account, Session
from jimeng_api.simulator.photos import Photo
from jimeng_api.simulator.reels import Reel
from jimeng_api.simulator.sites import Site

Service = Literal["imagex", "vod"]

FILM_SPACE = "dreamina"
"""What the keys for films and sounds call their space."""

_KEPT = 20_000
"""Of each kind; the oldest are forgotten."""

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Key:
    """Credentials that were lent to an account for a while."""

    access_key_id: str
    secret: str
    token: str
    service: Service
    site: Site
    session: Session
    ends: float


class Part(NamedTuple):
    """One part of a file that does not come as a whole."""

    body: bytes
    crc: int


@dataclass(slots=True)
class Slot:
    """A place for one file, from the moment it is asked for until it is committed."""

    uri: str
    auth: str
    session_key: str
    size: int | None
    """Bytes announced; None where nobody said."""
    site: Site
    session: Session
    photo: Photo | None = None
    vid: str = ""
    """What a film or sound will be called; empty for a picture."""
    reel: Reel | None = None
    upload_id: str = ""
    """Names an upload in parts that was begun."""
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that may be used."""

    uri: str
    account: Account
    site: Site
    photo: Photo


@dataclass(frozen=True, slots=True)
class FilmUpload:
    """A film or sound that may be used."""

    vid: str
    uri: str
    account: Account
    site: Site
    reel: Reel


def _keep(rows: OrderedDict[str, _Row], name: str, row: _Row) -> None:
    rows[name] = row
    if len(rows) > _KEPT:
        rows.popitem(last=False)


class Uploads:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self.keys: OrderedDict[str, Key] = OrderedDict()
        self.slots: OrderedDict[str, Slot] = OrderedDict()
        """By the address of the file."""
        self._by_session_key: OrderedDict[str, Slot] = OrderedDict()
        self.files: OrderedDict[str, Upload] = OrderedDict()
        self.films: OrderedDict[str, FilmUpload] = OrderedDict()
        """By what they are called."""

    def _name(self, purpose: str, size: int) -> str:
        """A name that was not given before; the same in every run."""
        self._count += 1
        text = f"{self._seed} {purpose} {self._count}"
        return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()

    def lend(self, session: Session, site: Site, service: Service, ends: float) -> Key:
        key = Key(
            access_key_id="AKTP" + self._name("key", 16),
            secret=base64.b64encode(bytes.fromhex(self._name("secret", 30))).decode(),
            token="STS2" + base64.b64encode(bytes.fromhex(self._name("token", 48))).decode(),
            service=service,
            site=site,
            session=session,
            ends=ends,
        )
        _keep(self.keys, key.access_key_id, key)
        return key

    def open_slot(self, session: Session, site: Site, size: int | None) -> Slot:
        proof = self._name("proof", 32)
        slot = Slot(
            uri=f"{site.bucket}/{self._name('file', 16)}",
            auth=f"SpaceKey/{site.space}/0/:version:v2:{proof}",
            session_key=base64.b64encode(self._name("session key", 24).encode()).decode(),
            size=size,
            site=site,
            session=session,
        )
        _keep(self.slots, slot.uri, slot)
        _keep(self._by_session_key, slot.session_key, slot)
        return slot

    def open_film_slot(self, session: Session, site: Site, size: int) -> Slot:
        slot = Slot(
            uri=f"{site.film_bucket}/o{self._name('film', 16)}",
            auth=f"SpaceKey/{FILM_SPACE}/1/:version:v2:{self._name('proof', 32)}",
            session_key=base64.b64encode(self._name("session key", 24).encode()).decode(),
            size=size,
            site=site,
            session=session,
            vid=f"v0{self._name('vid', 15)}",
        )
        _keep(self.slots, slot.uri, slot)
        _keep(self._by_session_key, slot.session_key, slot)
        return slot

    def begin_parts(self, slot: Slot) -> str:
        """From now on the file comes in parts, under the name that is given."""
        slot.upload_id = self._name("upload", 16)
        slot.parts.clear()
        return slot.upload_id

    def take_slot(self, session_key: str, account: Account, *, film: bool = False) -> Slot | None:
        """The account's own place of this session key, which is known only once."""
        slot = self._by_session_key.get(session_key)
        if slot is None or slot.session.account is not account or bool(slot.vid) is not film:
            return None
        self._forget(slot)
        return slot

    def _forget(self, slot: Slot) -> None:
        self._by_session_key.pop(slot.session_key, None)
        self.slots.pop(slot.uri, None)

    def finish(self, slot: Slot, photo: Photo) -> Upload:
        """From now on the file may be used."""
        self._forget(slot)
        upload = Upload(slot.uri, slot.session.account, slot.site, photo)
        _keep(self.files, upload.uri, upload)
        return upload

    def finish_film(self, slot: Slot, reel: Reel) -> FilmUpload:
        """From now on the film or sound may be used."""
        self._forget(slot)
        upload = FilmUpload(slot.vid, slot.uri, slot.session.account, slot.site, reel)
        _keep(self.films, upload.vid, upload)
        return upload

    def film_of(self, account: Account, vid: str) -> FilmUpload | None:
        upload = self.films.get(vid)
        return upload if upload is not None and upload.account is account else None

    def file_of(self, account: Account, uri: str) -> Upload | None:
        upload = self.files.get(uri)
        return upload if upload is not None and upload.account is account else None
