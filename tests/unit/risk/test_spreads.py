"""The two spreads of DOMAIN.md, section 2: every figure of the table, through our own functions."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from risk.direction import Direction
from risk.exposure import (
    Holding,
    Portfolio,
    delta_after_closing,
    delta_from_cost,
    exposure,
    revalue,
)
from risk.margin import MarginAction, cross_liquidation, margin_actions
from risk.money import Currency, Money
from risk.orders import Side
from risk.pnl import in_usd, pnl
from risk.sizing import collateral_hedge, collateral_needed, hedge_size, paired_reduction
from risk.terms import Kind
from tests.unit.risk.contracts import D, inverse, linear

INVERSE, LINEAR = inverse(), linear()
SPOT = D(8000)
WALLET = Money.of(Currency.XBT, D(5))


@dataclass(frozen=True)
class Spread:
    direction: Direction
    inverse_contracts: int
    inverse_entry: Decimal
    linear_contracts: int
    linear_entry: Decimal


LONG = Spread(Direction.LONG_INVERSE, 200_000, D(8000), -5, D(10_000))
SHORT = Spread(Direction.SHORT_INVERSE, -250_000, D(10_000), 5, D(8000))

# price: inverse XBT, inverse USD, linear USD
TABLE = [
    (LONG, 4000, "-25.00", "-100000", "150000"),
    (LONG, 8000, "0", "0", "50000"),
    (LONG, 16000, "12.50", "200000", "-150000"),
    (SHORT, 4000, "37.50", "150000", "-100000"),
    (SHORT, 8000, "6.25", "50000", "0"),
    (SHORT, 16000, "-9.375", "-150000", "200000"),
]


def legs(spread: Spread, price: Decimal) -> tuple[Money, Money]:
    return (
        pnl(INVERSE, spread.inverse_contracts, spread.inverse_entry, price),
        pnl(LINEAR, spread.linear_contracts, spread.linear_entry, price),
    )


def with_collateral_hedge(spread: Spread) -> Portfolio:
    """The spread on 5 XBT, and the hedge our own sizing gives that collateral at the entry prices."""
    size = collateral_hedge(spread.direction, LINEAR, INVERSE, D(5), spread.inverse_entry)
    trade = size.side.sign * size.contracts
    assert size.carried == 0
    on_linear = spread.direction is Direction.LONG_INVERSE
    inverse_contracts = spread.inverse_contracts + (0 if on_linear else trade)
    linear_contracts = spread.linear_contracts + (trade if on_linear else 0)
    return Portfolio(
        (WALLET,),
        (
            Holding.opened_at(INVERSE, inverse_contracts, spread.inverse_entry, spread.inverse_entry),
            Holding.opened_at(LINEAR, linear_contracts, spread.linear_entry, spread.linear_entry),
        ),
    )


@pytest.mark.parametrize(("spread", "price", "inverse_xbt", "inverse_usd", "linear_usd"), TABLE)
def test_profit_of_each_leg(
    spread: Spread, price: int, inverse_xbt: str, inverse_usd: str, linear_usd: str
) -> None:
    on_inverse, on_linear = legs(spread, D(price))
    assert on_inverse == Money.of(Currency.XBT, D(inverse_xbt))
    assert in_usd(on_inverse, D(price)) == Money.of(Currency.USD, D(inverse_usd))
    assert on_linear == Money.of(Currency.USD, D(linear_usd))


@pytest.mark.parametrize("spread", [LONG, SHORT])
@pytest.mark.parametrize("price", [4000, 8000, 16000])
def test_spread_alone_earns_the_same_at_every_price(spread: Spread, price: int) -> None:
    on_inverse, on_linear = legs(spread, D(price))
    assert in_usd(on_inverse, D(price)).amount + on_linear.amount == 50_000


@pytest.mark.parametrize("spread", [LONG, SHORT])
@pytest.mark.parametrize("price", [4000, 8000, 16000])
def test_total_with_the_collateral_hedge(spread: Spread, price: int) -> None:
    portfolio = with_collateral_hedge(spread)
    assert revalue(portfolio, D(price)) - WALLET.amount * SPOT == 60_000


def test_sizes_of_the_legs() -> None:
    assert INVERSE.xbt(200_000, D(8000)) == 25
    assert INVERSE.xbt(-250_000, D(10_000)) == -25
    assert LINEAR.xbt(-5, D(10_000)) == -25
    assert INVERSE.contracts_for(D(25), D(8000)) == 200_000
    assert INVERSE.contracts_for(D(25), D(10_000)) == 250_000
    assert LINEAR.contracts_for(D(25), D(10_000)) == 5


def test_collateral_at_leverage_five() -> None:
    assert collateral_needed(Direction.LONG_INVERSE, D(25), D("0.2")) == 5
    assert collateral_needed(Direction.SHORT_INVERSE, D(25), D("0.2")) == D("6.25")
    long = collateral_hedge(Direction.LONG_INVERSE, LINEAR, INVERSE, D(5), D(8000))
    assert (long.side.sign * long.contracts, long.carried) == (-1, D(0))
    short = collateral_hedge(Direction.SHORT_INVERSE, LINEAR, INVERSE, D(5), D(10_000))
    assert (short.side.sign * short.contracts, short.carried) == (-50_000, D(0))
    true = collateral_hedge(Direction.SHORT_INVERSE, LINEAR, INVERSE, D("6.25"), D(10_000))
    assert true.side.sign * true.contracts == -62_500
    margin = abs(INVERSE.xbt(SHORT.inverse_contracts - 62_500, D(10_000))) * D("0.2")
    assert margin == D("6.25")


@pytest.mark.parametrize(("spread", "margin"), [(LONG, 60_000), (SHORT, 40_000)])
def test_linear_margin_at_twenty_per_cent(spread: Spread, margin: int) -> None:
    held = with_collateral_hedge(spread).holdings[1]
    assert abs(LINEAR.xbt(held.contracts, held.mark)) * held.mark * D("0.2") == margin


@pytest.mark.parametrize(("spread", "locked"), [(LONG, 10_000), (SHORT, 10_000)])
def test_collateral_hedge_locks(spread: Spread, locked: int) -> None:
    bare = Portfolio(
        (),
        (
            Holding.opened_at(INVERSE, spread.inverse_contracts, spread.inverse_entry, SPOT),
            Holding.opened_at(LINEAR, spread.linear_contracts, spread.linear_entry, SPOT),
        ),
    )
    hedged = with_collateral_hedge(spread)
    for price in (D(4000), D(8000), D(16000)):
        gained = revalue(hedged, price) - revalue(bare, price) - WALLET.amount * SPOT
        assert gained == locked


@pytest.mark.parametrize("spread", [LONG, SHORT])
def test_delta_is_zero_with_the_collateral_hedge(spread: Spread) -> None:
    portfolio = with_collateral_hedge(spread)
    assert delta_from_cost(portfolio) == 0
    assert exposure(portfolio).total == 0
    for price in (D(4000), D(6000), D(8000), D(16000)):
        # half a satoshi for each of the lots that are rounded, 3,000 of them at most
        assert abs(exposure(portfolio.marked(price)).total) <= D("0.000015")


def test_leaving_unrealised_out_is_wrong_by_8_33() -> None:
    at_6000 = exposure(with_collateral_hedge(LONG).marked(D(6000)))
    without = at_6000.wallet + at_6000.inverse + at_6000.linear
    assert round(abs(without - at_6000.total), 2) == D("8.33")


def test_unwinding_moves_delta() -> None:
    price = D(16000)
    before = exposure(with_collateral_hedge(LONG).marked(price))
    assert (before.margin_balance, before.total) == (D("17.5"), D(0))
    flat = delta_after_closing(before.total, INVERSE, 200_000, price)
    flat = delta_after_closing(flat, LINEAR, -6, price)
    assert flat == D("17.5")
    halved = delta_after_closing(before.total, INVERSE, 100_000, price)
    halved = delta_after_closing(halved, LINEAR, -3, price)
    assert halved == D("8.75")


def test_delta_after_closing_is_what_the_books_show_after_it() -> None:
    """Close 160,000 of the 200,000 at 16,000: the result goes to the wallet, the rest keeps its cost."""
    price, closed = D(16000), 160_000
    before = with_collateral_hedge(LONG)
    result = pnl(INVERSE, closed, D(8000), price)
    after = Portfolio(
        (Money(Currency.XBT, WALLET.units + result.units),),
        (Holding.opened_at(INVERSE, 40_000, D(8000), price), before.holdings[1]),
    )
    assert (
        delta_from_cost(after) == delta_after_closing(delta_from_cost(before), INVERSE, closed, price) == -10
    )


def test_paired_reduction_at_the_current_price() -> None:
    """At 16,000 the 25 XBT bought at 8,000 count 12.5: pairs match 10 XBT with two linear contracts."""
    pair = paired_reduction(INVERSE, 200_000, LINEAR, -6, D(1000), D(16000))
    assert (pair.inverse, pair.linear, pair.delta_change) == (-160_000, 2, D(0))
    one = paired_reduction(INVERSE, 200_000, LINEAR, -6, D("9.99"), D(16000))
    assert (one.inverse, one.linear, one.delta_change) == (-80_000, 1, D(0))
    other = paired_reduction(INVERSE, -250_000, LINEAR, 5, D(5), D(12_345))
    assert (other.inverse, other.linear) == (61_700, -1)
    assert other.delta_change == D(61_700) / D(12_345) - 5


@pytest.mark.parametrize(("held", "against"), [(100, 1), (-100, -1), (0, 1), (100, 0)])
def test_no_pair_without_opposite_positions(held: int, against: int) -> None:
    with pytest.raises(ValueError, match="no pair"):
        paired_reduction(INVERSE, held, LINEAR, against, D(1), D(8000))


def test_hedge_what_was_filled_not_the_mark() -> None:
    """25 XBT sized by a mark of 8,000 and filled 0.1 % above it leave −0.025 XBT."""
    contracts = INVERSE.contracts_for(D(25), D(8000))
    left = D(-25) + INVERSE.xbt(contracts, D(8008))
    assert round(left, 3) == D("-0.025")
    # 0.02498 XBT are 200 USD at 8,008: two lots more, bought at that price, and nothing is left
    size = hedge_size(INVERSE, left, D(8008))
    assert (size.side, size.contracts) == (Side.BUY, 200)
    assert abs(size.carried) < D("1e-20")


@pytest.mark.parametrize(
    ("spread", "price", "expected"),
    [
        (LONG, 4000, [MarginAction(Kind.INVERSE, Currency.XBT, Kind.LINEAR)]),
        (LONG, 16000, [MarginAction(Kind.LINEAR, Currency.USD, None)]),
        (SHORT, 4000, [MarginAction(Kind.LINEAR, Currency.USD, None)]),
        (SHORT, 16000, [MarginAction(Kind.INVERSE, Currency.XBT, Kind.INVERSE)]),
    ],
)
def test_margin_actions_follow_from_the_profit(
    spread: Spread, price: int, expected: list[MarginAction]
) -> None:
    assert list(margin_actions(spread.direction, *legs(spread, D(price)))) == expected


def test_liquidation_without_top_ups() -> None:
    maintenance = INVERSE.terms.maintenance_margin
    assert maintenance == D("0.005")
    for spread, price in ((LONG, "6694.56"), (SHORT, "11928.43")):
        held = with_collateral_hedge(spread).holdings[0]
        liquidation = cross_liquidation(D(5), held.contracts, spread.inverse_entry, maintenance)
        assert liquidation is not None
        assert round(liquidation, 2) == D(price)
