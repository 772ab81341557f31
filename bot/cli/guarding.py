"""``watchdog``: hears the bot from elsewhere, and takes its working orders back when it falls silent."""

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from bot.cli import numbers
from bot.cli.emergency import LANDING
from bot.cli.failures import CommandFailed, Exit
from bot.cli.options import Profile, settings


def watchdog(
    check: Annotated[
        bool, typer.Option("--check", help="Look once: is the bot heard, do both venues answer?")
    ] = False,
    watch: Annotated[
        float,
        typer.Option(
            help="Look on so long for an order still on its way.", metavar="N", parser=numbers.seconds(0, 600)
        ),
    ] = LANDING,
    profile: Profile = "sim",
    live: Annotated[bool, typer.Option("--live", help="Needed with a live profile.")] = False,
) -> None:
    """Watch the bot until interrupted, best from another machine.

    When the bot is not heard for [watchdog] silence_seconds, its working orders at both venues are cancelled, and you
    are alerted. Protective stops, positions and what others sent stay as they are; its key needs the right to cancel
    and no other. A bot that lives and is only not heard goes on. One that is stopped on purpose says so: its silence
    counts for nothing before it is heard again.

    Where [watchdog.neutral] allows it, and the bot's data folder is on this machine, it then holds the bot back and
    reduces what is naked, towards the target delta and not beyond; nothing is sent afterwards before basisbot enable.
    That takes a key with the right to order.

    Exit code: 0; 1 while the bot is silent; with --check 3 where something is not heard or seen.
    """
    import asyncio

    from config.load import require_consent

    chosen = settings(profile)
    require_consent(chosen, live=live)
    raise SystemExit(asyncio.run(_watch(chosen, check, watch)))


async def _watch(chosen: Any, check: bool, landing: float) -> int:
    from adapters.clock import RandomIds, SystemClock
    from bot.runtime.files import Files
    from bot.runtime.logs import logging_to
    from bot.runtime.signals import Stopped, stoppable
    from bot.runtime.watchdog import guarding, told

    watchdog = told(chosen)
    with logging_to(Files(chosen.data_dir).watchdog_log, console=not check):
        async with guarding(chosen, SystemClock(), RandomIds(), landing) as guard:
            wrong = await guard.check()
            if check:
                if wrong:
                    raise CommandFailed("; ".join(wrong), Exit.UNREACHABLE)
                print("the bot is heard, and both venues answer")
                return Exit.DONE
            for what in wrong:
                print(f"not yet: {what}", file=sys.stderr)
            print(
                f"watchdog of {chosen.instance} ({chosen.mode}) at {watchdog.url}: after "
                f"{watchdog.silence_seconds:g} s of silence its working orders are cancelled",
                flush=True,
            )
            with suppress(Stopped):
                await stoppable(guard.keep())
            return Exit.REFUSED if guard.has_sounded else Exit.DONE


def register(app: typer.Typer) -> None:
    app.command()(watchdog)
