"""Kills a gateway at every failpoint, thousands of times, and tells what became of its jobs.

`python -m tests.crash.forked --kills 50000 --seed 1 --workers 2`. For each life the gateway is forked into a
process of its own, in virtual time and on an SQLite file in memory; the simulated upstream lives on beside
it. It dies by SIGKILL at a failpoint that was drawn for it (`failpoints.NAMES`), and the next life goes on
with what it left. Exit code 1 when a promise was broken or a failpoint was never reached.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tests.crash.checker import Verdict
from tests.crash.failpoints import NAMES
from tests.crash.nursery import BROKEN, Nursery, make_data
from tests.crash.pipe import Ended, Line
from tests.crash.world import World

FULL = 3 * len(NAMES)
"""Kills in one world: each failpoint comes three times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    kills: int
    seed: int
    workers: int
    world: int | None = None
    targets: tuple[str, ...] = NAMES
    keep: Path | None = None
    broken: str | None = None

    @property
    def worlds(self) -> int:
        return -(-self.kills // FULL)

    def kills_of(self, index: int) -> int:
        return min(FULL, self.kills - index * FULL)

    @property
    def command(self) -> str:
        text = f"python -m tests.crash.forked --kills {self.kills} --seed {self.seed}"
        if self.targets != NAMES:
            text += " --only " + " ".join(f'"{name}"' for name in self.targets)
        return text + (f' --broken "{self.broken}"' if self.broken else "")


@dataclass(slots=True)
class Tally:
    """What many worlds came to."""

    worlds: int = 0
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.worlds += other.worlds
        self.lives += other.lives
        for mine, more in (
            (self.kills, other.kills),
            (self.moments, other.moments),
            (self.figures, other.figures),
            (self.missed, other.missed),
        ):
            mine.update(more)
        self.violations += other.violations

    def count(self, index: int, world: World, verdict: Verdict) -> None:
        """Add what one world came to."""
        self.worlds += 1
        self.lives += world.lives
        self.kills.update(world.kills)
        self.missed.update(world.missed)
        self.moments.update(world.moments)
        for name, value in verdict.figures.items():
            first = value.split()[0]
            if first.isdigit():
                self.figures[name] += int(first)
        self.violations += [f"world {index}: {one}" for one in verdict.violations]


# ------------------------------------------------------------- processes ----


def run(options: Options) -> tuple[Tally, float]:
    """All worlds, in so many processes; what they came to, and the seconds."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    began = time.perf_counter()
    total = Tally()
    with tempfile.TemporaryDirectory(
        prefix="jimeng-api-forked-", dir=place, ignore_cleanup_errors=True
    ) as name:
        workers = [
            _worker(options, number, Path(name) / str(number)) for number in range(options.workers)
        ]
        try:
            for pid, result in workers:
                body = result.read()
                result.close()
                _, status = os.waitpid(pid, 0)
                if status or not body:
                    total.violations.append(f"R0 worker {pid}: ended with status {status}")
                else:
                    total.add(pickle.loads(body))
        except BaseException:
            for pid, _ in workers:
                _end(pid)
            raise
    return total, time.perf_counter() - began


def _worker(options: Options, number: int, folder: Path) -> tuple[int, Any]:
    """The process, and where its tally can be read."""
    reading, writing = os.pipe()

    def whole() -> None:
        os.close(reading)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        folder.mkdir(parents=True)
        tally = work(options, worker=number, folder=folder)
        with os.fdopen(writing, "wb") as result:
            pickle.dump(tally, result)

    pid = os.fork()
    if pid == 0:
        _ended_by(whole)
    os.close(writing)
    return pid, os.fdopen(reading, "rb")


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def work(options: Options, *, worker: int, folder: Path) -> Tally:
    """This worker's worlds, one after the other."""
    data, fresh = folder / "data", folder / "fresh"
    forked(lambda: make_data(fresh))
    shutil.copytree(fresh, data)
    ours, theirs = socket.socketpair()

    def nursery() -> None:
        ours.close()
        Nursery(data, Line(theirs), broken=options.broken).run()

    pid = os.fork()
    if pid == 0:
        _ended_by(nursery)
    theirs.close()
    line = Line(ours)
    if not isinstance(line.get(), Ended):
        raise EOFError("no gateway can be started at all")  # noqa: TRY004 - nothing came
    tally = Tally()
    worlds = range(worker, options.worlds, options.workers)
    for index in worlds if options.world is None else [options.world]:
        shutil.rmtree(data)
        shutil.copytree(fresh, data)
        world = World(
            f"{options.seed} {index}",
            kills=options.kills_of(index),
            targets=options.targets,
            keep=options.keep,
        )
        verdict = world.run(line)
        tally.count(index, world, verdict)
        if verdict.violations:
            print(f"world {index}: {len(verdict.violations)} violations", flush=True)
    line.close()
    os.waitpid(pid, 0)
    return tally


def forked(work: Callable[[], None]) -> None:
    """Do it in a process of its own, of which nothing stays here."""
    pid = os.fork()
    if pid == 0:
        _ended_by(work)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"a process ended with the status {status}")


