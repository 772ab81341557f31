"""``calc``: margin, liquidation, sizing, gap, profit: the guides' figures, worked out."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import fraction, number, percent, plain, positive, prices, usd, xbt
from bot.cli.options import Json

calc = typer.Typer(
    help="Calculators: profit, margin, liquidation, gap, capital.\n\nFor the inverse contract; nothing is connected.",
    no_args_is_help=True,
)

Contracts = Annotated[int, typer.Option(help="Contracts of 1 USD; negative when short.", metavar="N")]
Entry = Annotated[Decimal, typer.Option(parser=positive, help="Price of the position.", metavar="USD")]
Maintenance = Annotated[
    Decimal,
    typer.Option(parser=fraction, help="Maintenance margin rate.", metavar="PERCENT", show_default="0.5%"),
]


def _fee(default: str) -> Any:
    return typer.Option(parser=fraction, help="Fee of one side.", metavar="PERCENT", show_default=default)


_MAINTENANCE = Decimal("0.005")
_FEE = Decimal("0.0005")


def contract(fee: Decimal = _FEE, maintenance: Decimal = _MAINTENANCE, tick: Decimal = Decimal("0.1")) -> Any:
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
    fee: Annotated[Decimal, _fee("0%")] = Decimal(0),
    funding: Annotated[
        Decimal,
        typer.Option(
            parser=fraction, help="Funding rate of one interval.", metavar="PERCENT", show_default="0%"
        ),
    ] = Decimal(0),
    intervals: Annotated[int, typer.Option(min=0, help="How often it was paid.", metavar="N")] = 0,
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
    fee: Annotated[Decimal, _fee("0.05%")] = _FEE,
    maintenance: Maintenance = _MAINTENANCE,
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
    maintenance: Maintenance = _MAINTENANCE,
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


@calc.command("moves")
def moves(
    price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")] = Decimal(8000),
    xbt_moved: Annotated[
        Decimal, typer.Option("--xbt", parser=positive, help="One linear contract.", metavar="XBT")
    ] = Decimal(5),
    sizes: Annotated[
        str, typer.Option(help="Contracts, commas between.", metavar="N,N,…")
    ] = "50000,250000,500000,1000000,2500000,5000000",
    json: Json = False,
) -> None:
    """When the next collateral hedge is due.

    The prices at which an inverse position counts so many XBT (one linear contract) more, or less. Topped up all
    the way, the collateral has moved by as much.
    """
    from risk.margin import price_of_move

    found = [price_of_move(int(size), price, xbt_moved) for size in prices("--sizes", sizes)]
    counted = [int(size) for size in prices("--sizes", sizes)]
    view = {
        "moves": [
            {
                "contracts": size,
                "xbt": plain(size / price),
                "down": plain(round(move.down, 2)),
                "up": None if move.up is None else plain(round(move.up, 2)),
            }
            for size, move in zip(counted, found, strict=True)
        ]
    }
    if json:
        say(True, view, [])
        return
    print(f"{'contracts':>12}  {'XBT':>12}  {'down':>10}  {'':>9}  {'up':>10}")
    for size, move in zip(counted, found, strict=True):
        rise, share = move.up, move.up_percent
        up = "at no price" if rise is None or share is None else f"{rise:>10,.2f}  {share:>+9,.2f} %"
        print(
            f"{size:>12,}  {size / price:>12,.4f}  {move.down:>10,.2f}  {move.down_percent:>+7,.2f} %  {up}"
        )


@calc.command("gap")
def gap(
    move: Annotated[
        Decimal,
        typer.Option("--gap", parser=fraction, help="The move while nothing can be done.", metavar="PERCENT"),
    ],
    price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")] = Decimal(8000),
    wallet: Annotated[
        Decimal, typer.Option(parser=positive, help="Collateral at the inverse venue.", metavar="XBT")
    ] = Decimal(5),
    broker_rate: Annotated[
        Decimal,
        typer.Option(
            parser=fraction,
            help="The broker's margin rate afterwards.",
            metavar="PERCENT",
            show_default="100%",
        ),
    ] = Decimal(1),
    maintenance: Maintenance = _MAINTENANCE,
    json: Json = False,
) -> None:
    """What survives a gap.

    The largest inverse position a wallet carries through it, and the equity the linear leg needs. A fall threatens
    the longs, a rise the shorts.

    Example: basisbot calc gap --gap -20% --price 8000 --wallet 5
    """
    from risk.margin import gap_size, linear_gap_equity
    from risk.orders import Side

    if move <= -1 or move == 0:
        raise typer.BadParameter("a move in per cent, above −100 and not 0: -20%", param_hint="'--gap'")
    # What a fall threatens: the inverse long, and the linear long; a rise the shorts.
    side = Side.BUY if move < 0 else Side.SELL
    most = gap_size(side, wallet, price, price, move, maintenance)
    equity = linear_gap_equity(side, move, broker_rate)
    held = "long" if move < 0 else "short"
    lots = None if most is None else int(most) // 100 * 100
    rows = [
        (
            f"inverse {held}",
            "any size" if lots is None else f"at most {lots:,} contracts ({usd(most or Decimal(0))} USD)",
        ),
        (f"linear {held}", f"{equity.quantize(Decimal('0.0001'))} USD of equity for each USD of notional"),
    ]
    view = {
        "inverse_side": held,
        "inverse_contracts": lots,
        "inverse_usd": None if most is None else plain(round(most, 2)),
        "linear_equity_per_usd": plain(equity),
    }
    say(json, view, rows)


@calc.command("funding")
def funding_payment(
    contracts: Contracts,
    price: Annotated[Decimal, typer.Option(parser=positive, help="Mark price.", metavar="USD")],
    rate: Annotated[Decimal, typer.Option(parser=fraction, help="Rate of one interval.", metavar="PERCENT")],
    intervals: Annotated[int, typer.Option(min=1, help="How often.", metavar="N")] = 1,
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


@calc.command("capital")
def capital(
    have_xbt: Annotated[Decimal, typer.Option("--xbt", parser=number, help="XBT there are.", metavar="XBT")],
    have_usd: Annotated[Decimal, typer.Option("--usd", parser=number, help="USD there are.", metavar="USD")],
    inverse_price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")],
    linear_price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")],
    days: Annotated[int, typer.Option(min=1, help="Until the basis is gone.", metavar="N")] = 90,
    direction: Annotated[
        Literal["long-inverse", "short-inverse"], typer.Option(metavar="long-inverse|short-inverse")
    ] = "long-inverse",
    linear_gap: Annotated[
        Decimal,
        typer.Option(
            parser=fraction, help="CME's gap to survive, either way.", metavar="PERCENT", show_default="15.5%"
        ),
    ] = Decimal("0.155"),
    excursion: Annotated[
        Decimal,
        typer.Option(
            parser=fraction,
            help="The inverse venue's worst move meanwhile.",
            metavar="PERCENT",
            show_default="30%",
        ),
    ] = Decimal("0.3"),
    broker_rate: Annotated[
        Decimal,
        typer.Option(
            parser=fraction, help="The broker's margin rate, raised.", metavar="PERCENT", show_default="100%"
        ),
    ] = Decimal(1),
    leverage: Annotated[
        Decimal, typer.Option(parser=positive, help="Most size over collateral.", metavar="N")
    ] = Decimal(5),
    cost: Annotated[
        Decimal, typer.Option(parser=number, help="Opening and closing, per XBT.", metavar="USD")
    ] = Decimal(0),
    contract_xbt: Annotated[
        Decimal, typer.Option("--contract", parser=positive, help="One linear contract.", metavar="XBT")
    ] = Decimal("0.1"),
    convert: Annotated[
        bool, typer.Option(help="Exchange XBT and USD to fit, or take them as they are.")
    ] = True,
    maintenance: Maintenance = _MAINTENANCE,
    json: Json = False,
) -> None:
    """The largest spread that survives a gap.

    For so much XBT and USD: its size, and where the capital has to lie.

    The return counts on all of the capital, what is idle or set aside for the gap included. The default gap is the
    largest weekend gap of 2018 to 2020, the excursion twice that.

    Example: basisbot calc capital --xbt 10 --usd 500000 --inverse-price 80000 --linear-price 81000
    """
    from risk.capital import Capital, Stress, allocate
    from risk.direction import Direction

    way = Direction(direction)
    try:
        stress = Stress(-excursion, excursion, -linear_gap, linear_gap, maintenance, broker_rate)
        owned = Capital(have_xbt, have_usd, min(inverse_price, linear_price), convert)
        found = allocate(
            way,
            owned,
            stress,
            initial_margin=1 / leverage,
            inverse_price=inverse_price,
            linear_price=linear_price,
            step=contract_xbt,
        )
    except ValueError as error:
        raise CommandFailed(f"cannot plan that: {error}", Exit.USAGE) from error
    earned = linear_price - inverse_price if way is Direction.LONG_INVERSE else inverse_price - linear_price
    profit = found.earns(earned, cost)
    share = profit / owned.total if owned.total else Decimal(0)
    yearly = share * 365 / days
    rows = [
        ("spread", f"{found.size} XBT each leg, {direction}"),
        (
            "at the inverse venue",
            f"{xbt(found.xbt)} XBT, hedged by {found.hedge:.4f} XBT more at the short leg",
        ),
        ("at the broker", f"{usd(found.usd)} USD"),
        ("left over", f"{xbt(found.idle_xbt)} XBT (not hedged), {usd(found.idle_usd)} USD"),
        ("basis", f"{usd(earned)} USD per XBT, costs {usd(cost)}"),
        ("earned when it is gone", f"{usd(profit)} USD"),
        ("on all the capital", f"{percent(share)} of {usd(owned.total)} USD, {percent(yearly)} a year"),
    ]
    view = {
        "size_xbt": plain(found.size),
        "hedge_xbt": plain(round(found.hedge, 8)),
        "inverse_collateral_xbt": plain(round(found.xbt, 8)),
        "broker_usd": plain(round(found.usd, 2)),
        "idle_xbt": plain(round(found.idle_xbt, 8)),
        "idle_usd": plain(round(found.idle_usd, 2)),
        "profit_usd": plain(round(profit, 2)),
        "return": plain(round(share, 6)),
        "return_yearly": plain(round(yearly, 6)),
    }
    say(json, view, rows)


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


def register(app: typer.Typer) -> None:
    app.add_typer(calc, name="calc")
