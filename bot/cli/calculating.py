"""``calc``: profit, margin, liquidation, funding, and the guides' figures, worked out. See also ``sizing``."""

from decimal import Decimal
from typing import Annotated, Any

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import Share, fraction, percent, plain, positive, usd, whole, xbt
from bot.cli.options import Json

calc = typer.Typer(
    help="Calculators: profit, margin, liquidation, gap, capital.\n\nFor the inverse contract; nothing is connected.",
    no_args_is_help=True,
)

Contracts = Annotated[int, typer.Option(help="Contracts of 1 USD; negative when short.", metavar="N")]
Entry = Annotated[Decimal, typer.Option(parser=positive, help="Price of the position.", metavar="USD")]
Maintenance = Annotated[
    Decimal,
    typer.Option(parser=fraction, help="Maintenance margin rate.", metavar="PERCENT"),
]


Fee = Annotated[Decimal, typer.Option(parser=fraction, help="Fee of one side.", metavar="PERCENT")]
MAINTENANCE = Share("0.005")
_FEE = Share("0.0005")


def contract(fee: Decimal = _FEE, maintenance: Decimal = MAINTENANCE, tick: Decimal = Decimal("0.1")) -> Any:
    """Return the inverse perpetual's terms (DOMAIN figures: for calculators only; a bot asks the venue)."""
    from risk.instruments import Instrument, InstrumentId
    from risk.terms import Kind, Terms

    terms = Terms(Kind.INVERSE, 100, tick, Decimal(1), 100, fee, fee, maintenance_margin=maintenance)
    return Instrument(InstrumentId("inverse", "XBTUSD"), terms)


def say(json: bool, view: dict[str, Any], rows: list[tuple[str, str]]) -> None:
    """Print ``view`` as JSON, or ``rows`` as two columns."""
    from bot.cli import output

    if json:
        output.print_json(view)
        return
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")


def _no_position(contracts: int) -> None:
    if contracts == 0:
        raise typer.BadParameter(
            "a position of nothing: give contracts, negative when short", param_hint="'--contracts'"
        )


@calc.command("pnl")
def profit(
    contracts: Contracts,
    entry: Entry,
    exit: Annotated[Decimal, typer.Option(parser=positive, help="Price it is closed at.", metavar="USD")],
    fee: Fee = Share(0),
    funding: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="Funding rate of one interval.", metavar="PERCENT"),
    ] = Share(0),
    intervals: Annotated[int, typer.Option(parser=whole(0), help="How often it was paid.", metavar="N")] = 0,
    json: Json = False,
) -> None:
    """Profit of an inverse position.

    In XBT as the venue books it, fees and funding in it, and in USD at the exit.

    Example: basisbot calc pnl --contracts 10000 --entry 20000 --exit 21000
    """
    from risk.money import from_units
    from risk.pnl import fee as fee_of
    from risk.pnl import funding as funding_of
    from risk.pnl import pnl

    _no_position(contracts)
    instrument = contract(fee)
    gross = pnl(instrument, contracts, entry, exit).units
    fees = sum(fee_of(instrument, contracts, price, fee).units for price in (entry, exit))
    carried = intervals * funding_of(instrument, contracts, entry, funding).units
    net = from_units(gross - fees + carried)
    view = {
        "gross_xbt": plain(from_units(gross)),
        "fees_xbt": plain(from_units(-fees)),
        "funding_xbt": plain(from_units(carried)),
        "net_xbt": plain(net),
        "net_usd_at_exit": plain(round(net * exit, 2)),
    }
    rows = [
        ("profit", f"{xbt(from_units(gross))} XBT"),
        ("fees", f"{xbt(from_units(-fees))} XBT"),
        ("funding", f"{xbt(from_units(carried))} XBT"),
        ("net", f"{xbt(net)} XBT = {usd(net * exit)} USD at {usd(exit)}"),
    ]
    say(json, view, rows)


