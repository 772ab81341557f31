"""What the websocket's tables are told as."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from adapters.bitmex.feed import Feed
from adapters.bitmex.tables import Distrusted
from adapters.bitmex.wire import Malformed
from adapters.venue import VenueEvent
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Fill, OrderStatus, OrderUpdate
from risk.portfolio import Level, Quote
from tests.unit.adapters.bitmex_rows import FUNDING, INSTRUMENT, ORDER, TRADE

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
KEYS = {
    "order": ["orderID"],
    "execution": ["execID"],
    "wallet": ["account", "currency"],
    "instrument": ["symbol"],
    "orderBook10": ["symbol"],
}
BOOK = {
    "symbol": "XBTUSD",
    "bids": [[Decimal("60000.0"), 500], [Decimal("59999.9"), 100]],
    "asks": [[60001, 200]],
}


class HandClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Rig:
    """A feed, and what it has told since last asked."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.events: list[VenueEvent] = []
        self.wallet_changes = 0
        self.feed = Feed("bitmex", ["XBTUSD"], self.clock, self.events.append, self._wallet_changed)

    def _wallet_changed(self) -> None:
        self.wallet_changes += 1

    def told(self) -> list[VenueEvent]:
        told = list(self.events)
        self.events.clear()
        return told

    def apply(self, table: str, action: str, *rows: dict[str, Any]) -> list[VenueEvent]:
        message: dict[str, Any] = {"table": table, "action": action, "data": list(rows)}
        if action == "partial":
            message |= {"keys": KEYS[table], "filter": {"symbol": "XBTUSD"}}
        self.feed.apply(message)
        return self.told()

    def connect(self, **snapshots: list[dict[str, Any]]) -> list[VenueEvent]:
        """Begin a connection; every table's snapshot is as told, or nearly empty."""
        self.feed.start()
        usual = {"instrument": [INSTRUMENT], "orderBook10": [BOOK]}
        told = [
            event
            for table in KEYS
            for event in self.apply(table, "partial", *snapshots.get(table, usual.get(table, [])))
        ]
        assert not self.feed.missing
        self.feed.started()
        return told


def trade(number: int, seconds: float = 1, **changes: Any) -> dict[str, Any]:
    at = (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return TRADE | {"execID": f"exec-{number}", "timestamp": at, "orderID": f"order-{number}"} | changes


def fills(events: list[VenueEvent]) -> list[str]:
    return [event.execution_id for event in events if isinstance(event, Fill)]


def test_a_quote_is_a_book_and_its_mark() -> None:
    rig = Rig()
    quote = rig.connect()[-1]
    assert isinstance(quote, Quote)
    assert quote.bids == (Level(Decimal("60000.0"), 500), Level(Decimal("59999.9"), 100))
    assert quote.asks == (Level(Decimal(60001), 200),)
    assert quote.mark == Decimal("60001.23")
    assert quote.at == START


def test_a_new_mark_does_not_make_an_old_book_fresh() -> None:
    rig = Rig()
    rig.connect()
    rig.clock.time += timedelta(seconds=30)
    (quote,) = rig.apply("instrument", "update", {"symbol": "XBTUSD", "markPrice": Decimal("60010.5")})
    assert isinstance(quote, Quote)
    assert (quote.mark, quote.at) == (Decimal("60010.5"), START)
    assert rig.apply("instrument", "update", {"symbol": "XBTUSD", "volume": 7}) == []
    (quote,) = rig.apply("orderBook10", "update", BOOK)
    assert isinstance(quote, Quote)
    assert (quote.mark, quote.at) == (Decimal("60010.5"), START + timedelta(seconds=30))


def test_an_empty_book_is_told_as_empty() -> None:
    rig = Rig()
    rig.connect()
    (quote,) = rig.apply("orderBook10", "update", {"symbol": "XBTUSD", "bids": [], "asks": []})
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask) == (None, None)


@pytest.mark.parametrize(
    "level", [[60000], [60000, 0], [0, 100], [60000, Decimal("0.5")], ["60000", 100], 60000, None]
)
def test_a_book_that_makes_no_sense_is_no_book(level: object) -> None:
    rig = Rig()
    rig.connect()
    with pytest.raises(Malformed):
        rig.apply("orderBook10", "update", {"symbol": "XBTUSD", "bids": [level], "asks": []})


def test_an_order_is_told_whole_at_each_change() -> None:
    rig = Rig()
    rig.connect(order=[ORDER])
    (update,) = rig.apply(
        "order",
        "update",
        {"orderID": ORDER["orderID"], "cumQty": 20_000, "leavesQty": 0, "ordStatus": "Filled"},
    )
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.filled, update.leaves) == (OrderStatus.FILLED, 20_000, 0)
    assert update.client_order_id == "p1-t1-inv-1"


def test_an_update_of_an_unknown_order_breaks_trust() -> None:
    rig = Rig()
    rig.connect()
    with pytest.raises(Distrusted):
        rig.apply("order", "update", {"orderID": "never-seen", "ordStatus": "Canceled"})


def test_each_execution_is_told_once() -> None:
    rig = Rig()
    rig.connect()
    assert fills(rig.apply("execution", "insert", trade(1), trade(2))) == ["exec-1", "exec-2"]
    assert fills(rig.apply("execution", "insert", trade(2), trade(3))) == ["exec-3"]
    rig.feed.tell_missed([trade(1), trade(2), trade(3), trade(4)])
    assert fills(rig.told()) == ["exec-4"]


