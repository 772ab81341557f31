"""How long commands take to start, and how much memory a process of each kind holds.

python -m tests.bench.starts [--times 5] [--json FILE]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Row, table, write
from tests.e2e.bench import Process, home

COMMANDS = (("--help",), ("config", "show"), ("calc", "--help"), ("status",), ("ledger", "verify"))


def _command(arguments: Sequence[str], times: int, data: Path) -> Row:
    """Run a command again and again, the first time not counted; what it answers is not of interest."""
    env = {**os.environ, "BASISBOT_HOME": str(data)}
    took, worked = [], []
    for _ in range(times + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bot", *arguments], capture_output=True, env=env, check=False)
        took.append(time.perf_counter() - began)
        worked.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    ranked, work = sorted(took[1:]), sorted(worked[1:])
    return {
        "what": " ".join(arguments),
        "best_s": round(ranked[0], 3),
        "median_s": round(ranked[len(ranked) // 2], 3),
        "cpu_s": round(work[0], 3),
    }


def _resident(process: Process) -> int:
    """Return the resident set of a process, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    kib = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return int(kib) // 1024


def _processes() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="starts-") as folder, home(Path(folder)) as it:
        began = time.perf_counter()
        sim = it.sim()
        simulators = time.perf_counter() - began
        profile = it.profile("starts", sim.bitmex, sim.tws)
        began = time.perf_counter()
        bot = it.bot(profile)
        started = time.perf_counter() - began
        bot.trade()
        active = time.perf_counter() - began
        return [
            {"what": "simulators listen", "best_s": round(simulators, 2), "mib": _resident(sim.process)},
            {"what": "bot serves", "best_s": round(started, 2), "mib": _resident(bot.process)},
            {"what": "bot ACTIVE", "best_s": round(active, 2), "mib": _resident(bot.process)},
        ]


def measure(times: int = 5) -> Row:
    """Start everything ``times`` times; return and print the figures."""
    with tempfile.TemporaryDirectory(prefix="starts-") as folder:
        rows = [_command(arguments, times, Path(folder)) for arguments in COMMANDS]
    rows += _processes()
    print(table("start-up", rows), flush=True)
    return {"starts": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    write(given.json, measure(given.times))


if __name__ == "__main__":
    main()
