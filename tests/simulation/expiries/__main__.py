"""The expiries of December 2026 and March 2027 run through, both ways, in virtual time: ``make expiries``.

For each case Δ over time, what is held and what is said; then what settled at which price, what was gained beside a
reckoning by hand, and in the end a line for each case.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

from tests.simulation.expiries.cases import Case, cases
from tests.simulation.expiries.life import Run, play


def table(run: Run) -> str:
    """Return Δ over time: without what is fixed of a settlement, and as the books show it."""
    ends = ", ".join(f"{symbol} {end:%a %F %R}Z" for symbol, end in _ends(run.case))
    lines = [f"== {run.case}; ends: {ends}", f"{'UTC':<12} {'index':>9} {'Δ XBT':>9} {'books':>9}  held"]
    for row in run.rows:
        held = " ".join(f"{symbol} {contracts:+}" for symbol, contracts in row.held) or "nothing"
        lines.append(
            f"{row.at:%m-%d %H:%M}  {row.index:9.2f} {row.naked:+9.4f} {row.books:+9.4f}  {held:<40} "
            f"{', '.join(row.said)}".rstrip()
        )
    for symbol, (price, by_hand) in run.settled.items():
        lines.append(f"settled: {symbol} at {price}, by hand {by_hand}")
    lines.append(
        f"gained {run.gained:+.2f} USD, by hand {run.by_hand:+.2f} (the index moved under {run.hours:.3f} XBT·h of Δ)"
    )
    return "\n".join([*lines, *(f"WRONG: {problem}" for problem in run.problems)])


def _ends(case: Case) -> Iterator[tuple[str, object]]:
    for spec in sorted((case.linear[0], case.inverse[0]), key=lambda each: str(each.expiry)):
        if spec.expiry is not None:
            yield spec.symbol, spec.expiry


def summary(runs: Sequence[Run]) -> str:
    lines = [f"{'':<72}{'Δ max':>8}{'XBT·h':>9}{'gained':>11}{'by hand':>11}  left"]
    for run in runs:
        left = " ".join(f"{symbol} {contracts:+}" for symbol, contracts in run.held.items()) or "nothing"
        lines.append(
            f"{run.case!s:<72}{run.worst:8.4f}{run.hours:9.3f}{run.gained:+11.2f}{run.by_hand:+11.2f}  {left}"
            + "".join(f"\n  WRONG: {problem}" for problem in run.problems)
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make expiries", description=__doc__)
    parser.add_argument("--case", type=int, action="append", help="only this one; several times: these")
    parser.add_argument("--hours", type=float, help="begin so long before the first end (default: 10 days)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--brief", action="store_true", help="only the line of each case")
    given = parser.parse_args(arguments)
    every = list(cases())
    wanted = every if given.case is None else [every[number] for number in given.case]
    before = [None if given.hours is None else timedelta(hours=given.hours)] * len(wanted)
    runs = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for run in pool.map(play, wanted, before):
            runs.append(run)
            if not given.brief:
                print(table(run), end="\n\n", flush=True)
    print(summary(runs))
    return 1 if any(run.problems for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
