"""Claims in circulation about the inverse contract, each with the figure worked out (DOMAIN.md, section 5)."""

from decimal import Decimal

from bot.cli.calculating import contract
from risk.margin import (
    initial_rate,
    isolated_liquidation,
    isolated_margin,
    order_margin,
)
from risk.money import from_units
from risk.orders import Side
from risk.pnl import fee, funding, pnl

_MAINTENANCE = Decimal("0.005")


def _earned(contracts: int, entry: int, exit: int) -> str:
    amount = pnl(contract(), contracts, Decimal(entry), Decimal(exit)).amount
    return f"{amount:+,.8f} XBT, {amount * exit:,.2f} USD at {exit:,}"


def _liquidated(entry: int, leverage: int) -> str:
    at = [isolated_liquidation(side, Decimal(entry), Decimal(leverage), _MAINTENANCE) for side in Side]
    return " / ".join("no price" if price is None else f"{price:,.2f}" for price in at)


def _round_trip() -> str:
    instrument, rate = contract(Decimal("0.00075")), Decimal("0.00075")
    entry, exit = Decimal(20_000), Decimal(21_000)
    fees = [from_units(fee(instrument, 10_000, price, rate).units) for price in (entry, exit)]
    carried = 2 * funding(instrument, 10_000, entry, Decimal("0.0001")).amount
    net = pnl(instrument, 10_000, entry, exit).amount - sum(fees) + carried
    return (
        f"{fees[0] * entry:.2f} a side, {fees[0] * entry + fees[1] * exit:.2f} the round trip; funding "
        f"{-carried * entry:.2f}; net {net:.8f} XBT, {net * exit:.2f} USD"
    )


def _margin_of_ten_times() -> str:
    instrument = contract()
    price, leverage = Decimal(30_000), Decimal(10)
    value = instrument.value_units(30_000, price)
    rate = initial_rate(instrument.terms.initial_margin, leverage)
    held = isolated_margin(instrument, Side.BUY, 30_000, price, leverage)
    asked = order_margin(value, rate, instrument.terms.taker_fee)
    return f"{from_units(held.initial):.5f} XBT, {from_units(asked):.5f} with fees: margin is XBT"


def _at_hundred_times() -> str:
    moves = []
    for side in Side:
        at = isolated_liquidation(side, Decimal(20_000), Decimal(100), _MAINTENANCE)
        if at is not None:
            moves.append(f"{(at / 20_000 - 1) * 100:+.3f} %")
    return f"liquidated at {' / '.join(moves)}"


def _with_funding() -> str:
    earned = pnl(contract(), 20_000, Decimal(20_000), Decimal(20_500)).amount
    paid = -funding(contract(), 20_000, Decimal(20_000), Decimal("0.0001")).amount
    return f"{earned:+.5f} XBT; funding {paid * 20_000:.2f}; {(earned * 20_500 - paid * 20_000):.2f} USD"


def corrections() -> list[tuple[str, str]]:
    """Return claims and what is correct, a line each."""
    value = contract().xbt(10_000, Decimal(20_000))
    return [
        ("10,000 contracts long, 20,000 to 21,000, earn 10,000 USD", _earned(10_000, 20_000, 21_000)),
        ("10,000 contracts short, 20,000 to 19,000, earn 10,000 USD", _earned(-10_000, 20_000, 19_000)),
        (
            "that position at 10 times leverage needs 20,000 USD",
            f"it is worth 10,000 USD = {value} XBT; margin {value * 20_000 / 10:,.0f} USD",
        ),
        ("its fees at 0.075 % are 15 (or 7.50), two fundings of 0.01 % 20 (or 2)", _round_trip()),
        ("liquidation at 10 times, from 20,000, is 19,990 / 20,010", _liquidated(20_000, 10)),
        (
            "maintenance margin is half the initial margin",
            "0.5 % of value (plus risk steps), whatever the leverage",
        ),
        ("30,000 USD at 30,000 and 10 times need 3,000 USD", _margin_of_ten_times()),
        ("leverage multiplies the contract's value", "it changes the margin, not the notional"),
        ("20,000 long, 20,000 to 20,500, after one funding of 0.01 % earn 497.95", _with_funding()),
        ("a future short by 1 XBT, 25,000 to 24,000, pays 1,000 USD", _earned(-25_000, 25_000, 24_000)),
        ("1,000 contracts, 8,000 to 8,500, earn 500,000 USD", _earned(1_000, 8_000, 8_500)),
        ("the same to 7,500", _earned(1_000, 8_000, 7_500)),
        ("at 100 times a move of 1 % takes the whole margin", _at_hundred_times()),
        ("the short-inverse spread bets on a widening basis", "it earns convergence too (basisbot scenario)"),
        ("a move of 5,000 USD triggers the table of sizes", "one of 5 XBT does (basisbot calc moves)"),
    ]
