"""Taking a spread down: pairs at the price of the day, then what has no partner; no position is ever turned round."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot.model.ids import Role
from bot.model.inputs import SetTradingState
from bot.model.plans import PlanKind
from bot.model.trading_state import TradingState
from risk.direction import Direction
from risk.orders import Side
from tests.unit.bot.desk import LONG, MBT, SHORT, XBTUSD, D, Desk


def at(desk: Desk, price: int) -> None:
    """The inverse book at ``price``, the linear one 700 above it."""
    tick = D("0.1")
    desk.quotes((str(price - tick), str(price)), (str(price + 700), str(price + 705)))


def holding(inverse: int, linear: int, price: int, wallet: str = "1") -> Desk:
    desk = Desk.ready(wallet=wallet)
    desk.hold(inverse, linear)
    at(desk, price)
    return desk


def signs(desk: Desk) -> tuple[int, int]:
    def sign(number: int) -> int:
        return (number > 0) - (number < 0)

    return sign(desk.state.positions[XBTUSD.id]), sign(desk.state.positions[MBT.id])


def play(desk: Desk, price: int, steps: int = 200) -> Iterator[tuple[int, int]]:
    """Approve every ticket and fill every order at the touch, to the plan's end; yield the positions' signs."""
    for _ in range(steps):
        if desk.status != "active":
            return
        if desk.tickets:
            desk.approve()
        elif desk.state.unsettled:
            request = desk.last
            quote = desk.market.quotes[request.instrument]
            level = quote.take(request.side)
            assert level is not None
            desk.trade(level.price)
        else:
            desk.now += desk.policy.clip_pause
            at(desk, price)
        yield signs(desk)
    raise AssertionError("the plan does not end")


# --- pairs at the current price --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "pairs", "inverse"),
    [
        # 96,000 contracts are 1.2 XBT at 80,000, 1.0909 at 88,000, 1.3333 at 72,000 (12 contracts are 1.2)
        (80_000, 12, 95_900),
        (88_000, 10, 87_900),
        (72_000, 12, 86_300),
    ],
)
def test_pairs_are_matched_at_the_price_of_the_day(price: int, pairs: int, inverse: int) -> None:
    """At the middle of the book, 0.05 below ``price``, in whole lots towards zero."""
    desk = holding(96_000, -12, price)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    working, hedge = desk.tickets[Role.WORKING], desk.tickets[Role.HEDGE]
    assert (working.contracts, working.material.side) == (pairs, Side.BUY)
    assert (hedge.contracts, hedge.material.side) == (inverse, Side.SELL)
    assert working.material.reduce_only
    assert hedge.material.reduce_only


def test_tranches_divide_what_is_left_the_larger_first() -> None:
    desk = holding(96_000, -12, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, tranches=5)
    assert desk.tickets[Role.WORKING].contracts == 3  # 12 in 5


def test_a_size_closes_that_much_and_no_more() -> None:
    desk = holding(96_000, -12, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=D("0.5"), tranches=2)
    assert desk.tickets[Role.WORKING].contracts == 3
    list(play(desk, 80_000))
    assert desk.status == "done"
    assert desk.state.positions[MBT.id] == -7
    # 5 × 0.1 XBT sold at 79,999.9
    assert 96_000 - desk.state.positions[XBTUSD.id] == 39_900


# --- to the end ------------------------------------------------------------------------------------------

BOOKS = [
    # opened at 80,000 with 1 XBT of collateral hedged
    (LONG, 96_000, -22),
    (SHORT, -176_000, 12),
]


@pytest.mark.parametrize(("direction", "inverse", "linear"), BOOKS)
@pytest.mark.parametrize("price", [72_000, 80_000, 88_000])
def test_everything_comes_down_whatever_the_price_has_done(
    direction: Direction, inverse: int, linear: int, price: int
) -> None:
    desk = holding(inverse, linear, price)
    desk.propose(kind=PlanKind.CLOSE, direction=direction, size_xbt=None, tranches=3, collateral=True)
    before = signs(desk)
    for now in play(desk, price):
        assert now[0] in (before[0], 0)
        assert now[1] in (before[1], 0)
    assert desk.status == "done"
    assert desk.state.positions[MBT.id] == 0
    assert desk.state.positions[XBTUSD.id] == 0
    assert desk.alerts == ["FOREIGN_FILL", "FOREIGN_FILL"]
    assert all(submit.order.request.reduce_only for submit in desk.sent)


@pytest.mark.parametrize("price", [72_000, 80_000, 88_000])
def test_a_collateral_hedge_at_cme_stays_unless_it_is_asked_for(price: int) -> None:
    """Long-inverse: without pairs left, the inverse remainder goes; what hedges the wallet is not touched."""
    desk = holding(96_000, -22, price)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=False)
    list(play(desk, price))
    assert desk.status == "done"
    assert desk.state.positions[XBTUSD.id] == 0
    # What 96,000 contracts came to at that price is off: 1.3333, 1.2, 1.0909 XBT. The rest still hedges the wallet of
    # 1 XBT and what the long has earned, -0.1333, 0, +0.1091 XBT, to the nearest 0.1.
    assert desk.state.positions[MBT.id] == {72_000: -9, 80_000: -10, 88_000: -11}[price]


def test_what_pairs_leave_short_by_rounding_is_taken_off_too() -> None:
    """24,000 contracts are 0.29955 XBT at 80,120: two pairs of 0.1, a remainder of 8,000, and one lot beyond 1 XBT."""
    desk = holding(24_000, -13, 80_120)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=False)
    list(play(desk, 80_120))
    assert desk.status == "done"
    assert (desk.state.positions[XBTUSD.id], desk.state.positions[MBT.id]) == (0, -10)
    assert abs(desk.state.delta()) < D("0.05")
    assert all(submit.order.request.reduce_only for submit in desk.sent)


def test_a_hedge_smaller_than_the_collateral_is_not_touched() -> None:
    desk = holding(24_000, -10, 80_120)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=False)
    list(play(desk, 80_120))
    # two pairs; the wallet's 1 XBT is hedged by 0.8, as it was by 0.7 and the remainder's long besides
    assert (desk.state.positions[XBTUSD.id], desk.state.positions[MBT.id]) == (0, -8)


def test_a_collateral_hedge_at_the_inverse_venue_stays_too() -> None:
    desk = holding(-176_000, 12, 80_000)
    desk.propose(kind=PlanKind.CLOSE, direction=SHORT, size_xbt=None, collateral=False)
    list(play(desk, 80_000))
    assert desk.state.positions[MBT.id] == 0
    assert desk.state.positions[XBTUSD.id] == -80_000


def test_less_than_a_lot_is_not_worked_for() -> None:
    desk = holding(50, 0, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    desk.wait(0.1)
    assert desk.status == "done"
    assert desk.sent == []


def test_an_odd_position_is_closed_to_its_last_whole_lot() -> None:
    desk = holding(8_050, 0, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    list(play(desk, 80_000))
    assert desk.state.positions[XBTUSD.id] == 50


# --- never beyond ----------------------------------------------------------------------------------------


def test_a_position_somebody_else_closed_is_not_turned_round() -> None:
    desk = holding(24_000, -3, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    desk.command(SetTradingState(TradingState.HALTED, "anna", "wait"))
    desk.approve()
    desk.hold(linear=3)
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
    desk.quotes()
    assert desk.sent == []
    assert desk.status == "stopped"
    assert "nothing left to reduce" in desk.plan.reason


def test_a_position_somebody_else_reduced_bounds_the_next_order() -> None:
    desk = holding(24_000, -3, 80_000)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    desk.command(SetTradingState(TradingState.HALTED, "anna", "wait"))
    desk.approve()
    desk.hold(linear=2)
    desk.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
    assert desk.last.quantity == 1


def test_what_it_costs_is_shown_with_the_delta_it_leaves() -> None:
    """Taking the collateral's hedge off leaves the wallet's XBT naked, and the ticket says so."""
    desk = holding(0, -10, 80_000, wallet="1")
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None, collateral=True)
    (ticket,) = desk.tickets.values()
    assert ticket.purpose == "take off what has no partner left"
    assert (ticket.circumstances.delta_before, ticket.circumstances.delta_after) == (Decimal(0), Decimal(1))
