"""Writes the files of requirements/: every dependency with its version and hashes, and no address.

With --keep, whatever has a version there keeps it, and only what is new gets its newest.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

COMPILE = [
    sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes", "--no-header",
    "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options",
    "--strip-extras", "--allow-unsafe", *([] if "--keep" in sys.argv[1:] else ["--upgrade"]),
]  # fmt: skip
RUN, DEV = Path("requirements/run.txt"), Path("requirements/dev.txt")

subprocess.run([*COMPILE, "-o", RUN, "pyproject.toml", "requirements/run.in"], check=True)
project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
wanted = Path("requirements/dev.in")
wanted.write_text("\n".join(["-r run.txt", *project["dependency-groups"]["dev"]]), encoding="utf-8")
try:
    subprocess.run([*COMPILE, "-o", DEV, wanted], check=True)
finally:
    wanted.unlink()
clients = Path("requirements/clients.in")
subprocess.run([*COMPILE, "-o", clients.with_suffix(".txt"), clients], check=True)
