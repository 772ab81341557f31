"""``flatten``: the emergency command."""

import json as json_module
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from bot.cli import numbers
from bot.cli.client import who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

# The other commands' option, without their default: it matters too much which instance is meant.
FlattenProfile = Annotated[str | None, *Profile.__metadata__]


def flatten(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be closed, send nothing.")
    ] = False,
    strip_hedge: Annotated[
        bool,
        typer.Option("--strip-hedge", help="Close each leg by itself, even while the other cannot trade."),
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(help="Give up after this long.", metavar="N", parser=numbers.seconds(1, 86_400)),
    ] = 120.0,
    profile: FlattenProfile = None,
    live: Annotated[bool, typer.Option("--live", help="Needed with a live profile.")] = False,
    json: Json = False,
) -> None:
    """EMERGENCY: cancel and close everything at both venues, now.

    Stops the bot's sending, cancels, closes in pairs, and looks until both venues say flat. Works whether the
    bot runs, hangs or is gone. The command is its own approval. Afterwards nothing is sent until basisbot enable.
    """
    import asyncio

    from bot.runtime.signals import stoppable
    from config.load import require_consent

    # A closed terminal takes nothing back that was ordered from it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    chosen = _as_running(profile or _only_candidate())
    require_consent(chosen, live=live)
    raise SystemExit(asyncio.run(stoppable(_flatten(chosen, yes, dry_run, strip_hedge, seconds, json))))


def _only_candidate() -> str:
    """Return the default profile, unless a bot of another instance may be meant: never flatten the wrong one."""
    home = settings(DEFAULT_PROFILE).data_dir.parent
    others = sorted(
        found.parent.name for found in home.glob("*/daemon.json") if found.parent.name != DEFAULT_PROFILE
    )
    if others:
        raise CommandFailed(
            f"there is a bot of {', '.join(others)}: say which instance, with --profile; nothing was sent",
            Exit.USAGE,
        )
    return DEFAULT_PROFILE


def _as_running(profile: str) -> Any:
    """Load the profile, with the addresses a running (or killed) demonstration really used."""
    chosen = settings(profile)
    if chosen.mode != "simulated":
        return chosen
    with suppress(OSError, ValueError, AttributeError, TypeError):
        told = json_module.loads((chosen.data_dir / "daemon.json").read_text(encoding="utf-8"))
        overrides = {str(key): value for key, value in dict(told.get("overrides", {})).items()}
        return settings(profile, **overrides)
    return chosen


async def _flatten(
    chosen: Any, yes: bool, dry_run: bool, strip_hedge: bool, seconds: float, json: bool
) -> int:
    from adapters.clock import RandomIds, SystemClock
    from bot.cli import output
    from bot.runtime.emergency import emergency, logging_if_possible
    from bot.runtime.files import Files

    def say(text: str) -> None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)

    files = Files(chosen.data_dir)
    with logging_if_possible(files.log, say):
        async with emergency(
            chosen, SystemClock(), RandomIds(), who(), say, strip_hedge=strip_hedge
        ) as ready:
            for instrument, contracts in ready.holds.items():
                say(f"{instrument}: " + ("NO ANSWER" if contracts is None else _held(contracts)))
            if dry_run:
                if json:
                    output.print_json({str(key): value for key, value in ready.holds.items()})
                say("this is what flatten would close; nothing was sent")
                return Exit.DONE if None not in ready.holds.values() else Exit.UNREACHABLE
            if not yes and not await _confirmed(say):
                raise CommandFailed("nothing was sent", Exit.REFUSED)
            outcome = await ready.carry_out(files, timedelta(seconds=seconds))
    view = {
        "flat": outcome.flat,
        "positions": {str(key): contracts for key, contracts in outcome.positions.items()},
        "unanswered": list(outcome.unanswered),
        "live_orders": list(outcome.live_orders),
        "other_orders": list(outcome.foreign_orders),
        "orders_sent": outcome.orders_sent,
        "unmatched_xbt": f"{outcome.unmatched_xbt:.8f}",
        "wallet_xbt": None if outcome.wallet_xbt is None else f"{outcome.wallet_xbt:.8f}",
        "remaining_xbt": None if outcome.remaining_xbt is None else f"{outcome.remaining_xbt:.8f}",
        "seconds": round(outcome.seconds, 2),
        "latch": str(files.latch),
    }
    if json:
        output.print_json(view)
    else:
        _print(view)
    if outcome.flat:
        return Exit.DONE
    return Exit.UNREACHABLE if outcome.unanswered else Exit.REFUSED


async def _confirmed(say: Callable[[str], None]) -> bool:
    """Ask on the terminal, while the links are kept up and Ctrl-C is heard."""
    if not sys.stdin.isatty():
        raise CommandFailed("say --yes: there is no terminal to ask on; nothing was sent", Exit.USAGE)
    import asyncio

    say("Close all of this now? Type yes:")
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        loop.remove_reader(sys.stdin)
        answer.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, take)
    try:
        return (await answer).strip().lower() == "yes"
    finally:
        loop.remove_reader(sys.stdin)


def _held(contracts: int) -> str:
    return f"{contracts:+,} contracts" if contracts else "nothing"


def _print(view: dict[str, Any]) -> None:
    print("FLAT: both venues say so" if view["flat"] else "NOT FLAT")
    for instrument, contracts in view["positions"].items():
        print(f"  {instrument}: {_held(contracts)}")
    for line in view["unanswered"]:
        print(f"  ! {line}")
    for line in view["live_orders"]:
        print(f"  LIVE: {line} may still fill, with nobody watching: cancel it by hand")
    if Decimal(view["unmatched_xbt"]):
        print(f"  UNMATCHED: {view['unmatched_xbt']} XBT closed at one venue, not followed by the other")
    for line in view["other_orders"]:
        print(f"  left alone: {line}")
    remaining = view["remaining_xbt"]
    print(f"  exposure that remains: {'unknown' if remaining is None else remaining + ' XBT'}", end="")
    print("" if view["wallet_xbt"] is None else f" (margin balance {view['wallet_xbt']} XBT)")
    print(f"  {view['orders_sent']} orders in {view['seconds']} s")
    if not view["flat"]:
        print("  run it again; what else can be done: runbooks/emergency-flatten.md")
    say("  the bot sends nothing until: basisbot enable")


def register(app: typer.Typer) -> None:
    app.command()(flatten)
