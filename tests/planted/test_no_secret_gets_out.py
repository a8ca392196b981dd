"""Some forty secrets go through a real gateway, and lie about nowhere afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jimeng_api.simulator.app import create_app
from jimeng_api.simulator.dial import Dial
from jimeng_api.simulator.serve import running
from jimeng_api.simulator.world import World
from jimeng_api.transport import Broken, HttpTransport, NotSent, Request
from tests.commands.test_serve import free_port
from tests.forms import picture
from tests.planted.hunt import Hunt, Watch

CAT = {"model": "jimeng-3.0", "prompt": "a cat"}
EDIT = {
    "model": "jimeng-4.5",
    "prompt": "a cat",
    "image": "data:image/png;base64," + base64.b64encode(picture(640, 360)).decode(),
}


def hexes(length: int = 32) -> str:
    return secrets.token_hex(length // 2)


@dataclass
class Lives:
    """Gateways in one folder, one after the other, with all that is told about them."""

    hunt: Hunt
    folder: Path
    upstream: str
    env: dict[str, str]
    door: HttpTransport
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @asynccontextmanager
    async def life(self, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
        log = self.folder / f"log-{len(list(self.folder.glob('log-*')))}"
        with log.open("wb") as out:
            process = await self._started(out, "serve", "--port", str(self.port), **settings)
        try:
            await self._ready(process, log)
            self._see_arguments(process)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            self.hunt.search("log at debug level", await asyncio.to_thread(log.read_bytes))

    async def command(self, *arguments: str, said: str = "") -> tuple[bytes, bytes]:
        """What it says on standard output, and on standard error."""
        process = await self._started(asyncio.subprocess.PIPE, *arguments)
        self._see_arguments(process)
        out, err = await process.communicate(said.encode())
        assert process.returncode == 0, err
        return out, err

    async def _started(
        self, out: Any, *arguments: str, **settings: str
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jimeng_api", *arguments),
            env=self.env | {f"JIMENG_API_{name}": value for name, value in settings.items()},
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE if out == asyncio.subprocess.PIPE else None,
            stdout=out,
            stderr=asyncio.subprocess.PIPE if out == asyncio.subprocess.PIPE else out,
        )

    async def _ready(self, process: asyncio.subprocess.Process, log: Path) -> None:
        async with asyncio.timeout(60):
            while True:
                assert process.returncode is None, await asyncio.to_thread(log.read_text)
                try:
                    answer = await self.door.send(
                        Request(method="GET", url=f"http://127.0.0.1:{self.port}/readyz", timeout=5)
                    )
                except (NotSent, Broken):
                    await asyncio.sleep(0.05)
                else:
                    if answer.status == 200:
                        return

    def _see_arguments(self, process: asyncio.subprocess.Process) -> None:
        if sys.platform == "linux":
            self.hunt.search("process arguments", Path(f"/proc/{process.pid}/cmdline").read_bytes())

    async def ask(
        self,
        method: str,
        path: str,
        key: str | None = None,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        shows: tuple[str, ...] = (),
    ) -> Any:
        """The answer's JSON. `shows` names the fields in which secrets are told on purpose, this once."""
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        answer = await self.door.send(
            Request(
                method=method,
                url=f"http://127.0.0.1:{self.port}{path}",
                headers=sent,
                body=None if body is None else json.dumps(body).encode(),
                timeout=60,
            )
        )
        told = answer.body
        try:
            found = json.loads(told) if told else None
        except ValueError:
            found = None
        if isinstance(found, dict):
            for name in shows:
                told = told.replace(found[name].encode(), b"")
        self.hunt.search("answers", told + repr(answer.headers).encode())
        return found

    def search_disk(self, when: str) -> None:
        """The database with its log of writes, and all else that lies in the folder; but not the key file."""
        for file in sorted(self.data.glob("*")):
            if file.is_file() and file.name != "secret.key":
                place = "write-ahead log" if file.name.endswith("-wal") else "database"
                self.hunt.search(f"{place}, {when}", file.read_bytes())
        self.hunt.search_folder("media", self.data / "media")


