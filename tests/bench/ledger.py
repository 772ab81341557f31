"""How fast the ledger writes, and how long a start takes as it grows.

    python -m tests.bench.ledger [--sizes 10000,100000,1000000] [--json FILE] [--dir FOLDER]

Durable events a second: appended, and waited for, one by one and in groups. Then, for each size, a history of so many
fills is written, and a process of its own opens it and takes its state: from the snapshot, and, up to the size
``--whole`` gives, by folding the whole chain as after an update of the program.
"""

import argparse
import asyncio
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from adapters.clock import SystemClock
from bot.ledger.writer import Ledger
from tests.bench.history import history

_GROUPS = (1, 16, 100)
_SECONDS = 2.0
_IN_FLIGHT = 400

Row = dict[str, Any]


async def _rate(folder: Path, group: int, seconds: float) -> Row:
    """Append ``group`` events, wait until they are on the disk, and again."""
    events = (event for _, turn in history(10**9) for event in turn)
    done = 0
    with Ledger.open(folder / f"rate-{group}.db", SystemClock()) as ledger:
        at = SystemClock().now()
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            ledger.append_all([next(events) for _ in range(group)], at)
            await ledger.durable(ledger.seq)
            done += group
        took = time.perf_counter() - begun
    return {"group": group, "events": done, "events_a_second": round(done / took)}


async def _write(path: Path, fills: int) -> Row:
    begun = time.perf_counter()
    with Ledger.open(path, SystemClock()) as ledger:
        for at, events in history(fills):
            ledger.append_all(events, at)
            if ledger.seq - ledger.committed > _IN_FLIGHT:
                await ledger.durable(ledger.seq)
        events_written = ledger.seq
    took = time.perf_counter() - begun
    return {
        "fills": fills,
        "events": events_written,
        "write_seconds": round(took, 1),
        "events_a_second": round(events_written / took),
    }


def _start(path: Path) -> Row:
    """Open a ledger and take its state, in this process; say how long, and how much memory all of it took."""
    begun = time.perf_counter()
    ledger = Ledger.open(path, SystemClock())
    state = ledger.state()
    took = time.perf_counter() - begun
    plans, orders = len(state.plans), len(state.orders)
    ledger.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": round(took, 3), "peak_mib": round(peak), "plans": plans, "orders": orders}


def _started(path: Path) -> Row:
    command = [sys.executable, "-m", "tests.bench.ledger", "--start", str(path)]
    row: Row = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )
    return row


def _forget_snapshot(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM snapshot")
        database.commit()


def measure(folder: Path, sizes: list[int], whole: int, seconds: float) -> Row:
    rates = [asyncio.run(_rate(folder, group, seconds)) for group in _GROUPS]
    for rate in rates:
        print(f"durable, {rate['group']:>3} at a time: {rate['events_a_second']:>8,} events/s", flush=True)
    ledgers = []
    print("\n     fills      events  written/s   file MiB   start s  peak MiB   whole chain s  peak MiB")
    for fills in sizes:
        path = folder / f"{fills}.db"
        row = asyncio.run(_write(path, fills))
        row["file_mib"] = round(path.stat().st_size / 2**20, 1)
        row["start"] = _started(path)
        line = (
            f"{fills:>10,}  {row['events']:>10,}  {row['events_a_second']:>9,}  {row['file_mib']:>9,}"
            f"  {row['start']['seconds']:>8}  {row['start']['peak_mib']:>8}"
        )
        if fills <= whole:
            _forget_snapshot(path)
            row["whole_chain"] = _started(path)
            line += f"  {row['whole_chain']['seconds']:>14}  {row['whole_chain']['peak_mib']:>8}"
        print(line, flush=True)
        ledgers.append(row)
        path.unlink()
    return {"durable": rates, "ledgers": ledgers}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the ledger.")
    parser.add_argument("--sizes", default="10000", help="fills, comma between")
    parser.add_argument(
        "--whole", type=int, default=100_000, help="up to this size, fold the whole chain too"
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for each rate")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--dir", type=Path, help="where the ledgers are made (a disk like the real one)")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.start is not None:
        print(json.dumps(_start(given.start)))
        return
    folder = Path(tempfile.mkdtemp(prefix="ledger-bench-", dir=given.dir))
    try:
        found = measure(folder, [int(size) for size in given.sizes.split(",")], given.whole, given.seconds)
    finally:
        shutil.rmtree(folder)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
