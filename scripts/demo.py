"""A gateway and a simulated upstream, one picture through the OpenAI route, and how to go on from there."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

COMMAND = Path(sys.executable).parent / "jimeng-api"
FOLDER = Path("demo")
SPEED = "4"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def wait_until_ready(base_url: str, gateway: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if gateway.poll() is not None:
            sys.exit("The gateway did not start; what it said is above.")
        try:
            with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    sys.exit("The gateway did not become ready within a minute.")


def main() -> int:
    prompt = sys.argv[1]
    session = secrets.token_hex(16)
    base_url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="jimeng-api-demo-") as data:
        environment = {
            **os.environ,
            "JIMENG_API_DATA_DIR": data,
            "JIMENG_API_LOG_LEVEL": "warning",
            "JIMENG_API_BASE_URL": base_url,
            "JIMENG_API_TOKEN": session,
        }
        port = base_url.rpartition(":")[2]
        gateway = subprocess.Popen(
            [COMMAND, "serve", "--simulate", "--port", port, "--speed", SPEED], env=environment
        )
        try:
            wait_until_ready(base_url, gateway)
            print(f"drawing: {prompt}")
            drawn = subprocess.run(
                [COMMAND, "image", prompt, "-n", "1", "--output", FOLDER],
                env=environment,
                check=False,
            )
        finally:
            gateway.terminate()
            try:
                gateway.wait(timeout=20)
            except subprocess.TimeoutExpired:
                gateway.kill()
    if drawn.returncode == 0:
        print(HOW_TO_GO_ON)
    return drawn.returncode


HOW_TO_GO_ON = """
It is a simulated picture: no account was used and nothing was paid. To go on, start the gateway

    .venv/bin/jimeng-api serve --simulate      without an account
    .venv/bin/jimeng-api serve                 with one: the key is its `sessionid` cookie

and ask for a picture with curl (for the simulated upstream any session will do)

    SESSION=0123456789abcdef0123456789abcdef
    curl http://127.0.0.1:5100/v1/images/generations \\
      -H "Authorization: Bearer $SESSION" -H "Content-Type: application/json" \\
      -d '{"model": "jimeng-4.5", "prompt": "a cat", "size": "1024x1024"}'

or with the OpenAI SDK

    from openai import OpenAI
    client = OpenAI(base_url="http://127.0.0.1:5100/v1", api_key="0123456789abcdef0123456789abcdef")
    print(client.images.generate(model="jimeng-4.5", prompt="a cat").data[0].url)
"""

if __name__ == "__main__":
    sys.exit(main())
