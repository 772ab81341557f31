"""The simulators as a process of the bot's: what they say is read, and their end is noticed."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.errors import Unreachable
from bot.runtime.simulators import simulators
from config.errors import ConfigError

QUOTES = "timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask"
ROW = "2019-05-28T18:23:0{second}Z,8756.5,8757.0,8953.0,8953.5"


def test_what_they_say_on_standard_error_never_holds_them_up() -> None:
    """A pipe takes 64 KiB: a writer whose reader has stopped stands still after that."""
    told = 300_000

    def write(pid: int) -> int:
        with open(f"/proc/{pid}/fd/2", "wb", buffering=0) as pipe:
            return sum(pipe.write(b"w" * 99 + b"\n") for _ in range(told // 100))

    async def main() -> int:
        async with simulators() as venues:
            return await asyncio.wait_for(asyncio.to_thread(write, venues.pid), 10)

    assert asyncio.run(main()) == told


def test_work_ends_with_the_simulators_and_in_their_words(tmp_path: Path) -> None:
    data = tmp_path / "recorded.csv"
    data.write_text("\n".join([QUOTES, *(ROW.format(second=n) for n in range(2)), "rubbish"]) + "\n")
    cancelled = False

    async def work() -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise

    async def main() -> None:
        async with simulators([f"--data={data}"]) as venues:
            await venues.serve(work())

    with pytest.raises(ConfigError, match="line 4: 1 columns instead of 5"):
        asyncio.run(main())
    assert cancelled


def test_simulators_that_die_without_a_word_are_unreachable() -> None:
    async def main() -> None:
        async with simulators() as venues:
            os.kill(venues.pid, signal.SIGKILL)
            await venues.serve(asyncio.sleep(60))

    with pytest.raises(Unreachable, match=r"they said nothing and ended \(exit code -9\)"):
        asyncio.run(main())


def test_what_the_work_returns_or_raises_passes_through() -> None:
    async def fine() -> int:
        return 7

    async def fails() -> None:
        raise KeyError("lost")

    async def main() -> None:
        async with simulators() as venues:
            assert await venues.serve(fine()) == 7
            with pytest.raises(KeyError, match="lost"):
                await venues.serve(fails())

    asyncio.run(main())


@pytest.mark.parametrize("command", [["demo", "--auto-approve"], ["sim", "--bitmex-port=0", "--tws-port=0"]])
def test_a_recording_that_is_none_is_one_line(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for name, words in (("missing.csv", "file"), ("other.csv", "unknown columns: a,b")):
        done = subprocess.run(
            [sys.executable, "-m", "bot", *command, "--data", tmp_path / name],
            capture_output=True,
            text=True,
            timeout=90,
            env={**os.environ, "BASISBOT_HOME": str(tmp_path / "home")},
            check=False,
        )
        assert done.returncode == 2, done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert words in done.stderr
        assert name in done.stderr
