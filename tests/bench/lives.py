"""How many simulated runs a minute: the decisions alone, and the whole bot in virtual time.

python -m tests.bench.lives [--seconds 10] [--json FILE]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.figures import Row, table, write
from tests.property.core_runs import run as run_core
from tests.simulation.whole.life import quiet
from tests.simulation.whole.life import run as run_whole


def _rate(what: str, run: Callable[[int], object], seconds: float, aim: int) -> Row:
    done, began, worked = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        run(done)
        done += 1
    took, work = time.perf_counter() - began, time.process_time() - worked
    return {
        "tier": what,
        "runs": done,
        "a_minute": round(60 * done / took),
        "a_cpu_minute": round(60 * done / work),
        "aim": aim,
    }


def measure(seconds: float = 10.0) -> Row:
    """Run each tier for ``seconds`` in this one process; return and print the figures."""
    quiet()
    rows = [
        _rate("decisions alone", run_core, seconds, 2_000),
        _rate("whole bot, virtual time", run_whole, seconds, 200),
    ]
    print(table("simulated runs", rows), flush=True)
    return {"lives": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    write(given.json, measure(given.seconds))


if __name__ == "__main__":
    main()
