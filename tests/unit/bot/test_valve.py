"""The valve between the streams and the inbox."""

from datetime import timedelta

from adapters.venue import Link, LinkState, VenueEvent
from bot.runtime.valve import Valve
from risk.orders import Fill, Side
from tests.unit.bot.desk import MBT, T0, D


def fill(number: int, client_order_id: str | None) -> Fill:
    at = T0 + timedelta(seconds=number)
    return Fill(f"x{number}", MBT.id, client_order_id, "v1", Side.BUY, 1, D(80_700), at)


class Watch:
    """What went through."""

    def __init__(self) -> None:
        self.seen: list[VenueEvent] = []
        self.valve = Valve(self.seen.append)


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


def test_opening_it_twice_tells_nothing_twice() -> None:
    watch = Watch()
    watch.valve.hear(fill(1, None))
    watch.valve.open()
    watch.valve.open()
    assert watch.seen == [fill(1, None)]
