"""The simulators as a process of their own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.errors import Unreachable
from config.errors import ConfigError, Problem

_START_WITHIN = 30.0
_STOP_WITHIN = 5.0
_EXIT_USAGE = 2  # adapters.simulator.launch


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the simulated venues listen, on loopback, and which process they are."""

    bitmex: int
    tws: int
    pid: int


@asynccontextmanager
async def simulators(arguments: Sequence[str] = ()) -> AsyncIterator[Ports]:
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
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Ctrl-C is for the bot; it ends the simulators last, when it no longer needs them.
        start_new_session=True,
    )
    if process.stdout is None or process.stderr is None or process.stdin is None:
        raise RuntimeError("a process with pipes has them")
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_WITHIN)
            told = json.loads(line)
            ports = Ports(int(told["bitmex_port"]), int(told["tws_port"]), int(told["pid"]))
        except (TimeoutError, ValueError, KeyError, TypeError) as error:
            if process.returncode is None and not process.stdout.at_eof():
                process.terminate()
            words = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
            told = words[-1] if words else "they said nothing and did not start"
            if await process.wait() == _EXIT_USAGE:
                raise ConfigError(Problem("simulators", "", told)) from error
            raise Unreachable("simulators", "start", told) from error
        yield ports
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
