"""Both simulators in one process: ``python -m adapters.simulator.launch --bitmex-port 0 --tws-port 0``.

When both servers listen, one line of JSON goes to stdout: ``{"bitmex_port": …, "tws_port": …, "pid": …}``; with
``--referee-port``, its port too, and at the end a second line, how often each fault happened.
SIGTERM, SIGINT and, with ``--exit-with-parent``, the end of stdin stop it. Exit codes: 0 stopped, 2 usage or
scenario, 3 a port that cannot be bound; the reason is one line on stderr.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn, TextIO

from adapters.clock import Clock, SystemClock
from adapters.simulator.bitmex.auth import Permission
from adapters.simulator.bitmex.recorder import Recorder
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.faults import FaultPlan
from adapters.simulator.referee import Counts, Referee
from adapters.simulator.scenario import Scenario, ScenarioError
from adapters.simulator.scenario_file import load
from adapters.simulator.shifted_clock import shifted
from adapters.simulator.tws.server import TwsServer
from adapters.simulator.world import build

HOST = "127.0.0.1"
EXIT_USAGE = 2
EXIT_PORT = 3


@dataclass(frozen=True, slots=True)
class Listening:
    """The ports both servers were given, and the process that serves them; the referee's if it was asked for."""

    bitmex_port: int
    tws_port: int
    pid: int
    referee_port: int | None = None


class RecordUnavailable(Exception):
    """The file to record in cannot be written; ``str(error)`` is one line that says which and why."""


class PortUnavailable(Exception):
    """A port that cannot be bound; ``str(error)`` is one line that says which and why."""


async def run(
    scenario: Scenario,
    bitmex_port: int,
    tws_port: int,
    ready: Callable[[Listening], None],
    clock: Clock | None = None,
    *,
    referee_port: int | None = None,
    ended: Callable[[Counts], None] = lambda counts: None,
    record: Path | None = None,
) -> None:
    """Serve a scenario on loopback until cancelled; port 0 takes any free one. Calls ``ready`` once.

    With a referee, its port is served too, and ``ended`` told at the end how often each fault happened.
    ``record``: a file to write down in what the BitMEX server answers and tells.

    Raises PortUnavailable, RecordUnavailable, and ScenarioError for contracts that cannot be traded.
    """
    clock = clock or SystemClock()
    world = build(scenario, clock)
    inverse_faults = FaultPlan(scenario.inverse.faults, scenario.seed, clock)
    linear_faults = FaultPlan(scenario.linear.faults, scenario.seed, clock)
    async with AsyncExitStack() as servers:
        recorder = None if record is None else Recorder(servers.enter_context(_written(record)))
        rights = (
            (Permission.ORDER, Permission.WITHDRAW) if scenario.inverse.may_withdraw else (Permission.ORDER,)
        )
        bitmex = BitmexServer(
            world.inverse,
            shifted(clock, scenario.inverse.clock_ahead),
            permissions=rights,
            api_key=scenario.inverse.api_key,
            api_secret=scenario.inverse.api_secret,
            account=scenario.inverse.account,
            latency_ms=scenario.inverse.latency // timedelta(milliseconds=1),
            sheds_load=scenario.inverse.sheds_load,
            faults=inverse_faults,
            recorder=recorder,
        )
        tws = TwsServer(
            world.linear,
            shifted(clock, scenario.linear.clock_ahead),
            scenario.linear.account,
            latency_ms=scenario.linear.latency // timedelta(milliseconds=1),
            faults=linear_faults,
            index_service=scenario.linear.indices,
        )
        bound_bitmex = await _bind(bitmex.start, bitmex_port)
        servers.push_async_callback(bitmex.stop)
        bound_tws = await _bind(tws.start, tws_port)
        servers.push_async_callback(tws.stop)
        bound_referee = None
        if referee_port is not None:
            plans = {world.inverse.name: inverse_faults, world.linear.name: linear_faults}
            referee = Referee(world, plans)
            bound_referee = await _bind(referee.start, referee_port)
            servers.push_async_callback(referee.stop)
            servers.callback(lambda: ended(referee.counts()))
        ready(Listening(bound_bitmex, bound_tws, os.getpid(), bound_referee))
        await world.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        scenario = Scenario() if options.scenario is None else load(options.scenario)
        if options.seed is not None:
            scenario = replace(scenario, seed=options.seed)
        if options.data is not None:
            scenario = replace(scenario, market=replace(scenario.market, data=options.data))
        asyncio.run(_serve(scenario, options))
    except _UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except ScenarioError as error:
        return _fail(str(error), EXIT_USAGE)
    except RecordUnavailable as error:
        return _fail(str(error), EXIT_USAGE)
    except PortUnavailable as error:
        return _fail(str(error), EXIT_PORT)
    return 0


def _written(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise RecordUnavailable(f"--record {path}: cannot be written: {error.strerror}") from error


async def _bind(start: Callable[[str, int], Awaitable[int]], port: int) -> int:
    try:
        return await start(HOST, port)
    except OSError as error:
        raise PortUnavailable(f"cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}") from error


async def _serve(scenario: Scenario, options: argparse.Namespace) -> None:
    """Serve until a signal, or the end of stdin if asked; whatever else ends the serving is raised."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(
        run(
            scenario,
            options.bitmex_port,
            options.tws_port,
            _announce,
            referee_port=options.referee_port,
            ended=lambda counts: _say({"faults": counts}),
            record=options.record,
        )
    )
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if options.exit_with_parent:
        threading.Thread(target=_await_end_of_stdin, args=(loop, stop), daemon=True).start()
    try:
        await serving
    except asyncio.CancelledError:
        if not stopped:
            raise


def _announce(listening: Listening) -> None:
    _say({name: value for name, value in asdict(listening).items() if value is not None})


def _say(told: object) -> None:
    with suppress(OSError):  # whoever started it may have gone
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _await_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Read stdin to its end (a file descriptor that is not open has ended), then stop."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    try:
        loop.call_soon_threadsafe(stop)
    except RuntimeError:
        return  # the loop has closed: it stopped by itself


class _UsageError(Exception):
    """What is wrong with the command line, in one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m adapters.simulator.launch",
        description="Serve the simulated BitMEX and TWS on loopback.",
    )
    parser.add_argument("--bitmex-port", type=_port, default=0, help="0, the default, takes any free one")
    parser.add_argument("--tws-port", type=_port, default=0, help="0, the default, takes any free one")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="what to start from (TOML)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="play recorded prices (CSV, also gzip)")
    parser.add_argument("--seed", type=_seed, help="of the market; takes the place of the scenario's")
    parser.add_argument(
        "--referee-port", type=_port, help="serve the exchanges' own books, for tests; 0 takes any free one"
    )
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write down all that the BitMEX server says (JSON lines)"
    )
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when stdin ends")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"not a port (0 to 65535): {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"not a seed (a whole number from 0): {text!r}")
    return int(text)


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
