"""If nobody answers: everything that is due, in order, with what happens either way."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.venue import FundingAnnounced
from bot.automation.deadlines import deadlines
from bot.automation.due import Deadline, asked, in_order
from bot.model.automation import AtExpiry
from bot.model.inputs import Compared, GrantStanding, SetTradingState
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from bot.surfaces.outlook import outlook
from risk.closures import Weekly, arrival
from risk.direction import Direction
from risk.portfolio import Funding
from risk.standing import StandingApproval, Use, scopes_for
from tests.unit.bot.automation import test_closure, test_expiry, test_margin
from tests.unit.bot.desk import MBT, XBTUSD, Desk, spec
from tests.unit.bot.views import NOTHING_AHEAD

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
        "cme:MBT closes until Sun 23:00Z",
    ]
    funding, small, _ = found
    assert funding.unanswered == "paid: about 48.00 USD"  # 0.03 % of 160,000
    assert small.at == test_closure.FRIDAY - timedelta(minutes=30)
    assert "0.43 of 2.00 XBT stay too much" in small.unanswered
    assert "proposed from Fri 16:00Z" in small.answered
    # 2 XBT at 79,999.95: one per cent of them.
    assert small.cost == (
        "if it moves -20.0% meanwhile, bitmex liquidates and up to 2.00 XBT stand alone: "
        "1,600 USD for each per cent the price moves against it"
    )


def test_what_is_due_at_once_comes_first_and_says_what_it_costs() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    test_margin.prices(at, "7300", "9000")
    first = due(at)[0]
    assert first.at is None
    assert first.do.startswith("deposit")
    assert "bitmex" in first.what
    assert "if it is sent now" in first.answered
    assert "liquidates 27.40 XBT" in first.unanswered
    # 200,000 contracts are 27.40 XBT at 7,299.95; those at the liquidation, near 6,697 with the spread of the quotes.
    assert first.cost.startswith("its other leg stands alone: 1,835 USD for each per cent")
    assert asked(due(at), at.now)[0] == first


def test_a_ticket_is_due_when_it_expires() -> None:
    at = Desk.ready()
    at.propose()
    (both,) = due(at)  # the legs of a tranche are answered together
    assert both.at == at.now + timedelta(seconds=300)
    names = [ticket.ticket_id for ticket in at.tickets.values()]
    assert len(names) == 2
    assert all(f"basisbot approve {name}" in both.do for name in names)
    at.approve()
    assert not due(at)


def test_what_runs_out_within_minutes_is_asked_before_what_takes_a_day() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    wire = Deadline(None, "low", "", "", do="wire")
    ticket = Deadline(at.now + timedelta(minutes=4), "ticket", "", "", do="approve")
    later = Deadline(at.now + timedelta(hours=4), "last wire", "", "", do="wire before")
    told = Deadline(None, "no answer wanted", "", "")
    assert asked([later, wire, told, ticket], at.now) == [ticket, wire, later]
    assert in_order([later, wire, ticket], at.now) == [wire, ticket, later]


def test_the_level_at_which_money_is_asked_for_is_named_while_it_is_far() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    found = [one for one in due(at) if one.price is not None]
    # DOMAIN.md, section 2: liquidated at 200,000 / (5 + 0.995 · 25) = 6,694.5607; 12 % from there, that is / 0.88.
    assert [one.what.split(" (")[0] for one in found if "bitmex" in one.what] == ["at 7,607.46"]
    assert all(one.at is None and not one.do for one in found)
    assert found == due(at)[-len(found) :]


def test_trading_that_is_halted_over_a_position_comes_first() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    at.give(SetTradingState(TradingState.HALTED, "ann", "to look"))
    first = asked(due(at), at.now)[0]
    assert first.what == "trading is halted while positions are held"
    assert first.do == "basisbot enable, once you know why"


def test_the_last_moments_to_send_money_before_a_weekend_without_wires() -> None:
    """Friday 14:00Z; no wires from Saturday 16:00Z to Monday 14:00Z."""
    at = test_closure.desk(wallet="0.4", cash="100000")
    weekend = Weekly("no wires", 5, time(16), 0, time(14), ZoneInfo("UTC"))
    pair = at.policy.automation
    assert pair is not None
    assert pair.closure is not None
    rules = replace(pair.closure.rules, no_wires=(weekend,))
    at.policy = replace(
        at.policy,
        automation=replace(pair, closure=replace(pair.closure, rules=rules), margin=test_margin.LIMITS),
    )
    found = {one.what.split(" whose")[0].split(" that is")[0]: one for one in due(at, 3)}
    saturday = datetime(2026, 11, 28, 16, tzinfo=UTC)
    # A wire takes 24 h, T-bills 24 h, XBT 4 h to be sold and 24 h as a wire: that moment has passed at 14:00Z.
    assert found["last wire"].at == found["last sale of T-bills"].at == saturday - timedelta(hours=24)
    assert "last sale of XBT to be wired" not in found
    # At +15.5 % and a margin of 100 % an XBT short needs 1.31 of its price (DOMAIN.md, section 3): 3 XBT at 80,702.50
    # need 317,161 USD; 100,000 less 3 × 702.50, sold at 80,000, are there.
    assert "219,268 are wanted" in found["last wire"].unanswered
    assert found["last wire"].do == "wire: 219,268 USD"
    # XBT take two hours, and the spread has to be small half an hour before the close at 22:00Z.
    assert found["last deposit of XBT"].at == test_closure.FRIDAY - timedelta(hours=2, minutes=30)


def test_a_wire_that_falls_into_the_weekend_arrives_after_it() -> None:
    weekend = Weekly("no wires", 5, time(16), 0, time(14), ZoneInfo("UTC"))
    friday = datetime(2026, 11, 27, 14, tzinfo=UTC)
    day = timedelta(hours=24)
    assert arrival(friday, day, (weekend,)) == friday + day
    assert arrival(friday + timedelta(hours=3), day, (weekend,)) == datetime(2026, 11, 30, 14, tzinfo=UTC)


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
    assert view == NOTHING_AHEAD
    at.propose(plan_id=spec().plan_id)
    assert len(outlook(at.state, at.market, at.policy, at.now)["deadlines"]) == 1


def test_at_an_expiry_it_says_what_happens_with_a_standing_approval_and_with_nobody() -> None:
    """Three XBT short at CME, two long against them and one in the wallet: without CME all three are naked."""
    at = test_expiry.desk(AtExpiry.CLOSE, test_expiry.CME_ENDS - timedelta(hours=50))
    [proposed] = [one for one in due(at, 72) if one.what.endswith("closing the spread is proposed")]
    assert proposed.unanswered.endswith("held to Thu 16:00Z: no standing approval rolls")
    [ends] = [one for one in due(at, 72) if "expires" in one.what]
    assert "(Δ +3.00 XBT)" in ends.unanswered
    scopes = scopes_for([Use.ROLL], Direction.LONG_INVERSE, XBTUSD.id, MBT.id)
    leave = StandingApproval(
        "s1", scopes, D(5), D(5), D(2), D(60_000), D(100_000), test_expiry.CME_ENDS, "anna"
    )
    at.command(GrantStanding(leave, leave.content_hash()))
    [proposed] = [one for one in due(at, 72) if one.what.endswith("closing the spread is proposed")]
    assert proposed.unanswered == "standing approval s1 answers in your place, within its budgets"
