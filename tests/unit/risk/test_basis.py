from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from risk.basis import Basis, executable_basis, mid_basis
from risk.direction import Action, Direction
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.portfolio import Level, Quote
from risk.terms import Kind
from tests.unit.risk.contracts import D

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def quote(venue: str, bid: int | None, ask: int | None) -> Quote:
    return Quote(
        InstrumentId(venue, "X"),
        () if bid is None else (Level(Decimal(bid), 100),),
        () if ask is None else (Level(Decimal(ask), 100),),
        NOW,
    )


LINEAR, INVERSE = quote("linear", 10_000, 10_005), quote("inverse", 7_990, 8_000)


@pytest.mark.parametrize(
    ("direction", "action", "linear", "inverse", "received"),
    [
        # sells the linear bid, buys the inverse ask
        (Direction.LONG_INVERSE, Action.OPEN, 10_000, 8_000, 2_000),
        # buys the linear ask, sells the inverse bid
        (Direction.LONG_INVERSE, Action.CLOSE, 10_005, 7_990, -2_015),
        (Direction.SHORT_INVERSE, Action.OPEN, 10_005, 7_990, -2_015),
        (Direction.SHORT_INVERSE, Action.CLOSE, 10_000, 8_000, 2_000),
    ],
)
def test_executable_basis(
    direction: Direction, action: Action, linear: int, inverse: int, received: int
) -> None:
    executable = executable_basis(direction, action, LINEAR, INVERSE)
    assert executable is not None
    assert (executable.basis.linear, executable.basis.inverse) == (D(linear), D(inverse))
    assert executable.basis.absolute == linear - inverse
    assert executable.received == received
    assert executable.linear_side is direction.side(Kind.LINEAR, action)


@pytest.mark.parametrize("direction", list(Direction))
def test_round_trip_pays_both_spreads(direction: Direction) -> None:
    """Open and close on unmoved books: 5 of linear spread and 10 of inverse spread are gone."""
    there = executable_basis(direction, Action.OPEN, LINEAR, INVERSE)
    back = executable_basis(direction, Action.CLOSE, LINEAR, INVERSE)
    assert there is not None
    assert back is not None
    assert there.received + back.received == -15


def test_no_executable_basis_without_the_side_it_takes() -> None:
    no_bid, no_ask = quote("linear", None, 10_005), quote("inverse", 7_990, None)
    assert executable_basis(Direction.LONG_INVERSE, Action.OPEN, no_bid, INVERSE) is None
    assert executable_basis(Direction.LONG_INVERSE, Action.OPEN, LINEAR, no_ask) is None
    assert executable_basis(Direction.LONG_INVERSE, Action.CLOSE, no_bid, no_ask) is not None
    assert mid_basis(no_bid, INVERSE) is None


def test_mid_basis() -> None:
    middle = mid_basis(LINEAR, INVERSE)
    assert middle is not None
    assert middle.absolute == D("2007.5")


def test_percent_and_annualised() -> None:
    basis = Basis(linear=D(10_000), inverse=D(8_000))
    assert basis.percent == 25
    assert basis.annualised(NOW, NOW + timedelta(days=73)) == 125
    assert Basis(linear=D(8_000), inverse=D(10_000)).annualised(NOW, NOW + timedelta(days=365)) == -20
    assert basis.annualised(NOW, NOW + timedelta(hours=12)) == 25 * 730


@pytest.mark.parametrize("left", [timedelta(0), timedelta(seconds=-1)])
def test_nothing_is_annualised_past_expiry(left: timedelta) -> None:
    with pytest.raises(ValueError, match="no time is left"):
        Basis(D(10_000), D(8_000)).annualised(NOW, NOW + left)


def test_basis_needs_prices() -> None:
    for price in (D(0), D(-1), D("NaN"), D("Infinity")):
        with pytest.raises(ValueError, match="price must be positive"):
            Basis(D(8_000), price)


def test_sides_of_the_legs() -> None:
    sides = {(d, k, a): d.side(k, a) for d in Direction for k in Kind for a in Action}
    buys = {key for key, side in sides.items() if side is Side.BUY}
    assert buys == {
        (Direction.LONG_INVERSE, Kind.INVERSE, Action.OPEN),
        (Direction.LONG_INVERSE, Kind.LINEAR, Action.CLOSE),
        (Direction.SHORT_INVERSE, Kind.LINEAR, Action.OPEN),
        (Direction.SHORT_INVERSE, Kind.INVERSE, Action.CLOSE),
    }
    assert [direction.value for direction in Direction] == ["long-inverse", "short-inverse"]
