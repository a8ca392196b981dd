"""What the media store holds of large files that come in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from jimeng_api.media.store import MediaStore

MIB = 2**20
FILE_MIB = 64
FILES = 4
MOST_MB = 64.0


def _held_at_most() -> float:
    """Of this process, ever, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def _put(folder: Path) -> float:
    """How much was held in addition while files were put, all at once."""
    store = MediaStore(folder / "media")
    await store.put("0" * 32, b"once")
    with ExitStack() as open_files:
        files = [open_files.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(FILES)]
        for file in files:
            for _ in range(FILE_MIB):
                file.write(bytes(MIB))
        before = _held_at_most()
        await asyncio.gather(
            *(store.put(f"{number:032x}", file) for number, file in enumerate(files))
        )
    return _held_at_most() - before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process held at most")
def test_large_files_come_in_a_part_at_a_time(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", __name__, tmp_path], check=True, capture_output=True, text=True
    )
    assert float(told.stdout) < MOST_MB
    sizes = [path.stat().st_size for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert sorted(sizes) == [FILE_MIB * MIB] * FILES


if __name__ == "__main__":
    print(asyncio.run(_put(Path(sys.argv[1]))))
