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
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import NoReturn, cast

from tests.crash.checker import Verdict
from tests.crash.failpoints import NAMES
from tests.crash.nursery import BROKEN, Nursery, make_data
from tests.crash.pipe import Ended, Line
from tests.crash.world import World

FULL = 3 * len(NAMES)
"""Kills in one world: each failpoint comes three times."""

TELL_SECONDS = 30.0
"""How often a run tells how far it is."""


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
    broken: list[int] = field(default_factory=list)

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
        self.broken += other.broken

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
        if verdict.violations:
            self.broken.append(index)
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
        workers: dict[Connection, int] = {}
        for number in range(options.workers):
            pid, tallies = _worker(options, number, Path(name) / str(number))
            workers[tallies] = pid
        try:
            _add_up(options, workers, total, began)
        except BaseException:
            for pid in workers.values():
                _end(pid)
            raise
    return total, time.perf_counter() - began


def _add_up(options: Options, workers: dict[Connection, int], total: Tally, began: float) -> None:
    """Until all workers have ended; tells from time to time how far they are."""
    told = began
    while workers:
        for ready in wait(list(workers), TELL_SECONDS):
            tallies = cast("Connection", ready)
            try:
                total.add(tallies.recv())
            except EOFError:
                _, status = os.waitpid(pid := workers.pop(tallies), 0)
                tallies.close()
                if status:
                    total.violations.append(f"R0 worker {pid}: ended with status {status}")
        now = time.perf_counter()
        if now - told >= TELL_SECONDS:
            told = now
            print(_so_far(options, total, now - began), flush=True)


def _so_far(options: Options, total: Tally, seconds: float) -> str:
    kills = total.kills.total()
    left = f"{seconds * (options.kills - kills) / kills:.0f} s" if kills else "?"
    reached = sum(bool(total.kills[name]) for name in options.targets)
    return (
        f"{seconds:.0f} s: {kills} kills, {reached} of {len(options.targets)} failpoints, "
        f"{total.figures['jobs']} jobs, {len(total.violations)} violations; {left} to go"
    )


def _worker(options: Options, number: int, folder: Path) -> tuple[int, Connection]:
    """The process, and where its tallies come from, one for each world."""
    reading, writing = Pipe(duplex=False)

    def whole() -> None:
        reading.close()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        folder.mkdir(parents=True)
        for tally in work(options, worker=number, folder=folder):
            writing.send(tally)

    pid = os.fork()
    if pid == 0:
        _ended_by(whole)
    writing.close()
    return pid, reading


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def work(options: Options, *, worker: int, folder: Path) -> Iterator[Tally]:
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
        tally = Tally()
        tally.count(index, world, verdict)
        if verdict.violations:
            print(f"world {index}: {len(verdict.violations)} violations", flush=True)
        yield tally
    line.close()
    os.waitpid(pid, 0)


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
    lines += [
        f"again: {options.command} --world {index} --keep FOLDER" for index in tally.broken[:5]
    ]
    if (tally.violations or never) and not tally.broken:
        lines.append(f"again: {options.command}")
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