@calc.command("margin")
def margin(
    contracts: Contracts,
    entry: Entry,
    leverage: Annotated[Decimal, typer.Option(parser=positive, help="Leverage.", metavar="N")] = Decimal(1),
    fee: Fee = _FEE,
    maintenance: Maintenance = MAINTENANCE,
    json: Json = False,
) -> None:
    """Margin of an inverse order and of the position it makes.

    Example: basisbot calc margin --contracts 30000 --entry 30000 --leverage 10
    """
    from risk.margin import initial_rate, isolated_margin, order_margin
    from risk.money import from_units
    from risk.orders import Side

    _no_position(contracts)
    instrument = contract(fee, maintenance)
    value = abs(instrument.value_units(contracts, entry))
    initial = initial_rate(instrument.terms.initial_margin, leverage)
    order = order_margin(value, initial, fee)
    side = Side.BUY if contracts > 0 else Side.SELL
    held = isolated_margin(instrument, side, abs(contracts), entry, leverage)
    figures = {
        "value": value,
        "order_margin": order,
        "initial": held.initial,
        "commission": held.commission,
        "maintenance": held.maintenance,
    }
    view = {f"{name}_xbt": plain(from_units(units)) for name, units in figures.items()}
    said = (
        "value",
        "an order asks for",
        "the position's initial margin",
        "fee of closing, set aside",
        "maintenance, that fee in it",
    )
    rows = [
        (name, f"{xbt(from_units(units))} XBT") for name, units in zip(said, figures.values(), strict=True)
    ]
    say(json, {"initial_rate": plain(initial), **view}, rows)


@calc.command("liquidation")
def liquidation(
    contracts: Contracts,
    entry: Entry,
    leverage: Annotated[
        Decimal | None, typer.Option(parser=positive, help="Isolated margin at this leverage.", metavar="N")
    ] = None,
    wallet: Annotated[
        Decimal | None, typer.Option(parser=positive, help="Cross margin on this wallet.", metavar="XBT")
    ] = None,
    maintenance: Maintenance = MAINTENANCE,
    json: Json = False,
) -> None:
    """Where an inverse position is liquidated.

    With isolated margin (--leverage) or cross margin (--wallet); fees of closing are not counted.

    Example: basisbot calc liquidation --contracts -300000 --entry 10000 --wallet 5
    """
    from risk.margin import cross_liquidation, isolated_bankruptcy, isolated_liquidation
    from risk.orders import Side

    _no_position(contracts)
    if (leverage is None) == (wallet is None):
        raise CommandFailed("give either --leverage (isolated) or --wallet (cross)", Exit.USAGE)
    side = Side.BUY if contracts > 0 else Side.SELL
    bankrupt = None
    if leverage is not None:
        at = isolated_liquidation(side, entry, leverage, maintenance)
        bankrupt = isolated_bankruptcy(side, entry, leverage)
    else:
        at = cross_liquidation(wallet or Decimal(0), contracts, entry, maintenance)
    said = "at no price" if at is None else f"{usd(at)} ({percent(at / entry - 1)})"
    rows = [("liquidated", said)]
    if bankrupt is not None:
        rows.append(("bankrupt", f"{usd(bankrupt)} ({percent(bankrupt / entry - 1)})"))
    view = {
        "liquidation": None if at is None else plain(round(at, 2)),
        "bankruptcy": None if bankrupt is None else plain(round(bankrupt, 2)),
    }
    say(json, view, rows)


@calc.command("funding")
def funding_payment(
    contracts: Contracts,
    price: Annotated[Decimal, typer.Option(parser=positive, help="Mark price.", metavar="USD")],
    rate: Annotated[Decimal, typer.Option(parser=fraction, help="Rate of one interval.", metavar="PERCENT")],
    intervals: Annotated[int, typer.Option(parser=whole(1), help="How often.", metavar="N")] = 1,
    json: Json = False,
) -> None:
    """Funding received, or paid (negative).

    A positive rate is paid by the longs, on the value at the mark price.
    """
    from risk.money import from_units
    from risk.pnl import funding

    _no_position(contracts)
    amount = from_units(intervals * funding(contract(), contracts, price, rate).units)
    say(
        json,
        {"funding_xbt": plain(amount), "funding_usd": plain(round(amount * price, 2))},
        [("funding", f"{xbt(amount)} XBT = {usd(amount * price)} USD")],
    )


@calc.command("guides")
def guides(json: Json = False) -> None:
    """Figures in circulation, corrected.

    What public guides claim about the inverse contract, and what it comes to.
    """
    from bot.cli import output
    from bot.cli.guides import corrections

    found = corrections()
    if json:
        output.print_json([{"claim": claim, "correct": correct} for claim, correct in found])
        return
    for claim, correct in found:
        print(f"{claim}\n    {correct}")
