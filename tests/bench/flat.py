"""From the flatten command to flat, as the venues confirm it: processes, sockets and all.

    python -m tests.bench.flat [--times 3] [--json FILE]

Each time the demonstration's simulators run, the bot opens a spread, and the command is typed while the bot runs. Its
own start is part of the time, as it is for whoever types it. *flat* is the command's own report: it has asked the
venues until both said so. *exit* is when it was back at the prompt.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Row, table, write
from tests.e2e.bench import home


def _once(number: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="flat-") as folder, home(Path(folder)) as it:
        sim = it.sim()
        profile = it.profile("flat", sim.bitmex, sim.tws)
        bot = it.bot(profile)
        bot.trade()
        bot.approve_all(bot.open("2", 1))
        began = time.monotonic()
        done = it.basisbot("flatten", "--yes", "--json", "--profile", profile)
        took = time.monotonic() - began
        if done.code != 0:
            raise RuntimeError(f"flatten ended with {done.code}: {done.out}{done.err}")
        told = done.json
        return {"run": number, "flat": str(told["flat"]), "exit_s": round(took, 2)}


def measure(times: int = 3) -> Row:
    """Flatten a spread of 2 XBT ``times`` times; return and print the figures."""
    rows = [_once(number) for number in range(1, times + 1)]
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
