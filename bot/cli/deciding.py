"""``approve``, ``reject``, ``enable``, ``disable``, ``halt``, ``reconcile``: a person's decisions."""

import sys
from typing import Annotated, Any

import typer

from bot.cli.client import RECONCILE_TIMEOUT, name, who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.looking import connect
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, Reason
from bot.cli.progress import working

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


def reconcile(
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take the venues' word over for what is shown. Needs --reason.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; kept in the ledger.", metavar="TEXT")
    ] = None,
    content_hash: Annotated[
        str | None,
        typer.Option(
            "--hash", help="Adopt only what has this content hash (reconcile --json).", metavar="HASH"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Adopt what is shown without asking.")] = False,
) -> None:
    """Hold the ledger against the venues now. Exit code 4 when they differ.

    With --adopt you take the venues' word over: exactly what is shown, recorded with your name and reason. Trading is
    halted by it until basisbot enable.
    """
    from bot.cli import output

    if adopt and not reason:
        raise CommandFailed("--adopt needs --reason: an adoption says why", Exit.USAGE)
    bot = connect(profile)
    with working("comparing ledger and venues"):
        view = bot.post("/reconcile", {}, RECONCILE_TIMEOUT)
    if not json and view["items"]:
        output.comparison(view)
    if adopt and view["items"]:
        if content_hash is None and not yes and not _confirmed(len(view["items"]), json):
            raise CommandFailed("nothing was adopted", Exit.REFUSED)
        body = {"hash": content_hash or view["hash"], "by": who(), "reason": reason}
        answer = bot.post("/reconcile/adopt", body, RECONCILE_TIMEOUT)
        output.print_json(answer) if json else say(answer["done"])
        left = answer["differences"]
        if left:
            raise CommandFailed("what still differs:\n" + "\n".join(left), Exit.MISMATCH)
        if not json:
            say("ledger and venues agree; trading goes on with: basisbot enable")
        return
    if json:
        output.print_json(view)
    if view["differences"]:
        raise CommandFailed(_advice(view), Exit.MISMATCH)
    if not json:
        print("ledger and venues agree")


def _confirmed(count: int, json: bool) -> bool:
    if json or not sys.stdin.isatty():
        raise CommandFailed(
            "say --yes, or --hash HASH: there is no terminal to ask on; nothing was adopted", Exit.USAGE
        )
    question = f"Adopt {'this' if count == 1 else f'these {count}'}? Type yes"
    return str(typer.prompt(question)).strip().lower() == "yes"


def _advice(view: dict[str, Any]) -> str:
    count = len(view["items"])
    return (
        f"{count} difference{'' if count == 1 else 's'}, hash {view['hash']}: nothing new is sent before they are "
        "settled or adopted (runbooks/reconcile-mismatch.md)"
    )


def _trading(profile: str, state: str, reason: str, json: bool) -> None:
    _answer(connect(profile).post("/trading", {"state": state, "by": who(), "reason": reason}), json)


def _answer(answer: Any, json: bool) -> None:
    from bot.cli import output

    output.print_json(answer) if json else say(answer["done"])


def register(app: typer.Typer) -> None:
    for command in (approve, reject, enable, disable, halt, reconcile):
        app.command()(command)
