"""``basisbot demo`` from the command line: empty books, simulators of its own, progress for people."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.clock import RandomIds, SystemClock
from adapters.simulator.scenario import Scenario, ScenarioError
from adapters.simulator.scenario_file import load
from bot.model.describe import describe
from bot.model.events import InstrumentLoaded, OrderBelieved, Recorded
from bot.runtime.archive import put_aside
from bot.runtime.demo import Report, demonstrate
from bot.runtime.files import Files
from bot.runtime.logs import logging_to
from bot.runtime.scenes import ANSWERED, NIGHT, SCENES, WATCHES, Night, schedule
from bot.runtime.simulators import simulators
from config.errors import ConfigError, Problem
from config.load import load_profile
from config.settings import Mode, Settings

# The simulated accounts hold what a spread of any size needs: margin at the broker, and a tenth of it in XBT.
_CASH_PER_XBT = 150_000
# What a scenario's file lets happen later than this is not waited for.
_LONGEST = timedelta(hours=1)
_QUIET = (OrderBelieved, InstrumentLoaded)


async def run_demo(
    profile: str,
    *,
    auto_approve: bool,
    seconds: float | None,
    seed: int | None,
    scenario: str | None,
    data: Path | None,
    record: Path | None,
    json: bool,
    plan: Mapping[str, object] | None = None,
    asleep: bool = False,
) -> Report:
    """Run the demonstration. ``plan``: what takes the place of the profile's ``[plan]``, by key; ``scenario``: the name
    of a night (``bot.runtime.scenes``), or a file for the simulators; ``asleep``: a standing approval answers every
    ticket, as it does in every night that has a name.

    Raises ConfigError, LedgerError, VenueError, DemoFailed.
    """
    clock = SystemClock()
    scene = SCENES.get(scenario or (NIGHT if asleep else ""))
    file = None if scenario is None or scene is not None else Path(scenario)
    asleep = asleep or scene is not None
    asked = (dict(WATCHES) if asleep else {}) | _asked(seconds, plan or {})
    settings = load_profile(profile, asked)
    if settings.mode is not Mode.SIMULATED:
        raise ConfigError(
            Problem(
                str(settings.source), "mode", "a demonstration needs a simulated profile; nothing was started"
            )
        )
    _must_exist(
        "--scenario", file, f"there is no such file, nor a scenario of that name ({', '.join(SCENES)})"
    )
    _must_exist("--data", data, "there is no such file")
    put_aside(settings, clock.now())
    files = Files(settings.data_dir)
    files.data_dir.mkdir(parents=True, exist_ok=True)
    say = _sayer(json)
    night = None if scene is None else schedule(scene, settings.plan.size_xbt, clock.now())
    if asleep and seconds is None:
        asked["demo.seconds"] = _lasts(file, clock.now()) if night is None else night.lasts
    arguments = _arguments(settings, file, night, {"seed": seed, "data": data, "record": record})
    with logging_to(files.log, console=False):
        async with contextlib.AsyncExitStack() as stack:
            venues = await stack.enter_async_context(simulators(arguments))
            say(
                f"simulated BitMEX on port {venues.bitmex}, simulated TWS on port {venues.tws} "
                f"(pid {venues.pid})"
            )
            overrides = _overrides(settings, venues.bitmex, venues.tws) | asked
            chosen = load_profile(profile, overrides)
            return await venues.serve(
                demonstrate(
                    chosen,
                    clock,
                    RandomIds(),
                    overrides,
                    auto_approve=auto_approve,
                    asleep=asleep,
                    causes=() if scene is None else scene.causes,
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


def _must_exist(option: str, file: Path | None, otherwise: str) -> None:
    if file is not None and not file.is_file():
        raise ConfigError(Problem(option, str(file), otherwise))


def _lasts(scenario: Path | None, now: datetime) -> float:
    """Return the seconds from the start until what a scenario's file lets happen has been answered."""
    try:
        told = Scenario() if scenario is None else load(scenario)
    except ScenarioError as error:
        raise ConfigError(Problem("--scenario", str(scenario), str(error))) from error
    moments = [after for after, _ in (*told.inverse.deposits, *told.inverse.deleveraged, *told.market.gaps)]
    moments += [after + length for after, length in told.market.outages]
    sessions = told.linear.sessions.intervals or ()
    edges = [edge - now for each in sessions for edge in (each.opens, each.closes)]
    ahead = [edge for edge in (*moments, *edges) if timedelta(0) < edge < _LONGEST]
    return (max(ahead, default=timedelta(0)) + ANSWERED).total_seconds()


def _arguments(
    settings: Settings, scenario: Path | None, night: Night | None, options: Mapping[str, object]
) -> list[str]:
    if scenario is None:
        scenario = settings.data_dir / "scenario.toml"
        size = settings.plan.size_xbt
        wallet = max(Decimal(1), size / 10) if night is None else night.wallet
        inverse, linear = ("", "") if night is None else (night.inverse, night.linear)
        scenario.write_text(
            "# Written by basisbot demo at every start.\n"
            f"seed = {settings.demo.seed}\n\n[inverse]\n"
            f"funding_every_seconds = {settings.demo.funding_every_seconds:g}\n"
            f"wallet = {wallet:f}\n{inverse}\n\n[linear]\n{linear}\n"
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
