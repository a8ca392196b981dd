"""Uploads pictures to the simulated upstream, as a client does that nobody here wrote."""

import binascii
import hashlib
import hmac
import io
import json
from typing import Any
from urllib.parse import urlencode

from PIL import Image

from tests.simulator.caller import Answer, Sim

TOKEN = "/mweb/v1/get_upload_token"
REGIONS = {
    "cn": "cn-north-1",
    "us": "us-east-1",
    "hk": "ap-southeast-1",
    "jp": "ap-southeast-1",
    "sg": "ap-southeast-1",
}
STAMP = "20260101T000000Z"


def picture(
    colour: tuple[int, int, int] = (255, 0, 0),
    size: tuple[int, int] = (64, 48),
    form: str = "PNG",
) -> bytes:
    """A picture of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, form)
    return target.getvalue()


def signed(
    method: str,
    query: dict[str, Any],
    keys: dict[str, Any],
    region: str,
    *,
    body: bytes = b"",
    stamp: str = STAMP,
    service: str = "imagex",
    more: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a signed request; `more` are headers that are signed too."""
    payload = hashlib.sha256(body).hexdigest()
    headers = {
        "x-amz-date": stamp,
        "x-amz-security-token": keys["session_token"],
        **(more or {}),
    }
    if method == "POST":
        headers["x-amz-content-sha256"] = payload
    names = sorted(headers)
    canonical = "\n".join(
        (
            method,
            "/",
            "&".join(f"{name}={query[name]}" for name in sorted(query)),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            payload,
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + keys["secret_access_key"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{keys['access_key_id']}/{scope}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )
    return headers


class Sender:
    """The steps of an upload, one by one or all at once."""

    def __init__(self, sim: Sim, *, session: str | None = None) -> None:
        self.sim = sim
        self.session = session
        self.region = REGIONS[sim.site]
        self.keys: dict[str, Any] = {}

    async def ask(self, path: str, body: Any) -> Answer:
        return await self.sim.ask(path, body, session=self.session)

    async def token(self, scene: int = 2) -> Answer:
        answer = await self.ask(TOKEN, {"scene": scene})
        self.keys = answer.data or {}
        return answer

    @property
    def space(self) -> str:
        return str(self.keys.get("service_id") or self.keys["space_name"])

    async def apply(self, size: int, *, query: dict[str, Any] | None = None, **how: Any) -> Answer:
        asked = {
            "Action": "ApplyImageUpload",
            "Version": "2018-08-01",
            "ServiceId": self.space,
            "FileSize": size,
            "s": "abcdefghij",
            **({} if self.sim.site == "cn" else {"device_platform": "web"}),
            **(query or {}),
        }
        region = how.pop("region", self.region)
        headers = signed("GET", asked, self.keys, region, **how)
        return await self.sim.raw("GET", "/?" + urlencode(asked), headers=headers)

    async def blob(
        self, address: dict[str, Any], body: bytes, headers: dict[str, str] | None = None
    ) -> Answer:
        store = address["StoreInfos"][0]
        given = {
            "authorization": store["Auth"],
            "content-crc32": f"{binascii.crc32(body):08x}",
            "content-type": "application/octet-stream",
            "content-disposition": 'attachment; filename="undefined"',
            **(headers or {}),
        }
        return await self.sim.raw("POST", f"/upload/v1/{store['StoreUri']}", body, given)

    async def commit(self, session_key: Any, **how: Any) -> Answer:
        asked = {
            "Action": "CommitImageUpload",
            "Version": "2018-08-01",
            "ServiceId": self.space,
        }
        body = json.dumps({"SessionKey": session_key}).encode()
        region = how.pop("region", self.region)
        headers = signed("POST", asked, self.keys, region, body=body, **how)
        headers.setdefault("content-type", "application/json")
        return await self.sim.raw("POST", "/?" + urlencode(asked), body, headers)

    async def place(self, size: int) -> dict[str, Any]:
        """A place for a file of this size."""
        if not self.keys:
            await self.token()
        answer = await self.apply(size)
        assert answer.status == 200, answer.body
        address: dict[str, Any] = answer.json["Result"]["UploadAddress"]
        return address

    async def upload(self, body: bytes) -> str:
        """All steps; gives the address of the picture."""
        address = await self.place(len(body))
        blob = await self.blob(address, body)
        assert blob.json["code"] == 2000, blob.body
        commit = await self.commit(address["SessionKey"])
        assert commit.status == 200, commit.body
        (result,) = commit.json["Result"]["Results"]
        assert result["UriStatus"] == 2000
        uri: str = result["Uri"]
        return uri


async def uploaded(sim: Sim, *bodies: bytes) -> list[str]:
    sender = Sender(sim)
    return [await sender.upload(body) for body in bodies]


def error_of(answer: Answer) -> dict[str, Any]:
    error: dict[str, Any] = answer.json["ResponseMetadata"]["Error"]
    return error
