"""``basisbot demo`` from the command line: empty books, simulators of its own, progress for people."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from adapters.clock import RandomIds, SystemClock
from bot.model.describe import describe
from bot.model.events import InstrumentLoaded, OrderBelieved, Recorded
from bot.runtime import unattended
from bot.runtime.archive import put_aside
from bot.runtime.demo import Report, demonstrate
from bot.runtime.files import Files
from bot.runtime.logs import logging_to
from bot.runtime.simulators import simulators
from config.errors import ConfigError, Problem
from config.load import load_profile
from config.settings import Mode, Settings

# The simulated accounts hold what a spread of any size needs: margin at the broker, and a tenth of it in XBT.
_CASH_PER_XBT = 150_000
_QUIET = (OrderBelieved, InstrumentLoaded)


async def run_demo(
    profile: str,
    *,
    auto_approve: bool,
    seconds: float | None,
    seed: int | None,
    scenario: Path | None,
    data: Path | None,
    record: Path | None,
    json: bool,
    plan: Mapping[str, object] | None = None,
    asleep: bool = False,
) -> Report:
    """Run the demonstration. ``plan``: what takes the place of the profile's ``[plan]``, by key; ``asleep``: standing
    approvals answer every ticket.

    Raises ConfigError, LedgerError, VenueError, DemoFailed.
    """
    asked = (dict(unattended.OVERRIDES) if asleep else {}) | _asked(seconds, plan or {})
    settings = load_profile(profile, asked)
    if settings.mode is not Mode.SIMULATED:
        raise ConfigError(
            Problem(
                str(settings.source), "mode", "a demonstration needs a simulated profile; nothing was started"
            )
        )
    _must_exist("--scenario", scenario)
    _must_exist("--data", data)
    clock = SystemClock()
    put_aside(settings, clock.now())
    files = Files(settings.data_dir)
    files.data_dir.mkdir(parents=True, exist_ok=True)
    say = _sayer(json)
    night = unattended.scenario(clock.now()) if asleep else ("", "")
    arguments = _arguments(settings, scenario, night, {"seed": seed, "data": data, "record": record})
    with logging_to(files.log, console=False):
        async with contextlib.AsyncExitStack() as stack:
            venues = await stack.enter_async_context(simulators(arguments))
            say(
                f"simulated BitMEX on port {venues.bitmex}, simulated TWS on port {venues.tws} "
                f"(pid {venues.pid})"
            )
            overrides = asked | _overrides(settings, venues.bitmex, venues.tws)
            chosen = load_profile(profile, overrides)
            return await venues.serve(
                demonstrate(
                    chosen,
                    clock,
                    RandomIds(),
                    overrides,
                    auto_approve=auto_approve,
                    asleep=asleep,
                    say=say,
                    listen=_listener(say),
                )
            )


def _asked(seconds: float | None, plan: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that the command line changes."""
    asked: dict[str, object] = {f"plan.{key}": value for key, value in plan.items() if value is not None}
    if "plan.size_xbt" in asked:
        # On simulated venues: the limit is there to stop a person's slip, and this size was asked for by name.
        asked["limits.max_plan_xbt"] = asked["plan.size_xbt"]
    if seconds is not None:
        asked["demo.seconds"] = seconds
    return asked


def _must_exist(option: str, file: Path | None) -> None:
    if file is not None and not file.is_file():
        raise ConfigError(Problem(option, str(file), "there is no such file"))


def _arguments(
    settings: Settings, scenario: Path | None, night: tuple[str, str], options: Mapping[str, object]
) -> list[str]:
    if scenario is None:
        scenario = settings.data_dir / "scenario.toml"
        size = settings.plan.size_xbt
        scenario.write_text(
            "# Written by basisbot demo at every start.\n"
            f"seed = {settings.demo.seed}\n\n[inverse]\n"
            f"funding_every_seconds = {settings.demo.funding_every_seconds:g}\n"
            f"wallet = {max(Decimal(1), size / 10):f}\n{night[0]}\n[linear]\n{night[1]}"
            f"cash = {max(2_000_000, int(size * _CASH_PER_XBT))}\n",
            encoding="utf-8",
        )
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return [f"--scenario={scenario}", *given]


def _overrides(settings: Settings, bitmex: int, tws: int) -> dict[str, object]:
    return {
        "demo.seconds": settings.demo.seconds,
        "inverse.base_url": f"http://127.0.0.1:{bitmex}",
        "inverse.ws_url": f"ws://127.0.0.1:{bitmex}/realtime",
        "linear.host": "127.0.0.1",
        "linear.port": tws,
    }


def _sayer(json: bool) -> Callable[[str], None]:
    # With --json, standard output holds the report and nothing else.
    stream = sys.stderr if json else sys.stdout

    def say(text: str) -> None:
        # Called from the bot's loop: a reader that has gone (demo | head) must not end it.
        with contextlib.suppress(OSError):
            print(text, file=stream, flush=True)

    return say


def _listener(say: Callable[[str], None]) -> Callable[[Recorded], None]:
    def listen(entry: Recorded) -> None:
        if not isinstance(entry.event, _QUIET):
            say(f"{entry.at:%H:%M:%S}.{entry.at.microsecond // 1000:03d} {describe(entry.event)}")

    return listen