@asynccontextmanager
async def a_proxy_to(upstream: str) -> AsyncIterator[int]:
    """Requests for an origin without TLS need only be passed on."""
    place = urlsplit(upstream)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_them = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(pipe(reader, to_them), pipe(theirs, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def closing(door: HttpTransport) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await door.close()


async def test_planted_secrets_are_found_nowhere(tmp_path: Path) -> None:
    hunt = Hunt()
    world = World(seed=1)
    world.dial = Dial(mode="at_once")
    temporary = tmp_path / "tmp"
    for folder in (temporary, tmp_path / "data"):
        folder.mkdir()
    door = HttpTransport()
    with Watch(temporary) as watch:
        async with (
            running(create_app(world)) as upstream,
            a_proxy_to(upstream) as proxy,
            closing(door),
        ):
            admin = hunt.plant("admin key", f"admin-{hexes()}")
            no_way = hunt.plant("password of a proxy that is away", hexes())
            way = hunt.plant("password of a proxy that leads there", hexes())
            proxies = (
                f"us=http://user:{no_way}@127.0.0.1:{free_port()},"
                f"jp=http://user:{way}@127.0.0.1:{proxy}"
            )
            lives = Lives(
                hunt=hunt,
                folder=tmp_path,
                upstream=upstream,
                door=door,
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith("JIMENG_API_")},
                    "TMPDIR": str(temporary),
                    "PROXY_THERE": f"127.0.0.1:{proxy}",
                    "JIMENG_API_DATA_DIR": str(tmp_path / "data"),
                    "JIMENG_API_UPSTREAM_URL": upstream,
                    "JIMENG_API_LOG_LEVEL": "debug",
                    "JIMENG_API_CONFIRMATION_SECONDS": "1",
                    "JIMENG_API_ADMIN_KEY": admin,
                    "JIMENG_API_PROXIES": proxies,
                },
            )
            lives.env["JIMENG_API_PORT"] = str(lives.port)
            async with lives.life(LOG_FORMAT="text") as process:
                hunt.plant("key file", (tmp_path / "data" / "secret.key").read_text().strip())
                await asyncio.gather(
                    _callers(lives), _misplaced(lives), _lent(lives, admin), _tokens(lives)
                )
                await _work_in_hand(lives, world)
                lives.search_disk("jobs in work")
                process.kill()  # nothing is put away
                await process.wait()
                lives.search_disk("after kill -9")
            async with lives.life(LOG_FORMAT="json") as process:
                await _troubles(lives, world)
                _lent_by_the_upstream(hunt, world)
                for path in ("/metrics", "/openapi.json", "/docs", "/healthz", "/readyz"):
                    await lives.ask("GET", path, admin)
                process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(process.wait(), 30)
            lives.search_disk("after the end")
    await asyncio.to_thread(_search_again, hunt, tmp_path, watch)
    print("\n" + hunt.table())
    print("planted:", ", ".join(sorted(hunt.planted)))
    assert len(hunt.planted) >= 60
    assert sum(hunt.searched.values()) > 100_000
    assert hunt.hits == []


def _search_again(hunt: Hunt, folder: Path, watch: Watch) -> None:
    """What was planted late may have been written down early."""
    for log in folder.glob("log-*"):
        hunt.search("logs, once all is planted", log.read_bytes())
    for content in watch.seen:
        hunt.search("temporary files", content)
    hunt.search("temporary files", b"")
    hunt.search_folder("temporary files", folder / "tmp")


async def _callers(lives: Lives) -> None:
    """Sessions of every site, one and several, good and bad."""
    plant, ask = lives.hunt.plant, lives.ask
    keys = [plant("session on cn", hexes())]
    keys += [f"{site}-{plant(f'session on {site}', hexes())}" for site in ("us", "hk", "jp", "sg")]
    keys.append(",".join(plant(f"session {n} of several", hexes()) for n in range(3)))
    uploading = [plant(f"session {n} that uploads", hexes()) for n in range(2)]
    await asyncio.gather(
        *(ask("POST", "/v1/images/generations", key, CAT) for key in keys),
        *(ask("POST", "/v1/images/edits", key, EDIT) for key in uploading),
        *(ask("GET", path, key) for key in keys for path in ("/v1/jobs", "/v1/models")),
    )


async def _misplaced(lives: Lives) -> None:
    """Secrets where they do not belong, and other services' secrets."""
    plant = lives.hunt.plant
    good = plant("session of one who is careless", hexes())
    for path in ("/v1/jobs", "/v1/images/generations", "/nowhere", "/v1/models"):
        query = plant(f"session in the query of {path}", hexes())
        await lives.ask("GET", f"{path}?key={query}&access_token={query}", good)
    elsewhere = {
        "cookie": f"sessionid={plant('session in a cookie', hexes())}",
        "x-api-key": plant("key in x-api-key", hexes()),
        "proxy-authorization": f"Basic {plant('proxy authorization', hexes())}",
        "idempotency-key": "an-order",
    }
    await lives.ask("POST", "/v1/images/generations", good, CAT, headers=elsewhere)
    for name, key in {
        "OpenAI key": f"sk-{hexes(48)}",
        "key that was never issued": f"jm-{secrets.token_urlsafe(32)}",
        "wrong admin key": f"admin-{hexes()}",
    }.items():
        plant(name, key)
        await lives.ask("POST", "/v1/images/generations", key, CAT)
        await lives.ask("GET", "/v1/admin/keys", key)
    password = plant("password of a proxy in a key", hexes())
    await lives.ask("GET", "/v1/jobs", f"http://user:{password}@proxy.example/{good}")
    await lives.ask("GET", "/v1/jobs", f"{good},http://user:{password}@proxy.example")
    basic = plant("basic authorization", hexes())
    await lives.ask("GET", "/v1/jobs", headers={"authorization": f"Basic {basic}"})
    body = plant("session in a body", hexes())
    wrong = {**CAT, "sessionid": body, "user": body, "n": "many"}
    await lives.ask("POST", "/v1/images/generations", good, wrong)


