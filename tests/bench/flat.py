"""From the flatten command to flat, as the venues confirm it: processes, sockets and all.

    python -m tests.bench.flat [--times 3] [--json FILE]

The states beside a bot of ``tests/e2e/flatten_states`` (``make flatten-states`` has them all), again and again:
``seconds`` from the command, its own start included, to the venues' word that it is flat; ``within`` since it had
connected.
"""

import argparse
import tempfile
from pathlib import Path

from tests.bench.figures import Row, table, write
from tests.e2e.flatten_states import Shown, beside_a_bot


def _once(number: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="flat-") as folder:
        shown: list[Shown] = list(beside_a_bot(Path(folder)))
    return [
        {
            "run": number,
            "state": one.state,
            "orders": one.orders,
            "seconds": round(one.seconds, 2),
            "within": None if one.within is None else round(one.within, 2),
        }
        for one in shown
    ]


def measure(times: int = 3) -> Row:
    """Flatten ``times`` times; return and print the figures."""
    rows = [row for number in range(1, times + 1) for row in _once(number)]
    print(table("flatten, typed to confirmed flat", rows), flush=True)
    return {"flatten": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    write(given.json, measure(given.times))


if __name__ == "__main__":
    main()
