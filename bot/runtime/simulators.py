"""The simulators as a process of their own."""

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

from adapters.errors import Unreachable
from config.errors import ConfigError, Problem

log = structlog.get_logger("simulators")

_START_WITHIN = 30.0
_STOP_WITHIN = 5.0
_EXIT_USAGE = 2  # adapters.simulator.launch
_LINES_KEPT = 20
_LONGEST_LINE = 2**20
T = TypeVar("T")


class Simulators:
    """The running process. ``bitmex``, ``tws``: the ports the venues listen on, on loopback."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("a process with pipes has them")
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._words: deque[str] = deque(maxlen=_LINES_KEPT)
        # From the start, and to the end: a pipe that nobody reads fills up, and its writer stands still.
        self._listening = asyncio.create_task(self._listen(process.stderr))
        self.bitmex = self.tws = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self) -> None:
        """Wait until both venues listen. Raises ConfigError, Unreachable."""
        try:
            told = json.loads(await asyncio.wait_for(self._stdout.readline(), _START_WITHIN))
            self.bitmex, self.tws = int(told["bitmex_port"]), int(told["tws_port"])
        except (TimeoutError, ValueError, KeyError, TypeError) as error:
            if self._process.returncode is None and not self._stdout.at_eof():
                self._process.terminate()
            await self._end("start", error)

    async def serve(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work``; if the simulators end before it, it is cancelled. Raises ConfigError, Unreachable then."""
        task, end = asyncio.ensure_future(work), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await self._end("serve")
            return task.result()
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    async def stop(self) -> None:
        self._stdin.close()
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_WITHIN)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._listening

    async def _end(self, attempted: str, cause: BaseException | None = None) -> None:
        """Wait for the end of the process, and raise what it said."""
        code = await self._process.wait()
        await self._listening
        told = self._words[-1] if self._words else f"they said nothing and ended (exit code {code})"
        if code == _EXIT_USAGE:
            raise ConfigError(Problem("simulators", "", told)) from cause
        raise Unreachable("simulators", attempted, told) from cause

    async def _listen(self, pipe: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await pipe.readline()
            except ValueError:
                continue  # longer than any line should be; it has been thrown away
            if not line:
                return
            if text := line.decode(errors="replace").rstrip():
                self._words.append(text)
                log.warning(text)


@asynccontextmanager
async def simulators(arguments: Sequence[str] = ()) -> AsyncIterator[Simulators]:
    """Start both simulators on free ports; they end with the block, or with this process if it dies.

    With their own words, raises ConfigError for a scenario they refuse, Unreachable when else they do not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.simulator.launch",
        "--bitmex-port=0",
        "--tws-port=0",
        "--exit-with-parent",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Ctrl-C is for the bot; it ends the simulators last, when it no longer needs them.
        start_new_session=True,
    )
    running = Simulators(process)
    try:
        await running.ready()
        yield running
    finally:
        await running.stop()
