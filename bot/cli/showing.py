"""``plan show``: one plan, from what was asked for to what it came to."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.client import name
from bot.cli.looking import connect
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings
from bot.cli.planning import plan
from bot.cli.progress import counting

if TYPE_CHECKING:
    from bot.ledger.plan_results import PlanResult


@plan.command("show")
def show_plan(
    plan_id: Annotated[
        str, typer.Argument(metavar="PLAN", help="The plan's id, as basisbot plan list shows it.")
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what the bot knows at once; leave out what the books say.")
    ] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Show one plan in full.

    What was asked for, why it waits, its tickets, orders and fills; then, from the books: the basis its fills locked
    in, slippage, fees, funding, result so far and how long it was naked. The books are read from their start, which
    takes a while when they are long.
    """
    from bot.cli import output, plan_output

    view: dict[str, Any] = connect(profile).get(f"/plans/{name(plan_id)}")
    if not json:
        plan_output.detail(view)
    if quick:
        if json:
            output.print_json(view)
        return
    result, price = _from_books(profile, plan_id)
    if json:
        output.print_json({**view, "books": output.exact(result)})
    elif result is not None:
        from bot.cli.report_output import print_plan

        print()
        print_plan(result, price)


def _from_books(profile: str, plan_id: str) -> "tuple[PlanResult | None, Any]":
    from bot.ledger.report import summarise
    from bot.ledger.writer import read_events

    summary = summarise(counting("reading the books", read_events(settings(profile).ledger_path)))
    found = next((one for one in summary.plans if one.plan_id == plan_id), None)
    return found, summary.valuation_price


def register(app: typer.Typer) -> None:
    """Nothing of its own: the command is one of the group ``plan``."""
