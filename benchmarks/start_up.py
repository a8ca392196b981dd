"""From the start of `jimeng-api serve` to its first answer, several times, with a used data folder.

python benchmarks/start_up.py [--runs 11]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time

from processes import free_port, peak_memory, started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    seconds: list[float] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as data:
        for _ in range(runs + 1):
            port = free_port()
            began = time.perf_counter()
            with started(
                "serve",
                "--port",
                str(port),
                settings={"DATA_DIR": data},
                probe=f"http://127.0.0.1:{port}/ping",
            ) as process:
                seconds.append(time.perf_counter() - began)
                memory.append(peak_memory(process.pid))
    first, *others = seconds
    figures = {
        "seconds_first_start_in_an_empty_folder": round(first, 3),
        "seconds_min": round(min(others), 3),
        "seconds_median": round(statistics.median(others), 3),
        "seconds_max": round(max(others), 3),
        "mb_idle": round(statistics.median(memory)),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
