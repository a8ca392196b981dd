"""The command that makes films, against a running gateway."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands.test_pictures import command
from tests.commands.test_serve import served
from tests.forms import picture


def test_a_film_is_made_of_a_picture_and_saved(tmp_path: Path) -> None:
    file, folder = tmp_path / "beach.bin", tmp_path / "out"
    file.write_bytes(picture(360, 640))
    model = ("--model", "jimeng-video-3.0")
    with served(tmp_path, "--speed", "100") as (_, address):
        arguments = ("--image", str(file), "--resolution", "720p", "--seconds", "5", "--seed", "7")
        done = command(address, folder, "video", "waves", *model, *arguments)
        assert done.returncode == 0, done.stderr
        saved = re.fullmatch(r"(\S+/job_\w+\.mp4)  720x1280  5\.04\d* s\n", done.stdout)
        assert saved, done.stdout
        assert Path(saved[1]).read_bytes()[4:8] == b"ftyp"

        refused = command(address, folder, "video", "waves", *model, "--seconds", "7")
        assert refused.returncode == 1
        assert "5 or 10" in refused.stderr
        assert len(list(folder.iterdir())) == 1
