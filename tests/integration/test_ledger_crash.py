"""Killed in the middle of its appends, a ledger is whole, and holds everything it called durable."""

import random
import subprocess
import sys
from pathlib import Path

from adapters.clock import SystemClock
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger, read_events
from bot.model.events import FillBooked, InstrumentLoaded
from tests.unit.ledger.story import XBTUSD

_ROOT = Path(__file__).parents[2]

# Appends without end; prints what it knows to be durable, and nothing else.
_CHILD = """
import asyncio, sys
from pathlib import Path
from adapters.clock import SystemClock
from bot.ledger.writer import Ledger
from bot.model.events import InstrumentLoaded
from risk.orders import Side
from tests.unit.ledger.story import T0, XBTUSD, fill, xbt

async def main() -> None:
    with Ledger.open(Path(sys.argv[1]), SystemClock()) as ledger:
        ledger.append(InstrumentLoaded(XBTUSD), T0)
        while True:
            for _ in range(7):
                number = ledger.seq + 1
                side = Side.BUY if number % 3 else Side.SELL
                last = ledger.append(fill(f"e{number}", XBTUSD, side, 300, "8000.5", fee=xbt(number)), T0)
                ledger.wake()
                await asyncio.sleep(0)
            await ledger.durable(last.seq)
            print(last.seq, flush=True)

asyncio.run(main())
"""


def _killed_after(path: Path, lines: int) -> int:
    """Run the child until it has printed ``lines`` lines, kill it, return the last number it called durable."""
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(path)], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout as out:
        durable = 0
        for _ in range(lines):
            durable = int(out.readline())
        child.kill()
        # What it printed between the last line read and its death counts too.
        rest = [line for line in out.read().split("\n")[:-1] if line]
        assert child.wait() == -9
    return int(rest[-1]) if rest else durable


def test_a_killed_writer_loses_nothing_it_called_durable(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    chance = random.Random(7)
    before = 0
    for _ in range(3):
        durable = _killed_after(path, chance.randint(3, 40))
        assert durable > before

        # As it was left, without anybody repairing it first.
        result = verify(path)
        assert result.problems == ()
        assert result.events >= durable

        events = list(read_events(path))
        assert [recorded.seq for recorded in events] == list(range(1, result.events + 1))
        fills = [recorded for recorded in events if isinstance(recorded.event, FillBooked)]
        assert len(fills) + sum(recorded.event == InstrumentLoaded(XBTUSD) for recorded in events) == len(
            events
        )
        for recorded in fills:
            assert isinstance(recorded.event, FillBooked)
            assert recorded.event.fill.execution_id == f"e{recorded.seq}"

        # The lock died with its holder, and the chain goes on.
        with Ledger.open(path, SystemClock()) as ledger:
            assert (ledger.seq, ledger.head) == (result.events, result.head)
        before = result.events
