"""``standing add|list|revoke``: what may be done while everybody sleeps."""

import sys
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli.client import name, who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.looking import connect
from bot.cli.numbers import number, plain, positive, seconds
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, Reason, settings
from risk.standing import Use

standing = typer.Typer(
    help="Standing approvals: what may be done without asking you each time, how much, and until when.",
    no_args_is_help=True,
)


@standing.command("add")
def add(
    uses: Annotated[
        list[Use],
        typer.Option(
            "--for",
            help="What for, again for more: open, close, reduce (before a closure), collateral (its hedge), orphan "
            "(a leg without its partner), roll.",
            metavar="USE",
        ),
    ],
    daily: Annotated[
        Decimal, typer.Option("--daily", help="At most so much a UTC day.", metavar="XBT", parser=positive)
    ],
    total: Annotated[
        Decimal, typer.Option("--total", help="At most so much in all.", metavar="XBT", parser=positive)
    ],
    delta: Annotated[
        Decimal,
        typer.Option(
            "--max-delta", help="By how much one action may change Δ.", metavar="XBT", parser=positive
        ),
    ],
    days: Annotated[
        float,
        typer.Option("--days", help="In force for so long.", metavar="N", parser=seconds(0.01, 366)),
    ],
    ticket: Annotated[
        Decimal | None,
        typer.Option("--max-ticket", help="The largest single ticket.", metavar="XBT", parser=positive),
    ] = None,
    min_basis: Annotated[
        Decimal | None,
        typer.Option("--min-basis", help="Only tickets limited so.", metavar="USD", parser=number),
    ] = None,
    max_basis: Annotated[
        Decimal | None,
        typer.Option("--max-basis", help="Only tickets limited so.", metavar="USD", parser=number),
    ] = None,
    low: Annotated[
        Decimal | None,
        typer.Option("--price-low", help="Not below this price.", metavar="USD", parser=positive),
    ] = None,
    high: Annotated[
        Decimal | None,
        typer.Option("--price-high", help="Not above this price.", metavar="USD", parser=positive),
    ] = None,
    direction: Annotated[
        Literal["long-inverse", "short-inverse"] | None,
        typer.Option(help="Of the spread; left out: the profile's.", metavar="long-inverse|short-inverse"),
    ] = None,
    either_venue: Annotated[
        bool,
        typer.Option(
            "--either-venue", help="Hedge the collateral at whichever venue is open, and move it back."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Record what is shown without asking.")] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Give a standing approval. It is shown first, and recorded when you say yes.

    Example: basisbot standing add --for reduce --daily 1 --total 4 --max-delta 0.5 --days 30
    """
    from bot.cli import output, standing_output

    bot = connect(profile)
    body: dict[str, Any] = {
        "uses": [use.value for use in uses],
        "direction": direction or settings(profile).plan.direction.value,
        "daily_xbt": plain(daily),
        "total_xbt": plain(total),
        "max_delta_xbt": plain(delta),
        "days": days,
        "max_ticket_xbt": plain(ticket),
        "min_basis": plain(min_basis),
        "max_basis": plain(max_basis),
        "price_low": plain(low),
        "price_high": plain(high),
        "either_venue": either_venue,
        "by": who(),
    }
    draft = bot.post("/standing/draft", body)
    if not json:
        standing_output.card(draft)
    if not yes and not _confirmed(json):
        raise CommandFailed("nothing was recorded", Exit.REFUSED)
    answer = bot.post("/standing", draft["record"])
    output.print_json(answer) if json else say(answer["done"])


@standing.command("list")
def list_standing(
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
) -> None:
    """Show the standing approvals, and what is left of each today and in all."""
    from bot.cli import output, standing_output

    found = connect(profile).get("/standing")
    if not everything:
        found = [one for one in found if one["status"] in ("in force", "suspended")]
    if json:
        output.print_json(found)
        return
    for one in found:
        standing_output.card(one)
    if not found:
        say("no standing approval is in force: every ticket waits for you (basisbot standing add)")


@standing.command("revoke")
def revoke(
    standing_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, as basisbot standing list shows it.")
    ],
    reason: Reason,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """End a standing approval at once. What has filled under it is still hedged."""
    from bot.cli import output

    answer = connect(profile).post(f"/standing/{name(standing_id)}/revoke", {"by": who(), "reason": reason})
    output.print_json(answer) if json else say(answer["done"])


def _confirmed(json: bool) -> bool:
    if json or not sys.stdin.isatty():
        raise CommandFailed("say --yes: there is no terminal to ask on; nothing was recorded", Exit.USAGE)
    return str(typer.prompt("Allow this? Type yes")).strip().lower() == "yes"


def register(app: typer.Typer) -> None:
    app.add_typer(standing, name="standing")
