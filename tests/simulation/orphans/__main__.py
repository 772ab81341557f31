"""Orphans of every kind, injected at random: ``python -m tests.simulation.orphans`` (``make orphans``).

Prints a line for each seed that fails, then by kind how long it took until neutral and what was naked meanwhile.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from risk.direction import Direction
from tests.simulation.orphans.cases import Case, Kind, case
from tests.simulation.orphans.life import LIMIT, Lived, Outcome, run
from tests.simulation.whole.life import quiet
from tests.simulation.whole.trace import traced


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make orphans", description=__doc__)
    parser.add_argument("--seed", type=int, help="live this one alone, and print all that happens")
    parser.add_argument("--runs", type=int, default=1_008)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    quiet()
    if given.seed is not None:
        lived = run(given.seed, traced)
        for violation in lived.result.violations:
            print(f"BROKEN {violation}")
        print(f"seed {given.seed}: {lived.outcome}")
        return 1 if lived.result.violations else 0
    began = time.monotonic()
    outcomes, failed, stripped = list[Outcome](), 0, 0
    for lived in _lives(range(given.first, given.first + given.runs), given.jobs):
        if lived.outcome is not None:
            outcomes.append(lived.outcome)
        stripped += sum(lived.result.tally.sections.get("stripped", {}).values())
        if lived.result.violations:
            failed += 1
            seed = lived.result.seed
            print(f"seed {seed}: {lived.result.violations[0]}\n  make orphans SEED={seed}", flush=True)
    print(table(outcomes))
    print(circumstances([case(seed) for seed in range(given.first, given.first + given.runs)]))
    print(f"good hedges stripped: {stripped}")
    print(f"{given.runs} lives in {time.monotonic() - began:.0f} s ({given.jobs} jobs): {failed} failed")
    return 1 if failed else 0


def table(outcomes: list[Outcome]) -> str:
    """Return, by kind: how often, seconds until neutral in all and with nothing in the way, XBT·s and XBT naked."""
    head = f"{'':<32}{'':>5}{'s until neutral':>24}{'s, unhindered':>24}{'XBT·s':>18}{'XBT':>8}"
    columns = ("n", *("median", "p95", "max") * 2, "median", "max", "worst")
    widths = (5, *(8,) * 6, 9, 9, 8)
    lines = [
        head,
        " " * 32 + "".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True)),
    ]
    for kind in Kind:
        of = [each for each in outcomes if each.kind is kind]
        if not of:
            continue
        cells = [str(len(of))]
        for values in ([each.seconds for each in of], [each.longest for each in of]):
            cells += [f"{median(values):.1f}", f"{_percentile(values):.1f}", f"{max(values):.1f}"]
        naked = [each.naked for each in of]
        cells += [f"{median(naked):.1f}", f"{max(naked):.1f}", f"{max(each.worst for each in of):.2f}"]
        lines.append(
            f"{kind:<32}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    lines.append(
        f"unhindered: both markets trade, links and bot are up, nobody is waited for; at most {LIMIT:.0f} s"
    )
    return "\n".join(lines)


def circumstances(cases: list[Case]) -> str:
    """Return how many of the lives were of each sort, in one line."""
    sorts = {
        "long-inverse": [each.direction is Direction.LONG_INVERSE for each in cases],
        "CME closes": [each.closes is not None for each in cases],
        "a person answers tickets": [each.reads is not None for each in cases],
        "killed near the strike": [each.crash is not None for each in cases],
        "killed while it answers": [each.crash_at_work is not None for each in cases],
        "a link is cut": [bool(each.cuts) for each in cases],
        "faults": [any(rates.rates for rates in each.setting.rates) for each in cases],
    }
    return f"of {len(cases)}: " + ", ".join(f"{name} {sum(of)}" for name, of in sorts.items())


def _percentile(values: list[float]) -> float:
    return sorted(values)[min(int(len(values) * 0.95), len(values) - 1)]


def _lives(seeds: range, jobs: int) -> Iterator[Lived]:
    if jobs == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=quiet) as pool:
        yield from pool.map(run, seeds, chunksize=4)


if __name__ == "__main__":
    sys.exit(main())
