"""What is told after a person adopted the venue's word: nothing that word holds is booked, or answered, again."""

from collections.abc import Iterable
from dataclasses import replace

from bot.model.differences import content_hash
from bot.model.events import Adopted, AdoptedCash, AdoptedPosition, Alerted
from bot.model.inputs import AdoptDifferences, FinishTransfer, RecordTransfer
from risk.approval import Purpose
from risk.money import Currency, Money
from risk.orders import Bust, CashFlow, CashFlowKind, CommissionReport, OrderStatus
from tests.unit.bot.desk import MBT, XBTUSD, D, Desk, xbt


def adopt(desk: Desk, contracts: int, cost: str, written_off: Iterable[str] = ()) -> None:
    """Take over what the inverse venue holds: ``contracts`` at a ``cost`` in XBT, and 1 XBT of cash."""
    lines = ("they differ",)
    before, after = desk.state.cash_and_cost["bitmex"], xbt("1").units + xbt(cost).units
    position = AdoptedPosition(XBTUSD.id, desk.state.positions[XBTUSD.id], contracts, cost=xbt(cost))
    cash = AdoptedCash("bitmex", before, Money(Currency.XBT, after), desk.now)
    desk.command(
        AdoptDifferences(
            Adopted(
                content_hash(lines),
                "anna",
                "their page says so",
                lines,
                (position,),
                (cash,),
                (),
                (),
                tuple(written_off),
                (),
            )
        )
    )


def hedged(desk: Desk) -> Bust:
    """Both legs fill; returns what the venue will say when it takes the hedge back."""
    desk.trade()
    request = desk.last
    fill = desk.execution(request.quantity)
    desk.give(fill)
    desk.tell(OrderStatus.FILLED, request.quantity, request)
    return Bust(fill.execution_id, fill.instrument, fill.client_order_id, 2, desk.now)


def test_a_bust_that_the_adopted_word_holds_is_not_taken_off_again() -> None:
    desk = Desk.ready().armed()
    bust = hedged(desk)
    desk.wait(60)
    adopt(desk, 0, "0")
    cash, sent = desk.state.cash_and_cost["bitmex"], len(desk.sent)
    for _ in range(3):
        desk.wait(300)
        desk.give(bust)
    assert desk.state.positions[XBTUSD.id] == 0
    assert desk.state.cash_and_cost["bitmex"] == cash
    assert len(desk.sent) == sent
    assert desk.alerts.count("ADOPTED_FILL") == 1, "once, however often the venue tells it"


def test_a_correction_that_the_adopted_word_holds_is_not_booked_nor_its_fee() -> None:
    desk = Desk.ready().armed()
    desk.trade()
    request = desk.last
    fill = desk.execution(request.quantity)
    desk.give(fill)
    adopt(desk, 8_000, "0.1")
    cash = desk.state.cash_and_cost["bitmex"]
    desk.wait(60)
    desk.give(replace(fill, quantity=8_000, revision=2))
    desk.give(CommissionReport(fill.execution_id, fill.instrument, xbt("0.5"), fill.at, 2))
    assert (desk.state.positions[XBTUSD.id], desk.state.cash_and_cost["bitmex"]) == (8_000, cash)


def test_a_bust_of_later_than_the_adopted_word_is_booked() -> None:
    desk = Desk.ready().armed()
    bust = hedged(desk)
    held = desk.state.positions[XBTUSD.id]
    adopt(desk, held, "0.3")
    desk.wait(60)
    desk.give(replace(bust, at=desk.now))
    assert desk.state.positions[XBTUSD.id] == 0
    assert desk.of(Purpose.HEDGE)[-1].quantity == held, (
        "the venue takes it back after the look: it is hedged again"
    )


def test_a_written_off_hedge_has_answered_what_the_venue_says_it_filled() -> None:
    """The venue says the hedge has filled, and has no fills to show: adopted, it is not answered again."""
    desk = Desk.ready().armed()
    desk.trade()
    hedge = desk.last
    desk.tell(OrderStatus.FILLED, hedge.quantity, hedge)
    for _ in range(70):
        desk.wait(1)
        desk.quotes()
    sent = len(desk.sent)
    adopt(desk, hedge.quantity, "0.3", [hedge.client_order_id])
    for _ in range(30):
        desk.wait(1)
        desk.quotes()
    assert desk.shown[sent:] == []
    assert (desk.state.positions[XBTUSD.id], desk.state.positions[MBT.id]) == (hedge.quantity, -3)
    # 24,000 contracts answer 0.3 XBT but for their limit, which lies at most 0.05 % above the price.
    assert abs(desk.plan.unhedged) < D("0.0003")


def test_a_written_off_working_order_hedges_nothing_unasked() -> None:
    desk = Desk.ready().armed()
    working = desk.last
    desk.tell(OrderStatus.FILLED, 3, working)
    desk.wait(70)
    adopt(desk, 0, "0", [working.client_order_id])
    desk.wait(1)
    assert len(desk.sent) == 1
    assert desk.plan.unhedged == 0
    assert "LEGGED_POSITION" in desk.alerts


def test_cash_that_was_adopted_and_is_still_on_its_way_is_said_aloud() -> None:
    """The deposit is in the adopted cash; its flow, told later, is not booked, so nothing ends the transfer."""
    desk = Desk.ready()
    desk.command(RecordTransfer("t1", xbt("0.5"), "outside", "bitmex", "anna", "topped up", ("cme",)))
    desk.wait(60)
    arrived = desk.now
    desk.wait(60)
    adopt(desk, 0, "0.5")
    desk.give(CashFlow("d1", "bitmex", CashFlowKind.DEPOSIT, xbt("0.5"), arrived))
    assert desk.state.delta() == D("2")
    assert any("t1" in alert.text for alert in desk.told(Alerted) if alert.code == "TRANSFER_UNKNOWN")
    desk.command(FinishTransfer("t1", "anna", "adopted", ("cme",), final=True))
    assert desk.state.delta() == D("1.5")
