"""Every boundary of every life: die there, start again, and be judged."""

import argparse
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.crash.fuse import Boundary, Crash, Kind
from tests.crash.judge import judge
from tests.crash.lives import LIVES

SEED = 20261122
PAUSES = (0.0, 0.2, 2.0, 20.0, 90.0)
SLOW = 4.0
# No crash here is the machine's: its disk need not be waited for.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class Case:
    """A life, and where its processes die."""

    life: int
    boundary: Boundary
    crashes: tuple[Crash, ...]

    def __str__(self) -> str:
        return f"{LIVES[self.life].name} | {self.boundary} | {self.crashes}"


def play(life: int, crashes: Sequence[Crash]) -> tuple[list[Boundary], list[str]]:
    """Live one life through ``crashes``; return its first process's boundaries, and what is wrong at the end."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = LIVES[life].world(Path(folder))
        try:
            world.loop.run_until_complete(world.run(LIVES[life].stages, crashes))
            world.loop.check()
            return world.boundaries, judge(world, Path(folder))
        finally:
            world.loop.close()


def quiet() -> None:
    """Let the bots of this process write no log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def cases(seed: int = SEED) -> Iterator[Case]:
    """Return every boundary of every life, each with its ways of dying there."""
    chance = random.Random(seed)
    for life in range(len(LIVES)):
        boundaries, problems = play(life, ())
        assert not problems, (LIVES[life].name, problems)
        for boundary in boundaries:
            for kept, slow in _ways(boundary, chance):
                yield Case(life, boundary, (Crash(boundary.number, kept, slow, chance.choice(PAUSES)),))


def _ways(boundary: Boundary, chance: random.Random) -> list[tuple[bool, float]]:
    """Return the ways of dying there: what was appended and not acknowledged may have reached the disk or not, an
    order on its way may arrive before the next start or after it."""
    if boundary.kind is Kind.WIRE:
        return [(kept, slow) for kept in (False, True) for slow in (0.0, SLOW)]
    if boundary.kind is Kind.APPEND:
        return [(False, 0.0), (True, 0.0)]
    return [(chance.random() < 0.5, 0.0)]


def doubles(every: Sequence[Case], number: int, seed: int = SEED) -> list[Case]:
    """Return ``number`` cases that crash a second time, somewhere in the recovery from the first."""
    chance = random.Random(seed + 1)
    return [
        Case(
            case.life,
            case.boundary,
            (*case.crashes, Crash(chance.randint(1, 90), chance.random() < 0.5, 0.0, chance.choice(PAUSES))),
        )
        for case in chance.sample(every, number)
    ]


def spread(every: Sequence[Case], number: int, seed: int = SEED) -> list[Case]:
    """Return ``number`` cases spread evenly over all, from an offset the seed chooses."""
    step = len(every) / number
    offset = random.Random(seed).random() * step
    return [every[int(offset + step * index)] for index in range(number)]


def verdict(case: Case) -> list[str]:
    """Return what is wrong after ``case``, a line each."""
    try:
        return play(case.life, case.crashes)[1]
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this case
        return [f"{type(error).__name__}: {error}"]


def main(arguments: Sequence[str]) -> int:
    began = time.monotonic()
    quiet()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="so many, spread evenly; left out: all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    every = list(cases(given.seed))
    if given.sample is not None:
        every = spread(every, min(given.sample, len(every)), given.seed)
    twice = doubles(every, min(200, len(every) // 5), given.seed)
    places = len({(case.life, case.boundary.number) for case in every})
    print(
        f"{len(every)} deaths at {places} boundaries of {len(LIVES)} lives, {len(twice)} with a second one",
        flush=True,
    )
    failed = 0
    with ProcessPoolExecutor(given.workers, initializer=quiet) as pool:
        verdicts = zip([*every, *twice], pool.map(verdict, [*every, *twice], chunksize=8), strict=True)
        for done, (case, problems) in enumerate(verdicts, start=1):
            if done % 500 == 0:
                print(f"{time.monotonic() - began:6.0f} s  {done} done, {failed} failed", flush=True)
            if problems:
                failed += 1
                print(f"FAILED {case}", *problems, sep="\n    ", flush=True)
    kinds = Counter((case.boundary.kind, case.boundary.is_after) for case in every)
    for (kind, is_after), number in sorted(kinds.items()):
        print(f"  {number:5d}  {'after' if is_after else 'before'} {kind}")
    print(f"{failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
