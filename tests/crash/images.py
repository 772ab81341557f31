"""What a power cut leaves of a ledger: copies of its files taken while a writer writes, cut and torn at the end."""

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WAL, SHM = "-wal", "-shm"

# Appends turns of one to eight events without end; prints what it knows to be durable, and nothing else.
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
        while ledger.seq < int(sys.argv[2]):
            for size in range(1, 9):
                turn = []
                for number in range(ledger.seq + 1, ledger.seq + 1 + size):
                    side = Side.BUY if number % 3 else Side.SELL
                    turn.append(fill(f"e{number}", XBTUSD, side, 300, "8000.5", fee=xbt(number)))
                ledger.append_all(turn, T0)
                ledger.wake()
                await asyncio.sleep(0.001)
                if size % 3 == 0:
                    await ledger.durable(ledger.seq)
                    print(ledger.seq, flush=True)
        await ledger.durable(ledger.seq)
        print(ledger.seq, flush=True)
        while True:
            await asyncio.sleep(60)

asyncio.run(main())
"""


@dataclass(frozen=True)
class Image:
    """``acknowledged``: the last event the writer had called durable before the copy began."""

    path: Path
    acknowledged: int


class Writer:
    """A process that writes a ledger of ``events`` events, and can be stopped dead at any instant."""

    def __init__(self, path: Path, events: int) -> None:
        self.path = path
        self._acknowledged = 0
        self._said = b""
        self._child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path), str(events)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert self._child.stdout is not None
        self._out = self._child.stdout
        os.set_blocking(self._out.fileno(), False)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait(10)
        self._out.close()

    @property
    def acknowledged(self) -> int:
        """The last event it has called durable so far."""
        self._said += self._out.read() or b""
        *lines, self._said = self._said.split(b"\n")
        if lines:
            self._acknowledged = int(lines[-1])
        return self._acknowledged

    def wait_for(self, events: int) -> None:
        deadline = time.monotonic() + 60
        while self.acknowledged < events:
            assert self._child.poll() is None, "the writer has ended"
            assert time.monotonic() < deadline, f"{self.acknowledged} of {events} events"
            time.sleep(0.001)

    def image(self, target: Path, *, with_shm: bool) -> Image:
        """Copy the files as they are at one instant: the writer stands still meanwhile."""
        self._child.send_signal(signal.SIGSTOP)
        try:
            while not self._is_stopped():
                time.sleep(0.0002)
            acknowledged = self.acknowledged
            for suffix in ("", WAL, SHM) if with_shm else ("", WAL):
                source = Path(f"{self.path}{suffix}")
                if source.exists():
                    shutil.copyfile(source, f"{target}{suffix}")
            return Image(target, acknowledged)
        finally:
            self._child.send_signal(signal.SIGCONT)

    def _is_stopped(self) -> bool:
        # Every thread of it: the one that writes is not the one that answers for the process.
        tasks = Path(f"/proc/{self._child.pid}/task")
        return all(
            (task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir()
        )


@dataclass(frozen=True)
class Wal:
    """A write-ahead log: where its valid frames end, and each whole transaction."""

    size: int
    frames: int
    frames_end: int
    commits: tuple[int, ...]

    @property
    def committed_end(self) -> int:
        return self.commits[-1]

    @classmethod
    def read(cls, path: Path) -> "Wal":
        """Read it as SQLite's file format says: a header of 32 bytes, frames of 24 and a page, salts that match."""
        data = path.read_bytes() if path.exists() else b""
        if len(data) < 32:
            return cls(len(data), 0, len(data), (0,))
        page_size = struct.unpack(">I", data[8:12])[0]
        salts, place, commits = data[16:24], 32, [32]
        frames = 0
        while place + 24 + page_size <= len(data) and data[place + 8 : place + 16] == salts:
            is_commit = struct.unpack(">I", data[place + 4 : place + 8])[0] != 0
            place += 24 + page_size
            frames += 1
            if is_commit:
                commits.append(place)
        return cls(len(data), frames, place, tuple(commits))


def cut(image: Path, target: Path, length: int, tear: int = 0, noise: int = 0) -> None:
    """Copy an image with its log cut to ``length`` bytes, the last ``tear`` of them overwritten (by ``noise``)."""
    shutil.copyfile(image, target)
    data = bytearray(Path(f"{image}{WAL}").read_bytes()[:length])
    if tear:
        tear = min(tear, len(data))
        data[len(data) - tear :] = random.Random(noise).randbytes(tear) if noise else bytes(tear)
    Path(f"{target}{WAL}").write_bytes(data)


def remove(image: Path) -> None:
    for suffix in ("", WAL, SHM, ".lock"):
        Path(f"{image}{suffix}").unlink(missing_ok=True)


def check(image: Path, at_least: int, truth: Sequence[str]) -> Iterator[str]:
    """Open what was left and prove it; yield what is wrong. ``truth``: the chain's hashes, as it went on."""
    # Imported late: the module is also run by those who only cut.
    from adapters.clock import SystemClock
    from bot.ledger.errors import LedgerError
    from bot.ledger.verify import verify
    from bot.ledger.writer import Ledger
    from bot.model.events import InstrumentLoaded
    from bot.orders.fold import apply
    from bot.orders.state import BotState
    from tests.unit.ledger.story import T0, XBTUSD

    try:
        with Ledger.open(image, SystemClock()) as ledger:
            found = ledger.seq
            if found < at_least:
                yield f"{found} events, {at_least} were acknowledged"
            if found > len(truth) or (found and ledger.head != truth[found - 1]):
                yield f"event {found} is not on the true chain"
            state = BotState()
            for entry in ledger.events():
                apply(state, entry.event, entry.at)
            ledger.append(InstrumentLoaded(XBTUSD), T0)
        result = verify(image)
        yield from result.problems
        if result.events != found + 1:
            yield f"{result.events} events where one was appended to {found}"
    except LedgerError as error:
        yield str(error)
