"""``status``, ``ahead`` and ``tickets``: how things stand, and what waits for a person."""

import sys
from pathlib import Path

import typer

from bot.cli.client import Daemon, daemon, other_version
from bot.cli.options import DEFAULT_PROFILE, SHADOW, Json, Profile, place


def connect(profile: str) -> Daemon:
    """Find the daemon a profile's instance runs. Raises ConfigError, CommandFailed."""
    there = place(profile)
    shadow = there.data_dir.with_name(there.data_dir.name + SHADOW)
    if not _runs(there.data_dir) and _runs(shadow):
        return daemon(shadow, there.instance + SHADOW)
    return daemon(there.data_dir, there.instance)


def _runs(data_dir: Path) -> bool:
    return (data_dir / "daemon.json").exists()


def status(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Show trading state, quotes, positions, delta, and what waits."""
    from bot.cli import output

    view = connect(profile).get("/status")
    if (versions := other_version()) is not None:
        print(versions, file=sys.stderr)
    output.print_json(view) if json else output.status(view)


def ahead(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Show what is due in the next days, and what happens if nobody answers.

    First what you are asked to do; then, by time, what each thing is, what happens with and without an answer, and
    what it costs without.
    """
    from bot.cli import ahead_output, output

    view = connect(profile).get("/status")["outlook"]
    output.print_json(view) if json else output.console().print(ahead_output.in_full(view))


def tickets(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Show the tickets that wait for you."""
    from bot.cli import output

    bot = connect(profile)
    found = bot.get("/tickets")
    if json:
        output.print_json(found)
        return
    for view in found:
        output.ticket(view)
    if not found:
        print("no ticket waits for you")
        output.why_none(bot.get("/status"))


def register(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(ahead)
    app.command()(tickets)
