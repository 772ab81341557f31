"""``plan open|close|list|cancel``."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli import legging
from bot.cli.client import name, who
from bot.cli.hints import say
from bot.cli.looking import connect
from bot.cli.numbers import number, plain, positive
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

plan = typer.Typer(help="Plans: open a spread, take it down, list, cancel.", no_args_is_help=True)

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
Tranches = Annotated[int | None, typer.Option(help="How many slices.", metavar="N", min=1, max=90)]
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
    and waits for you (basisbot tickets).
    """
    default = settings(profile).plan
    _propose(
        profile,
        json,
        {
            "kind": "open",
            "direction": direction or default.direction.value,
            "size_xbt": plain(size or default.size_xbt),
            "tranches": tranches or default.tranches,
            "collateral": default.collateral_hedge if collateral is None else collateral,
            "min_basis": plain(default.min_basis if min_basis is None else min_basis),
            "max_basis": plain(default.max_basis if max_basis is None else max_basis),
            "target_delta": plain(default.target_delta_xbt),
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

    Nothing is sent: tickets follow and wait for you (basisbot tickets).
    """
    default = settings(profile).plan
    _propose(
        profile,
        json,
        {
            "kind": "close",
            "direction": direction or default.direction.value,
            "size_xbt": plain(size),
            "tranches": tranches or default.tranches,
            "collateral": collateral,
            "min_basis": plain(min_basis),
            "max_basis": plain(max_basis),
            "target_delta": plain(default.target_delta_xbt),
        },
    )


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


def _propose(profile: str, json: bool, body: dict[str, Any]) -> None:
    from bot.cli import output

    bot = connect(profile)
    answer = bot.post("/plans", {**body, "by": who()})
    if json:
        output.print_json(answer)
        return
    say(answer["done"])
    output.why_none(bot.get("/status"))


def register(app: typer.Typer) -> None:
    app.add_typer(plan, name="plan")
