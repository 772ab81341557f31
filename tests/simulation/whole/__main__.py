"""Simulated lives by the thousand: ``python -m tests.simulation.whole`` (``make simulate``).

Prints a line for each seed that fails, with the command that lives it again alone, then what has happened how often.
From ``LONG`` lives on, a fault, an event, an alert or a change of belief that never happened fails the run.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.whole.life import Result, quiet, run
from tests.simulation.whole.tally import Tally
from tests.simulation.whole.trace import traced

LONG = 2_000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="live this one alone, and print all that happens")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--heads", action="store_true", help="print each seed with the hash its chain ends with"
    )
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _alone(given.seed)
    began = time.monotonic()
    tally, failed = Tally(), 0
    for result in _results(range(given.first, given.first + given.runs), given.jobs):
        tally.add(result.tally)
        if given.heads:
            print(result.seed, result.head, flush=True)
        if result.violations:
            failed += 1
            print(
                f"seed {result.seed}: {result.violations[0]}\n  make simulate SEED={result.seed}", flush=True
            )
    seconds = time.monotonic() - began
    print(tally.table())
    missing = tally.missing()
    for name in missing:
        print(f"never happened: {name}")
    print(
        f"{given.runs} lives in {seconds:.0f} s ({given.runs * 60 / seconds:.0f} a minute, {given.jobs} jobs): "
        f"{failed} failed, {len(missing)} kinds never happened"
    )
    return 1 if failed or (missing and given.runs >= LONG) else 0


def _results(seeds: range, jobs: int) -> Iterator[Result]:
    quiet()
    if jobs == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=quiet) as pool:
        yield from pool.map(run, seeds, chunksize=8)


def _alone(seed: int) -> int:
    quiet()
    result = run(seed, traced)
    for violation in result.violations:
        print(f"BROKEN {violation}")
    print(f"seed {seed}: {result.events} events, the chain ends with {result.head}")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
