"""``scenario``: what a spread earns at other prices."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import Price, Share, fraction, plain, positive, prices, usd, xbt
from bot.cli.options import Json


def scenario(
    direction: Annotated[
        Literal["long-inverse", "short-inverse"],
        typer.Option(help="Which way round the spread is held.", metavar="long-inverse|short-inverse"),
    ] = "long-inverse",
    size: Annotated[
        Decimal, typer.Option("--size", parser=positive, help="Size of each leg.", metavar="XBT")
    ] = Decimal(25),
    inverse_price: Price = Decimal(8000),
    linear_price: Price = Decimal(10000),
    spot: Annotated[
        Decimal | None,
        typer.Option(
            parser=positive,
            help="What the collateral was bought at [default: the lower price].",
            metavar="USD",
        ),
    ] = None,
    leverage: Annotated[
        Decimal, typer.Option(parser=positive, help="Size over collateral at the inverse venue.", metavar="N")
    ] = Decimal(5),
    linear_margin: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="The broker's margin rate.", metavar="PERCENT"),
    ] = Share("0.2"),
    maintenance: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="The inverse venue's maintenance rate.", metavar="PERCENT"),
    ] = Share("0.005"),
    contract: Annotated[
        Decimal, typer.Option(parser=positive, help="One linear contract: 5 (BTC), 0.1 (MBT).", metavar="XBT")
    ] = Decimal(5),
    at: Annotated[
        str, typer.Option("--at", help="Prices to look at, commas between.", metavar="USD,USD,…")
    ] = "4000,8000,16000",
    json: Json = False,
) -> None:
    """Show what a spread earns at other prices.

    And what each leg then asks for. Both contracts are taken to converge to the price; fees, funding and top-ups are
    left out. The defaults are the worked example of the public guides, corrected.

    Example: basisbot scenario --direction short-inverse --inverse-price 10000 --linear-price 8000
    """
    from bot.cli import output
    from risk.direction import Direction
    from risk.instruments import Instrument, InstrumentId
    from risk.scenarios import Spread, outcome
    from risk.terms import Kind, Terms

    inverse = Terms(Kind.INVERSE, 100, Decimal("0.1"), Decimal(1), 100)
    linear = Terms(Kind.LINEAR, 1, Decimal(5), contract)
    try:
        spread = Spread(
            Direction(direction),
            Instrument(InstrumentId("inverse", "XBTUSD"), inverse),
            Instrument(InstrumentId("linear", "CME"), linear),
            size,
            inverse_price,
            linear_price,
            spot or min(inverse_price, linear_price),
            1 / leverage,
        )
    except ValueError as error:
        raise CommandFailed(f"no such spread: {error}", Exit.USAGE) from error
    outcomes = [outcome(spread, price) for price in prices("--at", at)]
    liquidation = spread.liquidation(maintenance)
    margin = spread.linear_margin(linear_margin)
    if json:
        output.print_json(_view(spread, outcomes, liquidation, margin))
        return
    _print(spread, outcomes, liquidation, usd(margin.amount))


def _view(spread: Any, outcomes: Sequence[Any], liquidation: Decimal | None, margin: Any) -> dict[str, Any]:
    return {
        "direction": spread.direction.value,
        "inverse_contracts": spread.inverse_contracts,
        "linear_contracts": spread.linear_contracts,
        "collateral_xbt": plain(spread.collateral),
        "collateral_in_full_xbt": plain(spread.collateral_in_full),
        "hedge_kind": spread.hedge_kind.value,
        "hedge_contracts": spread.hedge_contracts,
        "linear_margin_usd": plain(margin.amount),
        "liquidation_without_top_ups": plain(None if liquidation is None else round(liquidation, 2)),
        "at": [
            {
                "price": plain(one.price),
                "inverse_xbt": plain(one.inverse.amount),
                "inverse_usd": plain(one.inverse_in_usd.amount),
                "linear_usd": plain(one.linear.amount),
                "total_usd": plain(one.total.amount),
                "hedged_total_usd": plain(one.hedged_total.amount),
                "wants": [wanted(action) for action in one.actions],
            }
            for one in outcomes
        ],
    }


def wanted(action: Any) -> str:
    """Say what a margin action asks of a person."""
    if action.hedge is None:
        return "deposit USD at the broker"
    leg = "CME" if action.hedge.value == "linear" else "the inverse leg"
    return f"deposit XBT, sell {leg} by as much"


def _print(spread: Any, outcomes: Sequence[Any], liquidation: Decimal | None, margin: str) -> None:
    from rich.table import Table

    from bot.cli.output import console

    out = console()
    kind = spread.hedge_kind.value
    out.print(
        f"[bold]{spread.direction}[/]  {spread.inverse_contracts:+,} inverse contracts at "
        f"{usd(spread.inverse_price)}, {spread.linear_contracts:+,} linear at {usd(spread.linear_price)}"
    )
    out.print(
        f"collateral {xbt(spread.collateral)} XBT, hedged by {spread.hedge_contracts:+,} {kind} contracts"
    )
    out.print(f"broker's margin {margin} USD")
    if spread.collateral_in_full != spread.collateral:
        out.print(f"[yellow]the hedge needs margin too: {xbt(spread.collateral_in_full)} XBT in all[/]")
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("price", "inverse XBT", "inverse USD", "linear USD", "together", "with hedge"):
        table.add_column(name, justify="right")
    for one in outcomes:
        table.add_row(
            usd(one.price),
            xbt(one.inverse.amount),
            usd(one.inverse_in_usd.amount),
            usd(one.linear.amount),
            usd(one.total.amount),
            usd(one.hedged_total.amount),
        )
    out.print(table)
    for one in outcomes:
        for action in one.actions:
            out.print(f"at {usd(one.price)}: {wanted(action)}")
    if liquidation is not None:
        out.print(
            f"[yellow]without top-ups the inverse leg is liquidated near {usd(round(liquidation, 2))}:\n"
            "beyond it the table does not hold[/]"
        )


def register(app: typer.Typer) -> None:
    app.command()(scenario)