def test_funding_over_the_stream_is_cash_and_no_fill() -> None:
    rig = Rig()
    rig.connect()
    (flow,) = rig.apply("execution", "insert", FUNDING)
    assert isinstance(flow, CashFlow)
    assert (flow.kind, flow.amount) == (CashFlowKind.FUNDING, Money(Currency.XBT, 33_333))


def test_the_first_snapshot_is_history_a_later_one_tells_what_was_missed() -> None:
    rig = Rig()
    assert fills(rig.connect(execution=[trade(1)])) == []
    assert fills(rig.connect(execution=[trade(1), trade(2)])) == ["exec-2"]


def test_a_later_snapshot_does_not_tell_what_is_older_than_our_memory() -> None:
    rig = Rig()
    rig.connect()
    assert fills(rig.connect(execution=[trade(8, seconds=-3600), trade(9)])) == ["exec-9"]


def test_an_order_that_became_final_unseen_is_told_by_its_last_execution() -> None:
    rig = Rig()
    rig.connect(order=[ORDER])
    rig.connect()  # the order is not in the new snapshot: it is no longer live
    first = trade(1, 2, orderID=ORDER["orderID"])
    last = trade(
        2, 3, orderID=ORDER["orderID"], execType="Canceled", ordStatus="Canceled", cumQty=10_000, leavesQty=0
    )
    rig.feed.tell_missed([first, last])
    events = rig.told()
    assert fills(events) == ["exec-1"]
    (update,) = [event for event in events if isinstance(event, OrderUpdate)]
    assert (update.status, update.filled) == (OrderStatus.CANCELED, 10_000)


def test_an_order_that_is_still_live_is_not_told_again_from_the_past() -> None:
    rig = Rig()
    rig.connect(order=[ORDER])
    rig.connect(order=[ORDER | {"cumQty": 10_000, "leavesQty": 10_000}])
    rig.feed.tell_missed([trade(1, orderID=ORDER["orderID"], cumQty=5_000)])
    assert [event for event in rig.told() if isinstance(event, OrderUpdate)] == []


def test_what_is_asked_after_a_break_overlaps_what_was_seen() -> None:
    rig = Rig()
    rig.connect()
    rig.apply("execution", "insert", trade(1, seconds=600))
    assert rig.feed.since == START + timedelta(seconds=600) - timedelta(minutes=1)


def test_a_clock_of_ours_that_runs_ahead_loses_nothing() -> None:
    rig = Rig()
    rig.connect(instrument=[INSTRUMENT | {"timestamp": "2026-11-22T02:30:00.000Z"}])
    assert rig.feed.since == datetime(2026, 11, 22, 2, 29, tzinfo=UTC)
    assert rig.feed.flows_since == datetime(2026, 11, 22, 2, 29, tzinfo=UTC)


def test_an_event_the_sink_did_not_take_is_told_again() -> None:
    events: list[VenueEvent] = []
    is_full = True

    def sink(event: VenueEvent) -> None:
        if is_full:
            raise RuntimeError("no room")
        events.append(event)

    rig = Rig()
    rig.feed = Feed("bitmex", [], rig.clock, sink, lambda: None)
    rig.feed.apply({"table": "execution", "action": "partial", "keys": ["execID"], "data": []})
    with pytest.raises(RuntimeError):
        rig.feed.apply({"table": "execution", "action": "insert", "data": [trade(1)]})
    is_full = False
    rig.feed.apply({"table": "order", "action": "partial", "keys": ["orderID"], "data": []})
    rig.feed.tell_missed([trade(1)])
    assert fills(events) == ["exec-1"]


def test_a_changed_wallet_is_to_be_asked_about_and_each_flow_told_once() -> None:
    rig = Rig()
    wallet = {"account": 1, "currency": "XBt", "deposited": 10}
    rig.connect(wallet=[wallet])
    assert rig.wallet_changes == 0
    rig.apply("wallet", "update", wallet | {"deposited": 20})
    assert rig.wallet_changes == 1
    flow = CashFlow("id-1", "bitmex", CashFlowKind.DEPOSIT, Money(Currency.XBT, 10), START)
    rig.feed.tell_flows([flow])
    rig.feed.tell_flows([flow])
    assert rig.told() == [flow]


def test_a_contract_that_has_ended_is_not_subscribed_any_more() -> None:
    """The venue answers its topics with "Unknown or expired symbol.", and the link of the other one would be lost."""
    rig = Rig()
    ends = {"XBTZ26": START + timedelta(hours=1)}
    rig.feed = Feed(
        "bitmex", ["XBTZ26", "XBTH27"], rig.clock, rig.events.append, lambda: None, MappingProxyType({}), ends
    )
    both = ["order", "execution", "wallet", *topics("XBTZ26"), *topics("XBTH27")]
    rig.feed.start()
    assert [*rig.feed.topics] == both
    rig.clock.time = START + timedelta(hours=1)
    assert [*rig.feed.topics] == both
    rig.feed.start()
    assert [*rig.feed.topics] == ["order", "execution", "wallet", *topics("XBTH27")]
    assert rig.feed.missing == {*rig.feed.topics}


def topics(symbol: str) -> tuple[str, str]:
    return f"instrument:{symbol}", f"orderBook10:{symbol}"