def _ended_by(work: Callable[[], None]) -> NoReturn:
    try:
        work()
    except BaseException:  # noqa: BLE001 - nothing of the process that it was forked from may go on here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


# ---------------------------------------------------------------- report ----


def told(options: Options, tally: Tally, seconds: float) -> str:
    kills = tally.kills.total()
    reached = [name for name in options.targets if tally.kills[name]]
    never = [name for name in options.targets if not tally.kills[name]]
    each = 1000 * seconds / max(1, kills)
    figures = {
        "seed": options.seed,
        "kills": f"{kills} ({_parts(tally.moments)})",
        "failpoints": f"{len(reached)} of {len(options.targets)} reached",
        "lives": f"{tally.lives} in {tally.worlds} worlds",
        **{name: tally.figures[name] for name in _FIGURES},
        "seconds": f"{seconds:.0f}: {each:.1f} ms for each kill",
    }
    lines = [f"{name:<22}  {value}" for name, value in figures.items()]
    lines += ["", *(_reached(tally, name) for name in options.targets)]
    if never:
        lines += ["", f"never reached: {', '.join(never)}"]
    lines += ["", *(one[:400] for one in tally.violations[:40])]
    if len(tally.violations) > 40:
        lines.append(f"and {len(tally.violations) - 40} more")
    lines.append(f"{len(tally.violations)} violations" if tally.violations else "no violation")
    if tally.violations or never:
        lines.append(f"again: {options.command} [--world NUMBER --keep FOLDER]")
    return "\n".join(lines)


_FIGURES = (
    "orders sent",
    "jobs",
    "acknowledged",
    "answered while waiting",
    "completed",
    "failed",
    "accepted upstream",
    "in doubt at a kill",
    "adopted after a doubt",
    "files without a job",
    "lost",
    "double",
    "paid and not collected",
    "ended twice",
    "without end",
    "wrong owner or file",
    "credits miscounted",
)


def _reached(tally: Tally, name: str) -> str:
    missed = f", {tally.missed[name]} times not met" if tally.missed[name] else ""
    return f"  {name:<32} {tally.kills[name]:>6} kills{missed}"


def _parts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--world", type=int, default=None, help="only this world of the run")
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, metavar="FAILPOINT")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for broken histories")
    parser.add_argument("--broken", choices=BROKEN, help="a gateway with this defect")
    given = parser.parse_args(arguments)
    # Whoever asks this process to end takes all of its processes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(
        kills=given.kills,
        seed=random.randrange(1_000_000) if given.seed is None else given.seed,
        workers=given.workers,
        world=given.world,
        targets=tuple(given.only),
        keep=given.keep,
        broken=given.broken,
    )
    print(f"{options.kills} kills, seed {options.seed} ...", flush=True)
    tally, seconds = run(options)
    print(told(options, tally, seconds))
    whole = options.world is None
    reached = all(tally.kills[name] for name in options.targets)
    return 0 if (reached or not whole) and not tally.violations else 1


if __name__ == "__main__":
    sys.exit(main())