async def _stored_accounts(lives: Lives, admin: str) -> None:
    """Accounts by route and by command, with proxies of their own, asked about and changed."""
    plant, ask, way = lives.hunt.plant, lives.ask, lives.env["PROXY_THERE"]
    for number in range(2):
        order = {
            "session": plant(f"session of stored account {number}", hexes()),
            "name": f"stored-{number}",
            "proxy": f"http://me:{plant(f'password of stored proxy {number}', hexes())}@{way}",
        }
        await ask("POST", "/v1/admin/accounts", admin, order)
    by_command = plant("session stored by command", hexes())
    out, err = await lives.command("accounts", "add", "third", said=by_command)
    listed, quiet = await lives.command("accounts", "list")
    lives.hunt.search("other output of commands", out + err + listed + quiet)
    other = plant("password of a changed proxy", hexes())
    for scheme in (
        "http",
        "ftp",
    ):  # the second is none, and is said to be none without its password
        await ask(
            "PATCH", "/v1/admin/accounts/third", admin, {"proxy": f"{scheme}://me:{other}@{way}"}
        )
    await ask("POST", "/v1/admin/accounts/check", admin)
    await ask("GET", "/v1/admin/accounts", admin)
    again = plant("session that cannot be stored", hexes())
    await ask("POST", "/v1/admin/accounts", admin, {"session": again, "no_such_field": again})


async def _tokens(lives: Lives) -> None:
    """Access and refresh tokens, renewed, used, asked about and taken back."""
    plant, ask = lives.hunt.plant, lives.ask
    shows = ("access_token", "refresh_token")
    session = plant("session that is exchanged", hexes())
    grant = await ask("POST", "/token", session, shows=shows)
    for name in shows:
        plant(f"first {name}", grant[name])
    renewed = await ask("POST", "/token/refresh", grant["refresh_token"], shows=shows)
    for name in shows:
        plant(f"second {name}", renewed[name])
    token = renewed["access_token"]
    await ask("POST", "/v1/images/generations", token, CAT)
    asked = plant("session that is asked about", hexes())
    for path in ("/token/check", "/token/points", "/token/receive"):
        await ask("POST", path, f"{token},{asked}", {"token": asked, "tokens": [asked]})
    await ask("POST", "/token/refresh", grant["refresh_token"])  # a second time: in two hands
    await ask("POST", "/token/revoke", token)
    await ask("GET", "/v1/jobs", token)


async def _lent(lives: Lives, admin: str) -> None:
    """Keys by route and by command for stored accounts, one of them revoked."""
    await _stored_accounts(lives, admin)
    order = {"name": "by route"}
    made = [
        await lives.ask("POST", "/v1/admin/keys", admin, order, shows=("key",)) for _ in range(3)
    ]
    keys = [lives.hunt.plant(f"issued key {number}", one["key"]) for number, one in enumerate(made)]
    await lives.ask("DELETE", f"/v1/admin/keys/{made[-1]['id']}", admin)
    out, err = await lives.command("keys", "create", "by command")
    keys.append(lives.hunt.plant("key issued by command", out.decode().strip()))
    listed, quiet = await lives.command("keys", "list")
    lives.hunt.search("other output of commands", err + listed + quiet)
    await asyncio.gather(
        *(lives.ask("GET", "/v1/jobs", key) for key in keys),
        *(lives.ask("POST", "/v1/images/generations", key, CAT) for key in keys),
    )
    await lives.ask("GET", "/v1/admin/keys", admin)
    await lives.ask("GET", "/v1/jobs", admin)


async def _work_in_hand(lives: Lives, world: World) -> None:
    """Jobs of several callers that have not ended, so that their sessions lie in the database, sealed."""
    world.dial = Dial(mode="seconds", low=5, high=5)
    for number in range(4):
        session = lives.hunt.plant(f"session {number} with a job in work", hexes())
        made = await lives.ask("POST", "/v1/videos", session, {"prompt": "a sea"})
        assert made["object"] == "video", made


async def _troubles(lives: Lives, world: World) -> None:
    """What goes wrong upstream is logged with all that was said about it."""
    world.dial = Dial(mode="at_once")

    async def meet(fault: str, on: str = "generate") -> None:
        session = lives.hunt.plant(f"session that meets {fault}", hexes())
        (queued,) = world.faults.add([{"fault": fault, "on": on, "account": session}])
        path, order = ("edits", EDIT) if on == "apply_upload" else ("generations", CAT)
        await lives.ask("POST", f"/v1/images/{path}", session, order)
        assert queued.met, fault

    await asyncio.gather(
        meet("login_error"),
        meet("html_502"),
        meet("hostile_text"),
        meet("no_credits"),
        meet("imagex_signature", "apply_upload"),
    )


def _lent_by_the_upstream(hunt: Hunt, world: World) -> None:
    assert len(world.uploads.keys) >= 2
    for number, key in enumerate(world.uploads.keys.values()):
        hunt.plant(f"upload secret {number}", key.secret)
        hunt.plant(f"upload token {number}", key.token)
