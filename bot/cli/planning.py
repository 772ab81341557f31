"""``plan open|close|roll|exit|list|cancel``."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli import laddering, legging
from bot.cli.client import name, who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.looking import connect
from bot.cli.numbers import number, plain, positive, whole
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

plan = typer.Typer(
    help="Plans: open a spread, take it down, roll it, say when; list, cancel.", no_args_is_help=True
)

Direction = Annotated[
    Literal["long-inverse", "short-inverse"] | None,
    typer.Option(
        help="long-inverse: long the inverse venue, short CME. short-inverse: the other way round.",
        metavar="long-inverse|short-inverse",
    ),
]
Size = Annotated[
    Decimal | None, typer.Option("--size", help="Size of each leg.", metavar="XBT", parser=positive)
]
Tranches = Annotated[
    int | None, typer.Option(help="How many slices, 1 to 90.", metavar="N", parser=whole(1, 90))
]
Approval = Annotated[
    Literal["armed", "sequential"],
    typer.Option(
        help="armed: both legs are asked for first. sequential: the hedge once the other has filled.",
        metavar="armed|sequential",
    ),
]
MinBasis = Annotated[
    Decimal | None,
    typer.Option("--min-basis", help="Do not trade below this basis.", metavar="USD", parser=number),
]
MaxBasis = Annotated[
    Decimal | None,
    typer.Option("--max-basis", help="Do not trade above this basis.", metavar="USD", parser=number),
]


@plan.command("open")
def open_plan(
    size: Size = None,
    tranches: Tranches = None,
    direction: Direction = None,
    min_basis: MinBasis = None,
    max_basis: MaxBasis = None,
    collateral: Annotated[
        bool | None,
        typer.Option(
            "--collateral/--no-collateral", help="Hedge the XBT held as collateral first, or do not."
        ),
    ] = None,
    tranche: laddering.Tranche = None,
    ladder: laddering.Ladder = None,
    pause: laddering.Pause = None,
    stop: laddering.Stop = None,
    trail: laddering.Trail = None,
    inversion_stop: laddering.InversionStop = False,
    take_profit: laddering.TakeProfit = None,
    approval: Approval = "armed",
    working: legging.Working = None,
    style: legging.Style = None,
    slop: legging.Slop = None,
    reprices: legging.Reprices = None,
    min_lean: legging.MinLean = None,
    depth_multiple: legging.DepthMultiple = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Propose to open a spread.

    What is left out comes from the profile. Nothing is sent: one ticket for each leg follows, tranche by tranche,
    and waits for you (basisbot tickets). With a ladder each tranche waits for its own basis, and its tickets follow
    then: --tranche 6@400: --tranche 6@500:, or --ladder 400..600 for equal ones.

    --stop, --trail, --inversion-stop and --take-profit watch the basis at which closing would trade. When one trips,
    the bot proposes a plan that closes; its tickets wait for you as well.
    """
    default = settings(profile).plan
    steps = laddering.ladder_body(tranche, ladder)
    # The tranches of a ladder have their own limits: those of the profile are for plans without.
    least, most = (None, None) if steps else (default.min_basis, default.max_basis)
    _propose(
        profile,
        json,
        {
            "kind": "open",
            "direction": direction or default.direction.value,
            "size_xbt": plain(size) or laddering.ladder_size(steps) or plain(default.size_xbt),
            "tranches": tranches or len(tranche or ()) or default.tranches,
            "collateral": default.collateral_hedge if collateral is None else collateral,
            "min_basis": plain(least if min_basis is None else min_basis),
            "max_basis": plain(most if max_basis is None else max_basis),
            "approval": approval,
            "target_delta": plain(default.target_delta_xbt),
            "legging": legging.body(default, working, style, slop, reprices, min_lean, depth_multiple),
            "pause_seconds": pause or 0.0,
            "exit": laddering.exit_body(stop, trail, inversion_stop, take_profit),
            **steps,
        },
    )


