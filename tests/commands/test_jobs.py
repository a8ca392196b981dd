"""`jimeng-api jobs` against a running gateway: listed, shown, taken back, taken over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.commands.test_serve import KEY, served


def jobs(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jimeng_api", "jobs", *arguments],
        env=os.environ | {"JIMENG_API_TOKEN": KEY, "JIMENG_API_BASE_URL": address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def shown(address: str, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jobs(address, "show", job_id).stdout)
    return found


def ordered(address: str) -> str:
    """The id of a job that its caller does not wait for."""
    request = urllib.request.Request(
        f"{address}/v1/images/generations",
        data=json.dumps({"model": "jimeng-3.0", "prompt": "a cat", "stream": True}).encode(),
        headers={"authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        job_id: str = answer.headers["x-job-id"]
        return job_id


def test_a_job_is_cancelled_and_its_task_is_found_again_by_the_upstreams_id(tmp_path: Path) -> None:
    with served(tmp_path) as (_, address):
        job_id = ordered(address)
        until = time.monotonic() + 20
        while (job := shown(address, job_id))["state"] not in ("running", "completed"):
            assert time.monotonic() < until
        cancelled = jobs(address, "cancel", job_id)
        assert (cancelled.returncode, cancelled.stderr) == (0, "")
        assert cancelled.stdout.startswith(f"{job_id}  The job was cancelled")

        adopted = jobs(address, "adopt", job["submissions"][0]["history_id"], "--site", "cn")
        assert adopted.returncode == 0
        assert re.match(rf"{job_id}  failed  \d pictures", adopted.stdout)  # it is that job

        listed = jobs(address, "list").stdout
        assert job_id in listed

        again = jobs(address, "cancel", "job_0")
        assert (again.returncode, again.stdout) == (1, "")
        assert "not_found" in again.stderr
        for wrong, says in ((["12345"], "not_found"), (["12345", "--site", "mars"], "site")):
            refused = jobs(address, "adopt", *wrong)
            assert refused.returncode == 1
            assert says in refused.stderr
