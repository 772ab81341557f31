"""A venue's rate limit that is spent: the first fill is hedged at once, what fills meanwhile goes in one order."""

from decimal import Decimal

from risk.approval import Purpose
from tests.unit.bot.desk import MBT, Desk


def _hedges(desk: Desk) -> list[tuple[str, int]]:
    return [(request.client_order_id, request.quantity) for request in desk.of(Purpose.HEDGE)]


def _waits(desk: Desk, seconds: float) -> None:
    desk.market.order_waits["bitmex"] = seconds


def test_what_fills_while_the_limit_is_spent_goes_in_one_order() -> None:
    """0.1 XBT at 80,000 are 8,000 contracts. The second and the third lot have one order, and one order id."""
    desk = Desk.ready().armed()
    working = desk.last
    desk.fill(1, "80700", working)
    assert _hedges(desk) == [("plan1-01h-001", 8_000)]
    _waits(desk, 0.125)
    desk.fill(1, "80700", working)
    desk.fill(1, "80700", working)
    desk.wait(0.1)
    assert len(_hedges(desk)) == 1
    assert desk.plan.unhedged == Decimal("-0.3")
    _waits(desk, 0)
    desk.wait(0.1)
    assert _hedges(desk) == [("plan1-01h-001", 8_000), ("plan1-01h-002", 16_000)]


def test_it_is_no_failure_of_the_market() -> None:
    """No rung is climbed for it: the order goes at the first, at the price of the moment it goes."""
    desk = Desk.ready().armed()
    _waits(desk, 0.1)
    desk.trade("80700")
    desk.quotes(inverse=("80099.9", "80100"))
    _waits(desk, 0)
    desk.wait(0.1)
    # 80,100 × 1.0005 = 80,140.05, up to a tick of 0.1
    assert desk.last.price == Decimal("80140.1")


def test_a_limit_that_stays_spent_ends_in_the_contingency() -> None:
    desk = Desk.ready().armed()
    _waits(desk, 0.1)
    desk.trade("80700")
    desk.wait(10, ticks=20)
    assert desk.of(Purpose.CONTINGENCY) == []
    desk.wait(0.1)
    (back,) = desk.of(Purpose.CONTINGENCY)
    assert (back.instrument, back.quantity) == (MBT.id, 3)


def test_nothing_is_worked_while_its_fills_could_not_be_hedged() -> None:
    desk = Desk.ready()
    _waits(desk, 0.1)
    desk.armed()
    assert desk.sent == []
    assert desk.market.waiting["plan1"] == "the rate limit of bitmex takes no hedge for 0.1 s yet"
    _waits(desk, 0)
    desk.quotes()
    assert [request.quantity for request in desk.of(Purpose.WORK)] == [3]


def test_a_share_of_the_limit_is_kept_for_the_hedges() -> None:
    """A fifth, as at the working order's own venue: where a tenth is left, nothing more is worked."""
    desk = Desk.ready()
    desk.market.rates_left["bitmex"] = Decimal("0.1")
    desk.armed()
    assert desk.sent == []
    assert desk.market.waiting["plan1"] == "10% of the rate limit of bitmex is left, 20% is for hedges"
    desk.market.rates_left["bitmex"] = Decimal("0.2")
    desk.quotes()
    desk.trade("80700")
    desk.market.rates_left["bitmex"] = Decimal(0)
    assert [request.quantity for request in desk.of(Purpose.HEDGE)] == [24_000]