@plan.command("close")
def close_plan(
    size: Annotated[
        Decimal | None,
        typer.Option(
            "--size", help="How much to take down; left out: all of it.", metavar="XBT", parser=positive
        ),
    ] = None,
    tranches: Tranches = None,
    direction: Direction = None,
    min_basis: MinBasis = None,
    max_basis: MaxBasis = None,
    collateral: Annotated[
        bool,
        typer.Option(
            "--collateral/--keep-collateral",
            help="Take the collateral's hedge off too: leaves the wallet's XBT naked.",
        ),
    ] = False,
    tranche: laddering.Tranche = None,
    ladder: laddering.Ladder = None,
    pause: laddering.Pause = None,
    approval: Approval = "armed",
    working: legging.Working = None,
    style: legging.Style = None,
    slop: legging.Slop = None,
    reprices: legging.Reprices = None,
    min_lean: legging.MinLean = None,
    depth_multiple: legging.DepthMultiple = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Propose to take a spread down, in pairs.

    Nothing is sent: tickets follow and wait for you (basisbot tickets). With a ladder each tranche waits for its own
    basis: --tranche 6@:100 --tranche 6@:0. Without --size the last tranche takes all that is left.
    """
    default = settings(profile).plan
    steps = laddering.ladder_body(tranche, ladder)
    _propose(
        profile,
        json,
        {
            "kind": "close",
            "direction": direction or default.direction.value,
            "size_xbt": plain(size),
            "tranches": tranches or len(tranche or ()) or default.tranches,
            "collateral": collateral,
            "min_basis": plain(min_basis),
            "max_basis": plain(max_basis),
            "approval": approval,
            "target_delta": plain(default.target_delta_xbt),
            "legging": legging.body(default, working, style, slop, reprices, min_lean, depth_multiple),
            "pause_seconds": pause or 0.0,
            **steps,
        },
    )


@plan.command("roll")
def roll_plan(
    size: Annotated[
        Decimal | None,
        typer.Option("--size", help="How much to roll; left out: all of it.", metavar="XBT", parser=positive),
    ] = None,
    leg: Annotated[
        Literal["linear", "inverse"] | None,
        typer.Option("--leg", help="Which leg; left out: the one that ends first."),
    ] = None,
    tranches: Tranches = None,
    min_basis: Annotated[
        Decimal | None,
        typer.Option(
            "--min-basis", help="Do not trade below this calendar spread.", metavar="USD", parser=number
        ),
    ] = None,
    max_basis: Annotated[
        Decimal | None,
        typer.Option(
            "--max-basis", help="Do not trade above this calendar spread.", metavar="USD", parser=number
        ),
    ] = None,
    pause: laddering.Pause = None,
    approval: Approval = "armed",
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Propose to take a leg into the next month, in pairs: old closed, new opened.

    The profile names that month: linear.next_contract for CME, inverse.next_symbol for the inverse leg, which may leave
    a perpetual for it.
    Nothing is sent: tickets follow and wait for you (basisbot tickets). Their basis is the calendar spread, the new
    month less the old one.
    """
    body = {
        "leg": leg,
        "size_xbt": plain(size),
        "tranches": tranches or settings(profile).plan.tranches,
        "min_basis": plain(min_basis),
        "max_basis": plain(max_basis),
        "approval": approval,
        "pause_seconds": pause or 0.0,
    }
    _propose(profile, json, body, "/plans/roll")


@plan.command("exit")
def exit_plan(
    plan_id: Annotated[
        str, typer.Argument(metavar="PLAN", help="The plan that has opened, as basisbot plan list shows it.")
    ],
    stop: laddering.Stop = None,
    trail: laddering.Trail = None,
    inversion_stop: laddering.InversionStop = False,
    take_profit: laddering.TakeProfit = None,
    tranches: Tranches = None,
    off: Annotated[bool, typer.Option("--off", help="Watch for none of these any more.")] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Say when what a plan has opened is to be closed.

    The rules replace those there were. When one trips, the bot proposes a plan that closes; its tickets wait for you
    (basisbot tickets), and it reminds you until the position is closed. Reject them, and the exit is off.
    """
    from bot.cli import output

    rules = laddering.exit_body(stop, trail, inversion_stop, take_profit)
    if off is (rules is not None):
        raise CommandFailed(
            "say either a rule (--stop, --trail, --inversion-stop, --take-profit) or --off", Exit.USAGE
        )
    if rules is not None:
        rules["tranches"] = tranches or 1
    answer = connect(profile).post(f"/plans/{name(plan_id)}/exit", {"exit": rules, "by": who()})
    output.print_json(answer) if json else say(answer["done"])


@plan.command("list")
def list_plans(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """List every plan of this ledger."""
    from bot.cli import output

    found = connect(profile).get("/plans")
    if json:
        output.print_json(found)
        return
    if found:
        output.plans(found)
    else:
        say("no plans yet: basisbot plan open")


@plan.command("cancel")
def cancel_plan(
    plan_id: Annotated[
        str, typer.Argument(metavar="PLAN", help="The plan's id, as basisbot plan list shows it.")
    ],
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Stop a plan. What has filled is still hedged."""
    from bot.cli import output

    answer = connect(profile).post(f"/plans/{name(plan_id)}/cancel", {"by": who()})
    output.print_json(answer) if json else say(answer["done"])


def _propose(profile: str, json: bool, body: dict[str, Any], to: str = "/plans") -> None:
    from bot.cli import output

    bot = connect(profile)
    answer = bot.post(to, {**body, "by": who()})
    if json:
        output.print_json(answer)
        return
    say(answer["done"])
    output.why_none(bot.get("/status"))


def register(app: typer.Typer) -> None:
    app.add_typer(plan, name="plan")
