"""The valve between the streams and the inbox."""

from datetime import timedelta

from adapters.venue import Link, LinkState, VenueEvent
from bot.runtime.valve import Valve
from risk.orders import Fill, OrderStatus, OrderUpdate, Side
from tests.unit.bot.desk import MBT, T0, D


def fill(number: int, client_order_id: str | None) -> Fill:
    at = T0 + timedelta(seconds=number)
    return Fill(f"x{number}", MBT.id, client_order_id, "v1", Side.BUY, 1, D(80_700), at)


class Watch:
    """What went through, and when the emergency command's journal was asked for."""

    def __init__(self) -> None:
        self.seen: list[VenueEvent | str] = []
        self.valve = Valve(self.seen.append, lambda: self.seen.append("adopt"))


def test_nothing_goes_through_before_it_is_open_and_then_all_in_order() -> None:
    watch = Watch()
    events: list[VenueEvent] = [Link("cme", LinkState.UP, T0), fill(1, "plan1-01w-001"), fill(2, None)]
    for event in events:
        watch.valve.hear(event)
    assert watch.seen == []
    watch.valve.open()
    assert watch.seen == events
    later = fill(3, "plan1-01h-001")
    watch.valve.hear(later)
    assert watch.seen == [*events, later]


def test_the_journal_is_adopted_before_the_first_word_on_its_orders() -> None:
    watch = Watch()
    early, late = fill(1, "flat-k7f3q2ab-001"), fill(2, "flat-k7f3q2ab-002")
    watch.valve.hear(early)
    watch.valve.open()
    assert watch.seen == ["adopt", early]
    watch.valve.hear(late)
    assert watch.seen[2:] == ["adopt", late]
    word = OrderUpdate(MBT.id, "flat-k7f3q2ab-002", "v2", OrderStatus.FILLED, Side.BUY, 1, 1, 0, T0)
    watch.valve.hear(word)
    assert watch.seen[4:] == ["adopt", word]


def test_opening_it_twice_tells_nothing_twice() -> None:
    watch = Watch()
    watch.valve.hear(fill(1, None))
    watch.valve.open()
    watch.valve.open()
    assert watch.seen == [fill(1, None)]
