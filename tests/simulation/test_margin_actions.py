"""The two rows of "Margin actions", as the whole bot derives them from running both spreads up and down."""

from decimal import Decimal

import pytest

from risk.direction import Direction
from risk.money import Currency, Money
from tests.simulation.margin_actions import LINEAR, run
from tests.simulation.stage import INVERSE

D = Decimal
LONG, SHORT = Direction.LONG_INVERSE, Direction.SHORT_INVERSE
XBT_THERE, USD_THERE = (INVERSE.venue, Currency.XBT), (LINEAR.venue, Currency.USD)
FALLS, RISES = D("-0.15"), D("0.15")


@pytest.mark.parametrize("hedged", [True, False], ids=["hedged", "not-hedged"])
@pytest.mark.parametrize(
    ("direction", "move", "to", "sells"),
    [
        # long BitMEX / short CME | falls: buy XBT, deposit it at BitMEX, sell CME | rises: deposit USD at the broker
        (LONG, FALLS, XBT_THERE, LINEAR),
        (LONG, RISES, USD_THERE, None),
        # short BitMEX / long CME | falls: deposit USD at the broker | rises: buy XBT, deposit it, sell BitMEX
        (SHORT, FALLS, USD_THERE, None),
        (SHORT, RISES, XBT_THERE, INVERSE),
    ],
)
def test_what_each_spread_asks_for(
    direction: Direction, move: Decimal, to: tuple[str, Currency], sells: object, *, hedged: bool
) -> None:
    [row] = run(direction, [move], hedged=hedged)
    assert list(row.sent) == [to]
    assert all(key != to for key in row.released)  # what is idle lies at the other account
    assert (row.liquidations, row.reductions) == (0, 0)
    assert abs(row.naked) <= D("0.1")
    if sells is None:
        # USD carries no Δ: a hedge is only taken off, for XBT that the inverse venue no longer needs.
        assert all(contracts > 0 for contracts in row.hedges.values())
        assert bool(row.hedges) is (XBT_THERE in row.released)
        return
    [(instrument, contracts)] = row.hedges.items()
    assert instrument == sells
    sent = Money(Currency.XBT, row.sent[XBT_THERE]).amount
    price = D(10_000) * (1 + move)  # the short's hedge is sold on the way there, between 10,000 and this
    xbt = D(contracts) / 10 if instrument == LINEAR else D(contracts) / price
    assert sent == pytest.approx(-xbt, abs=D("0.1") if instrument == LINEAR else D("0.15") * sent)


def test_without_top_ups_the_first_spread_is_liquidated_where_the_guides_tables_say() -> None:
    """Golden: near 6,694.56 on 5 XBT without fees; the bot says so while it asks."""
    [row] = run(LONG, [D("-0.06")], hedged=True)
    [text] = [said for (venue, _, brings), said in row.says.items() if brings and venue == INVERSE.venue]
    told = D(text.split("liquidated at ")[1].split(", ")[0].replace(",", ""))
    assert told == pytest.approx(D("6694.56"), abs=D(10))  # the fees of opening are 0.0125 XBT


@pytest.mark.parametrize(("direction", "move"), [(LONG, D("-0.25")), (SHORT, D("0.25"))])
def test_the_next_hedges_are_due_where_the_bot_said_at_the_start(direction: Direction, move: Decimal) -> None:
    [row] = run(direction, [move], hedged=True)
    assert len(row.topped) >= 3
    for price, brought in row.topped[1:]:
        # What is brought is asked for below the top-up level, and up to the aim the table goes by.
        due = next(one for one in row.table if one.xbt >= brought)
        assert price == pytest.approx(due.price, rel=D("0.02"))


def test_the_table_by_hand() -> None:
    """Long 200,000 at 8,000 on 5 XBT, aiming at 16 %: an XBT of position needs 1/0.84 − 0.995 = 0.195476 of equity, so
    that n contracts lack b at p = n × 1.195476 / (5 + 25 + b): 10 XBT at 5,977.38."""
    [row] = run(LONG, [D("-0.01")], hedged=True)
    for brought, price in ((D(5), D("6831.29")), (D(10), D("5977.38"))):
        due = next(one for one in row.table if one.xbt == brought)
        assert due.price == pytest.approx(price, rel=D("0.002"))  # the fees of opening
