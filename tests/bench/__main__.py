"""Every measurement: ``python -m tests.bench [--only NAME,NAME] [--quick] [--json FILE]`` (``make bench``).

Figures are of this machine at this moment: run them when nothing else does. What stands beside each other in one table
was measured in one run, and can be compared even on a busy machine.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import flat, hedge, ledger, lives, naked, starts
from tests.bench.figures import Row, write


def _ledger(*, quick: bool) -> Row:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sizes, seconds = ([800], 0.2) if quick else ([10_000, 100_000], 2.0)
        return ledger.measure(Path(folder), sizes, sizes[-1], seconds)


PARTS: dict[str, Callable[[bool], Row]] = {
    "hedge": lambda quick: hedge.measure(20 if quick else 200),
    "naked": lambda quick: naked.measure(2 if quick else 12),
    "ledger": lambda quick: _ledger(quick=quick),
    "flatten": lambda quick: flat.measure(1 if quick else 3),
    "lives": lambda quick: lives.measure(1.0 if quick else 10.0),
    "starts": lambda quick: starts.measure(1 if quick else 5),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="as few of each as show that it works")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = parser.parse_args()
    wanted = given.only.split(",")
    if strange := sorted(set(wanted) - PARTS.keys()):
        parser.error(f"no measurement {', '.join(strange)}: there are {', '.join(PARTS)}")
    figures: Row = {}
    for name in wanted:
        figures |= PARTS[name](given.quick)
    write(given.json, figures)


if __name__ == "__main__":
    main()
