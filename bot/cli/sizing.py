"""``calc moves|gap|capital``: how large, and with what."""

from decimal import Decimal
from typing import Annotated, Literal

import typer

from bot.cli.calculating import MAINTENANCE, Maintenance, calc, say
from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import Share, fraction, number, percent, plain, positive, prices, usd, whole, xbt
from bot.cli.options import Json


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
        typer.Option(parser=fraction, help="The broker's margin rate afterwards.", metavar="PERCENT"),
    ] = Share(1),
    maintenance: Maintenance = MAINTENANCE,
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


@calc.command("capital")
def capital(
    have_xbt: Annotated[Decimal, typer.Option("--xbt", parser=number, help="XBT there are.", metavar="XBT")],
    have_usd: Annotated[Decimal, typer.Option("--usd", parser=number, help="USD there are.", metavar="USD")],
    inverse_price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")],
    linear_price: Annotated[Decimal, typer.Option(parser=positive, metavar="USD")],
    days: Annotated[int, typer.Option(parser=whole(1), help="Until the basis is gone.", metavar="N")] = 90,
    direction: Annotated[
        Literal["long-inverse", "short-inverse"], typer.Option(metavar="long-inverse|short-inverse")
    ] = "long-inverse",
    linear_gap: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="CME's gap to survive, either way.", metavar="PERCENT"),
    ] = Share("0.155"),
    excursion: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="The inverse venue's worst move meanwhile.", metavar="PERCENT"),
    ] = Share("0.3"),
    broker_rate: Annotated[
        Decimal,
        typer.Option(parser=fraction, help="The broker's margin rate, raised.", metavar="PERCENT"),
    ] = Share(1),
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
    maintenance: Maintenance = MAINTENANCE,
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


def register(app: typer.Typer) -> None:
    app.add_typer(calc, name="calc")
