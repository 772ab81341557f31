"""``watch``, ``basis`` and ``console``: looking on."""

import sys
from typing import Annotated

import typer

from bot.cli.looking import connect
from bot.cli.options import DEFAULT_PROFILE, Json, Profile

_EVENTS_SHOWN = 8


def watch(
    once: Annotated[bool, typer.Option("--once", help="Show one picture and end.")] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Watch the bot live, until Ctrl-C.

    State, links, quotes with their age, the basis, plans and why they wait, tickets and the time left, Δ, alerts, and
    every event as it happens. With --json a line for each: event, or state. Where the output is no terminal, a line
    for each event.
    """
    from bot.cli import output, watch_output

    bot = connect(profile)
    if once:
        view = bot.get("/overview")
        output.print_json(view) if json else output.console().print(watch_output.picture(view, []))
        return
    stream = bot.stream("/stream")
    try:
        if json:
            watch_output.lines(stream)
        elif sys.stdout.isatty():
            watch_output.live(stream, _EVENTS_SHOWN)
        else:
            watch_output.events(stream)
    except KeyboardInterrupt:
        return


def basis(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Show the basis, and what would be left of it after costs.

    By the bot's live quotes: between the middles of both books; what opening either way would trade at; the fees of
    both legs in and out, and what crossing both books on the way out costs; what is left of it if the basis is gone at
    the first expiry, by itself, in per cent, and a year. USD per XBT.
    """
    from bot.cli import output, watch_output

    view = connect(profile).get("/basis")
    output.print_json(view) if json else watch_output.basis(view)


def console(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Print the address of the bot's page for a browser.

    It shows what basisbot watch shows, and takes your decisions. The address holds the bot's token, which is new at
    every start: whoever has it decides in your place.
    """
    from bot.cli import output

    bot = connect(profile)
    address = f"{bot.url}/#token={bot.token}"
    output.print_json({"url": address}) if json else print(address)


def register(app: typer.Typer) -> None:
    for command in (watch, basis, console):
        app.command()(command)
