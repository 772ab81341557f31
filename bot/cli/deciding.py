"""``approve``, ``reject``, ``enable``, ``disable``, ``halt``, ``reconcile``: a person's decisions."""

from typing import Annotated, Any

import typer

from bot.cli.client import RECONCILE_TIMEOUT, name, who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.looking import connect
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, Reason

TicketId = Annotated[
    str, typer.Argument(metavar="TICKET", help="The ticket's id, as basisbot tickets shows it.")
]


def approve(
    ticket: TicketId,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
    content_hash: Annotated[
        str | None,
        typer.Option(
            "--hash", help="Approve only what has this content hash (tickets --json).", metavar="HASH"
        ),
    ] = None,
) -> None:
    """Approve a ticket. It is shown first; the approval binds to what is shown."""
    from bot.cli import output

    bot = connect(profile)
    found = next((view for view in bot.get("/tickets") if view["id"] == ticket), None)
    if found is not None and not json:
        output.ticket(found)
    # A ticket that waits no more is answered by the bot, which knows what became of it.
    bound = content_hash or (found["hash"] if found else "0" * 16)
    _answer(bot.post(f"/tickets/{name(ticket)}/approve", {"hash": bound, "by": who()}), json)


def reject(
    ticket: TicketId,
    reason: Reason,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Reject a ticket. Its plan sends nothing more; what has filled is still hedged."""
    body = {"by": who(), "reason": reason}
    _answer(connect(profile).post(f"/tickets/{name(ticket)}/reject", body), json)


def enable(
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
    reason: Reason = "enabled by hand",
    reducing: Annotated[
        bool, typer.Option("--reducing", help="Only what makes the portfolio smaller.")
    ] = False,
) -> None:
    """Let approved orders be sent. Needs ledger and venues to agree; lifts the flatten latch."""
    _trading(profile, "reducing" if reducing else "active", reason, json)


def disable(
    profile: Profile = DEFAULT_PROFILE, json: Json = False, reason: Reason = "disabled by hand"
) -> None:
    """Send nothing but hedges of what has filled."""
    _trading(profile, "disabled", reason, json)


def halt(profile: Profile = DEFAULT_PROFILE, json: Json = False, reason: Reason = "halted by hand") -> None:
    """Stop all new working orders at once. What has filled is still hedged. Survives a restart."""
    _trading(profile, "halted", reason, json)


def reconcile(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Hold the ledger against the venues now. Exit code 4 when they differ."""
    from bot.cli import output

    answer = connect(profile).post("/reconcile", {}, RECONCILE_TIMEOUT)
    if json:
        output.print_json(answer)
    elif not answer["differences"]:
        print("ledger and venues agree")
    if answer["differences"]:
        raise CommandFailed("\n".join(answer["differences"]), Exit.MISMATCH)


def _trading(profile: str, state: str, reason: str, json: bool) -> None:
    _answer(connect(profile).post("/trading", {"state": state, "by": who(), "reason": reason}), json)


def _answer(answer: Any, json: bool) -> None:
    from bot.cli import output

    output.print_json(answer) if json else print(answer["done"])


def register(app: typer.Typer) -> None:
    for command in (approve, reject, enable, disable, halt, reconcile):
        app.command()(command)
