"""``flatten``: the emergency command."""

import json as json_module
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import typer

from bot.cli import hints, numbers
from bot.cli.client import who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

# As ``bot.flatten.options`` has it; importing that here would make every command's help wait for it.
LANDING = 12.0

# The other commands' option, without their default: it matters too much which instance is meant.
FlattenProfile = Annotated[str | None, *Profile.__metadata__]


def flatten(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, send nothing.")] = False,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Cancel every order of both accounts, whoever sent it."),
    ] = False,
    hold_hedge: Annotated[
        bool,
        typer.Option("--hold-hedge", help="Keep as much of a short as the wallet is long in XBT."),
    ] = False,
    strip_hedge: Annotated[
        bool,
        typer.Option("--strip-hedge", help="Close each leg by itself, even while the other cannot trade."),
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(help="Give up after this long.", metavar="N", parser=numbers.seconds(1, 86_400)),
    ] = 120.0,
    watch: Annotated[
        float,
        typer.Option(
            help="Look on so long for an order still on its way.", metavar="N", parser=numbers.seconds(0, 600)
        ),
    ] = LANDING,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="CME closed: leave it pending for the running bot.")
    ] = False,
    off: Annotated[
        bool, typer.Option("--call-off", help="Call a pending flatten off; send nothing.")
    ] = False,
    go_on: Annotated[bool, typer.Option("--resume", help="Go on with a pending flatten.")] = False,
    profile: FlattenProfile = None,
    live: Annotated[bool, typer.Option("--live", help="Needed with a live profile.")] = False,
    json: Json = False,
) -> None:
    """EMERGENCY: cancel and close everything at both venues, now.

    Stops the bot's sending, cancels, closes in pairs, and looks until both venues say flat. Works whether the
    bot runs, hangs or is gone. The command is its own approval. Where CME is closed it stays pending, and goes on at
    the open. Afterwards nothing is sent until basisbot enable.
    """
    import asyncio

    from bot.flatten import Options
    from bot.runtime.signals import stoppable
    from config.load import require_consent

    if hold_hedge and strip_hedge:
        raise CommandFailed("--hold-hedge keeps what --strip-hedge closes: choose one", Exit.USAGE)
    # A closed terminal takes nothing back that was ordered from it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    chosen = _as_running(_only_candidate() if profile is None else profile)
    if off:
        _call_off(chosen)
        return
    require_consent(chosen, live=live)
    asked = _Asked(
        options=Options(strip_hedge=strip_hedge, hold_hedge=hold_hedge, everything=everything, watch=watch),
        limit=timedelta(seconds=seconds),
        yes=yes,
        dry_run=dry_run,
        wait=not no_wait,
        resume=go_on,
        json=json,
    )
    raise SystemExit(asyncio.run(stoppable(_flatten(chosen, asked))))


@dataclass(frozen=True, slots=True)
class _Asked:
    options: Any
    limit: timedelta
    yes: bool
    dry_run: bool
    wait: bool
    resume: bool
    json: bool


def _only_candidate() -> str:
    """Return the default profile, unless a bot of another instance may be meant: never flatten the wrong one."""
    home = settings(DEFAULT_PROFILE).data_dir.parent
    others = sorted(
        {found.parent.name for name in ("daemon.json", "starting.json") for found in home.glob(f"*/{name}")}
        - {DEFAULT_PROFILE}
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


def _call_off(chosen: Any) -> None:
    from bot.runtime import pending
    from bot.runtime.files import Files

    if not pending.end(Files(chosen.data_dir)):
        raise CommandFailed("no flatten is pending", Exit.REFUSED)
    hints.say("called off: nothing more is sent at the open. POSITIONS STAY AS THEY ARE")
    hints.say("The bot sends nothing until: basisbot enable")


async def _flatten(chosen: Any, asked: _Asked) -> int:
    from adapters.clock import RandomIds, SystemClock
    from bot.cli import flatten_output, output
    from bot.runtime.emergency import emergency, logging_if_possible
    from bot.runtime.files import Files
    from bot.runtime.flattening import Order, carry_out, resume

    say = flatten_output.say
    files, clock, by = Files(chosen.data_dir), SystemClock(), who()

    def attempt(order: Order) -> AbstractAsyncContextManager[Any]:
        return emergency(chosen, clock, RandomIds(), order.by, order.options, say)

    async def confirm(plan: Any) -> bool:
        for line in plan.lines():
            say(line)
        return asked.yes or asked.resume or await _confirmed(say)

    with logging_if_possible(files.log, say):
        if asked.dry_run:
            async with emergency(chosen, clock, RandomIds(), by, asked.options, say) as ready:
                plan = ready.plan
            if asked.json:
                output.print_json(flatten_output.plan_view(plan))
            else:
                print("\n".join(plan.lines()))
            say("this is what flatten would do; nothing was sent")
            return Exit.UNREACHABLE if None in plan.holds.values() else Exit.DONE
        if asked.resume:
            outcome = await resume(files, clock, attempt, asked.limit, say, confirm)
        else:
            order = Order(by, asked.options, asked.limit, asked.wait)
            outcome = await carry_out(files, clock, order, attempt, say, confirm)
    if outcome is None:
        if asked.resume:
            return Exit.DONE
        raise CommandFailed("nothing was sent", Exit.REFUSED)
    view = flatten_output.view(outcome, files)
    if asked.json:
        output.print_json(view)
    else:
        flatten_output.show(outcome)
    if outcome.flat:
        return Exit.DONE
    return Exit.UNREACHABLE if outcome.unanswered else Exit.REFUSED


async def _confirmed(say: Callable[[str], None]) -> bool:
    """Ask on the terminal, while the links are kept up and Ctrl-C is heard."""
    if not sys.stdin.isatty():
        raise CommandFailed("say --yes: there is no terminal to ask on; nothing was sent", Exit.USAGE)
    import asyncio

    say("Do all of this now? Type yes:")
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


def register(app: typer.Typer) -> None:
    app.command()(flatten)
