"""Sizes: nothing is over-hedged, nothing is lost on the way, pairs match at the price of the moment."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from risk.direction import Direction
from risk.exposure import Holding, Portfolio, delta_from_cost
from risk.instruments import Instrument
from risk.money import Currency, Money
from risk.orders import Fill, Side
from risk.pnl import pnl
from risk.sizing import (
    collateral_hedge,
    collateral_needed,
    hedge_size,
    paired_reduction,
    residual,
    signed_contracts,
    split_tranches,
)
from risk.terms import NOISE
from tests.property.strategies import (
    NOW,
    fills,
    instruments,
    inverse_instruments,
    linear_instruments,
    lots,
    near,
    prices,
    sides,
)

SATOSHI = Decimal("1e-8")
LAST_DIGIT = Decimal("1e-20")
XBT = st.integers(-(10**11), 10**11).map(lambda satoshi: satoshi * SATOSHI)
sized = instruments.flatmap(lambda i: st.tuples(st.just(i), prices(i)))


@settings(max_examples=300)
@given(sized, XBT)
def test_a_hedge_is_never_larger_than_what_it_hedges(
    case: tuple[Instrument, Decimal], naked: Decimal
) -> None:
    instrument, price = case
    size = hedge_size(instrument, naked, price)
    granule = instrument.granule(price)
    trade = instrument.xbt(size.side.sign * size.contracts, price)
    assert size.contracts % instrument.terms.lot == 0
    assert abs(naked + trade - size.carried) < LAST_DIGIT
    # against what is naked, and never beyond nought; what is carried would not make another lot
    assert trade * naked <= 0
    assert size.carried * naked >= -NOISE * granule * abs(naked)
    assert abs(size.carried) < granule


@given(instruments.flatmap(lambda i: st.tuples(st.just(i), lots(i), prices(i), st.sampled_from([1, -1]))))
def test_contracts_survive_the_way_through_xbt(case: tuple[Instrument, int, Decimal, int]) -> None:
    instrument, contracts, price, sign = case
    assert signed_contracts(instrument, instrument.xbt(sign * contracts, price), price) == sign * contracts


@given(
    instruments.flatmap(lambda i: st.tuples(st.just(i), lots(i))).flatmap(
        lambda c: st.tuples(st.just(c[0]), st.just(c[1]), st.integers(1, min(90, c[1] // c[0].terms.lot)))
    )
)
def test_tranches_lose_no_contract(case: tuple[Instrument, int, int]) -> None:
    instrument, contracts, count = case
    tranches = split_tranches(instrument, contracts, count)
    assert sum(tranches) == contracts
    assert len(tranches) == count
    assert all(tranche > 0 and tranche % instrument.terms.lot == 0 for tranche in tranches)
    assert max(tranches) - min(tranches) <= instrument.terms.lot
    assert list(tranches) == sorted(tranches, reverse=True)


pairs = st.tuples(inverse_instruments(), linear_instruments()).flatmap(
    lambda legs: st.tuples(
        st.just(legs[0]),
        lots(legs[0]),
        prices(legs[0]),
        st.just(legs[1]),
        lots(legs[1]),
        prices(legs[0]),
        st.sampled_from([1, -1]),
    )
)


@settings(max_examples=300)
@given(pairs, st.integers(0, 3 * 10**10))
def test_pairs_are_matched_at_the_current_price(
    case: tuple[Instrument, int, Decimal, Instrument, int, Decimal, int], satoshi: int
) -> None:
    """Carry the reduction out at that price, book it, and see what Δ did: less than one inverse lot."""
    inverse, contracts, entry, linear, linear_contracts, price, sign = case
    xbt = satoshi * SATOSHI
    pair = paired_reduction(inverse, sign * contracts, linear, -sign * linear_contracts, xbt, price)
    left, linear_left = sign * contracts + pair.inverse, -sign * linear_contracts + pair.linear

    assert 0 <= sign * left <= contracts
    assert 0 <= -sign * linear_left <= linear_contracts
    assert pair.inverse % inverse.terms.lot == pair.linear % linear.terms.lot == 0
    assert linear.xbt(abs(pair.linear), price) <= xbt + NOISE * linear.granule(price)
    assert abs(pair.delta_change) < inverse.granule(price)

    before = Portfolio(
        (),
        (
            Holding.opened_at(inverse, sign * contracts, entry, price),
            Holding.opened_at(linear, -sign * linear_contracts, entry, price),
        ),
    )
    realised = pnl(inverse, -pair.inverse, entry, price)
    after = replace(
        before,
        wallets=(Money(Currency.XBT, realised.units),),
        holdings=(
            Holding.opened_at(inverse, left, entry, price),
            Holding.opened_at(linear, linear_left, entry, price),
        ),
    )
    moved = delta_from_cost(after) - delta_from_cost(before)
    # the value traded is rounded by half a satoshi a unit, broken units by one at entry (three parts) and exit
    rounding = (Decimal(abs(pair.inverse)) / inverse.terms.rounding_unit / 2 + 4) * SATOSHI
    assert abs(moved - pair.delta_change) <= rounding + LAST_DIGIT


@given(pairs)
def test_reducing_by_everything_leaves_less_than_a_pair(
    case: tuple[Instrument, int, Decimal, Instrument, int, Decimal, int],
) -> None:
    inverse, contracts, _, linear, linear_contracts, price, sign = case
    pair = paired_reduction(
        inverse, sign * contracts, linear, -sign * linear_contracts, Decimal(10**6), price
    )
    left = min(
        inverse.xbt(contracts - abs(pair.inverse), price),
        linear.xbt(linear_contracts - abs(pair.linear), price),
    )
    assert left < linear.granule(price) + inverse.granule(price)


@given(
    inverse_instruments(),
    linear_instruments(),
    st.sampled_from(list(Direction)),
    st.integers(1, 10**11),
    st.data(),
)
def test_collateral_hedge_sells_the_short_leg_and_never_too_much(
    inverse: Instrument, linear: Instrument, direction: Direction, satoshi: int, data: st.DataObject
) -> None:
    price = data.draw(prices(inverse))
    size = collateral_hedge(direction, linear, inverse, satoshi * SATOSHI, price)
    leg = linear if direction is Direction.LONG_INVERSE else inverse
    assert size.side is Side.SELL
    assert -NOISE * leg.granule(price) <= size.carried < leg.granule(price)
    assert abs(satoshi * SATOSHI - leg.xbt(size.contracts, price) - size.carried) < LAST_DIGIT


@given(st.sampled_from(list(Direction)), st.integers(1, 500), st.integers(1, 99))
def test_collateral_needed_carries_what_it_hedges(direction: Direction, spread: int, percent: int) -> None:
    """The margin of the inverse leg, and of the hedge where that is inverse too, is the collateral itself."""
    rate = Decimal(percent) / 100
    needed = collateral_needed(direction, Decimal(spread), rate)
    carried = spread + (needed if direction is Direction.SHORT_INVERSE else 0)
    assert abs(carried * rate - needed) < LAST_DIGIT * 10**6


# One step of the chain: a fill of the working leg, the hedge's price beside the one it was sized at, and how
# much of the hedge fills before it is cancelled (per cent).
@st.composite
def chains(draw: st.DrawFn) -> tuple[Instrument, Instrument, list[tuple[Fill, Decimal, Decimal, int]]]:
    inverse, linear = draw(inverse_instruments()), draw(linear_instruments())
    working, hedging = draw(st.sampled_from([(linear, inverse), (inverse, linear)]))
    side, start = draw(sides), draw(prices(hedging, 5_000, 100_000))
    steps = []
    for _ in range(draw(st.integers(1, 8))):
        # now and then a fill on the other side: a contingency took some of it back
        fill_side = side if draw(st.integers(0, 4)) else side.opposite
        fill = draw(fills(working, side=fill_side, price=draw(near(working, start)), most_xbt=20))
        steps.append(
            (fill, draw(near(hedging, start)), draw(near(hedging, start)), draw(st.integers(0, 100)))
        )
    return working, hedging, steps


def answer(hedging: Instrument, side: Side, contracts: int, price: Decimal) -> Fill:
    return Fill("h", hedging.id, "c", "v", side, contracts, price, NOW)


@settings(max_examples=200)
@given(chains())
def test_hedge_chain_loses_nothing(
    chain: tuple[Instrument, Instrument, list[tuple[Fill, Decimal, Decimal, int]]],
) -> None:
    """Partial fills, hedges filled in part and at other prices: the residual is the exact sum of it all,
    and one hedge filled as sized leaves less than one granule of it."""
    working, hedging, steps = chain
    told: list[tuple[Instrument, Fill]] = []
    exact = Fraction(0)

    def tell(instrument: Instrument, fill: Fill) -> None:
        nonlocal exact
        told.append((instrument, fill))
        amount = Fraction(instrument.terms.multiplier) * fill.side.sign * fill.quantity
        exact += amount / Fraction(fill.price) if instrument.terms.settlement is Currency.XBT else amount

    price = steps[-1][1]
    for fill, expected, got, percent in steps:
        tell(working, fill)
        size = hedge_size(hedging, residual(told), expected)
        lot = hedging.terms.lot
        filled = size.contracts // lot * percent // 100 * lot
        if filled:
            tell(hedging, answer(hedging, size.side, filled, got))
        assert abs(Fraction(residual(told)) - exact) < Fraction(LAST_DIGIT)

    last = hedge_size(hedging, residual(told), price)
    if last.contracts:
        tell(hedging, answer(hedging, last.side, last.contracts, price))
    assert abs(residual(told)) < hedging.granule(price)
    assert abs(Fraction(last.carried) - exact) < Fraction(LAST_DIGIT)
    assert hedge_size(hedging, residual(told), price).contracts == 0


@settings(max_examples=200)
@given(chains())
def test_hedging_every_fill_at_once_keeps_the_residual_below_a_granule(
    chain: tuple[Instrument, Instrument, list[tuple[Fill, Decimal, Decimal, int]]],
) -> None:
    """Each hedge filled whole at the price it was sized at: never a granule naked, however the fills came."""
    working, hedging, steps = chain
    told: list[tuple[Instrument, Fill]] = []
    for fill, expected, _, _ in steps:
        told.append((working, fill))
        size = hedge_size(hedging, residual(told), expected)
        if size.contracts:
            told.append((hedging, answer(hedging, size.side, size.contracts, expected)))
        assert abs(residual(told)) < hedging.granule(expected)
