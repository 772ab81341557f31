"""If nobody answers: everything that is due, in order, with what happens either way."""

from datetime import timedelta
from decimal import Decimal

from adapters.venue import FundingAnnounced
from bot.automation.deadlines import Deadline, deadlines
from bot.model.inputs import Compared
from bot.orders.turn import Turn
from bot.surfaces.outlook import outlook
from risk.direction import Direction
from risk.portfolio import Funding
from tests.unit.bot.automation import test_closure, test_margin
from tests.unit.bot.desk import XBTUSD, Desk, spec

D = Decimal


def due(at: Desk, days: float = 3) -> list[Deadline]:
    return deadlines(Turn(at.state, at.market, at.policy, at.now), timedelta(days=days))


def test_the_close_the_finish_and_funding_in_order() -> None:
    at = test_closure.desk(wallet="0.4")
    at.give(FundingAnnounced(XBTUSD.id, Funding(at.now + timedelta(hours=2), D("0.0003"))))
    found = due(at)
    assert [one.what.split(" (")[0] for one in found] == [
        "funding of bitmex:XBTUSD at +0.0300%",
        "small enough for Fri 22:00Z to Sun 23:00Z",
        "cme:MBT closes",
    ]
    funding, small, _ = found
    assert funding.unanswered == "paid: about 48.00 USD"  # 0.03 % of 160,000
    assert small.at == test_closure.FRIDAY - timedelta(minutes=30)
    assert "0.43 of 2.00 XBT stay too much" in small.unanswered
    assert "proposed from Fri 16:00Z" in small.answered


def test_what_is_due_at_once_comes_first_and_says_what_it_costs() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    test_margin.prices(at, "7300", "9000")
    first = due(at)[0]
    assert first.at is None
    assert "deposit" in first.what
    assert "bitmex" in first.what
    assert "liquidates 27.40 XBT" in first.unanswered
    assert first.cost.endswith("XBT of equity")


def test_a_ticket_is_due_when_it_expires() -> None:
    at = Desk.ready()
    at.propose()
    found = due(at)
    assert len(found) == 2
    assert {one.at for one in found} == {at.now + timedelta(seconds=300)}
    at.approve()
    assert not due(at)


def test_the_outlook_shows_how_the_accounts_stand() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    view = outlook(at.state, at.market, at.policy, at.now)
    inverse, linear = view["margin"]
    assert inverse["venue"] == "bitmex"
    assert abs(D(inverse["liquidation"]) - D("6694.56")) < 1
    assert abs(D(inverse["distance_percent"]) - D("16.32")) < D("0.05")
    assert linear["currency"] == "USD"
    assert view["holding"] is None


def test_a_desk_without_watches_has_an_empty_outlook() -> None:
    at = Desk.ready()
    at.give(Compared(()))
    view = outlook(at.state, at.market, at.policy, at.now)
    assert view == {"deadlines": [], "margin": [], "next_hedges": [], "holding": None}
    at.propose(plan_id=spec().plan_id)
    assert len(outlook(at.state, at.market, at.policy, at.now)["deadlines"]) == 2
