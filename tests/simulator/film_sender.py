"""Uploads films and sounds to the simulated upstream, as a client does that nobody here wrote."""

import binascii
import json
from typing import Any
from urllib.parse import urlencode

from tests.simulator.caller import Answer, Sim
from tests.simulator.sender import Sender, signed

VERSION = "2020-11-19"


class FilmSender(Sender):
    """The steps of an upload, one by one or all at once."""

    async def vod_token(self) -> Answer:
        return await self.token(1)

    async def vod_apply(
        self, size: int, *, query: dict[str, Any] | None = None, **how: Any
    ) -> Answer:
        asked = {
            "Action": "ApplyUploadInner",
            "Version": VERSION,
            "SpaceName": self.keys["space_name"],
            "FileType": "video",
            "IsInner": 1,
            "FileSize": size,
            "s": "abcdefghij",
            **(query or {}),
        }
        how = {"service": "vod", "region": self.region, **how}
        headers = signed("GET", asked, self.keys, how.pop("region"), **how)
        return await self.sim.raw("GET", "/?" + urlencode(asked), headers=headers)

    async def node(self, size: int) -> dict[str, Any]:
        """A place for a file of this size."""
        if not self.keys:
            await self.vod_token()
        answer = await self.vod_apply(size)
        assert answer.status == 200, answer.body
        node: dict[str, Any] = answer.json["Result"]["InnerUploadAddress"]["UploadNodes"][0]
        return node

    async def phase(
        self,
        node: dict[str, Any],
        query: dict[str, Any],
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        store = node["StoreInfos"][0]
        given = {"authorization": store["Auth"], **(headers or {})}
        target = f"/upload/v1/{store['StoreUri']}?{urlencode(query)}"
        return await self.sim.raw("POST", target, body, given)

    async def begin(self, node: dict[str, Any]) -> str:
        answer = await self.phase(node, {"uploadmode": "part", "phase": "init"})
        assert answer.json["code"] == 2000, answer.body
        upload_id: str = answer.json["data"]["uploadid"]
        return upload_id

    async def part(
        self, node: dict[str, Any], upload_id: str, number: int, body: bytes, **headers: str
    ) -> Answer:
        query = {"uploadid": upload_id, "part_number": number, "phase": "transfer"}
        return await self.phase(node, query, body, headers)

    async def join(self, node: dict[str, Any], upload_id: str, named: str) -> Answer:
        query = {"uploadmode": "part", "phase": "finish", "uploadid": upload_id}
        kind = {"content-type": "text/plain;charset=UTF-8"}
        return await self.phase(node, query, named.encode(), kind)

    async def send_in_parts(self, node: dict[str, Any], body: bytes, size: int) -> Answer:
        """All phases of an upload in parts."""
        upload_id = await self.begin(node)
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        named = []
        for number, each in enumerate(parts, start=1):
            crc = f"{binascii.crc32(each):08x}"
            answer = await self.part(node, upload_id, number, each, **{"content-crc32": crc})
            assert answer.json["data"]["crc32"] == crc
            named.append(f"{number}:{crc}")
        return await self.join(node, upload_id, ",".join(named))

    async def vod_commit(self, session_key: Any, **how: Any) -> Answer:
        asked = {
            "Action": "CommitUploadInner",
            "Version": VERSION,
            "SpaceName": self.keys["space_name"],
        }
        body = json.dumps({"SessionKey": session_key, "Functions": []}).encode()
        how = {"service": "vod", "region": self.region, **how}
        headers = signed("POST", asked, self.keys, how.pop("region"), body=body, **how)
        headers.setdefault("content-type", "text/plain;charset=UTF-8")
        return await self.sim.raw("POST", "/?" + urlencode(asked), body, headers)

    async def upload_film(self, body: bytes, *, parts_of: int | None = None) -> dict[str, Any]:
        """All steps; gives what the upstream says about the film or sound."""
        node = await self.node(len(body))
        if parts_of is None:
            blob = await self.blob(node, body)
        else:
            blob = await self.send_in_parts(node, body, parts_of)
        assert blob.json["code"] == 2000, blob.body
        commit = await self.vod_commit(node["SessionKey"])
        assert commit.status == 200, commit.body
        (result,) = commit.json["Result"]["Results"]
        assert result["Vid"] == node["Vid"]
        about: dict[str, Any] = result
        return about


async def uploaded_films(sim: Sim, *bodies: bytes) -> list[str]:
    sender = FilmSender(sim)
    return [(await sender.upload_film(body))["Vid"] for body in bodies]
