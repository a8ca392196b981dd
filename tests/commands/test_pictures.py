"""The commands that make pictures from pictures, against a running gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.commands.test_serve import KEY, served
from tests.forms import picture


def command(address: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jimeng_api", *arguments, "--output", str(folder)],
        env=os.environ | {"JIMENG_API_TOKEN": KEY, "JIMENG_API_BASE_URL": address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_pictures_are_drawn_from_files_and_worked_on_by_job_or_file(tmp_path: Path) -> None:
    file, folder = tmp_path / "cat.bin", tmp_path / "out"
    file.write_bytes(picture(640, 360))
    with served(tmp_path, "--speed", "50") as (_, address):
        drawn = command(address, folder, *("image", "blue", "-n", "1"), *2 * ("--image", str(file)))
        assert drawn.returncode == 0, drawn.stderr
        saved = re.fullmatch(r"(\S+/(job_\w+)-1\.png)  2560x1440\n", drawn.stdout)
        assert saved
        assert Path(saved[1]).read_bytes().startswith(b"\x89PNG")
        for arguments, size in (
            (("upscale", str(file)), "1280x720"),
            (("outpaint", "--job", saved[2], "--left", "0.5", "-n", "1"), "3840x1440"),
            (("repair", "--job", saved[2], "--index", "0"), "2560x1440"),
        ):
            done = command(address, folder, *arguments)
            assert done.returncode == 0, done.stderr
            assert done.stdout.endswith(f"-1.png  {size}\n")
        assert len(list(folder.iterdir())) == 4

        refused = command(address, folder, "repair", "--job", "job_none")
        assert refused.returncode == 1
        assert "there is no such job" in refused.stderr
        for neither_or_both in (("upscale",), ("upscale", str(file), "--job", saved[2])):
            assert command(address, folder, *neither_or_both).returncode == 2
