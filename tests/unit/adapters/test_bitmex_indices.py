"""The inverse venue's indices: what rows of the instrument table tell of them, and what they must not break."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.bitmex.indices import Indices
from adapters.bitmex.wire import Malformed
from adapters.venue import IndexRole, IndexTold, VenueEvent

AT = datetime(2026, 12, 25, 11, 30, 5, tzinfo=UTC)
ROW = {"symbol": ".BXBT", "markPrice": Decimal("60000.25"), "timestamp": "2026-12-25T11:30:05.000Z"}
XBTUSD = {"symbol": "XBTUSD", "markPrice": Decimal("60001"), "timestamp": "2026-12-25T11:30:05.000Z"}


class Rig:
    def __init__(self) -> None:
        self.events: list[VenueEvent] = []
        symbols = {IndexRole.SPOT: ".BXBT", IndexRole.SETTLEMENT: ".BXBT30M"}
        self.indices = Indices("bitmex", symbols, self.events.append)

    def take(self, action: str, *rows: dict[str, Any], **more: Any) -> Any:
        return self.indices.take({"table": "instrument", "action": action, "data": list(rows), **more})

    @property
    def last(self) -> IndexTold:
        told = self.events[-1]
        assert isinstance(told, IndexTold)
        return told


def test_an_index_is_told_by_its_mark_price_and_the_venues_time() -> None:
    rig = Rig()
    assert rig.indices.topics == ("instrument:.BXBT", "instrument:.BXBT30M")
    assert rig.take("partial", ROW) is None
    rig.take("partial", {**ROW, "symbol": ".BXBT30M", "markPrice": 59990})
    assert rig.events == [
        IndexTold("bitmex", IndexRole.SPOT, ".BXBT", Decimal("60000.25"), AT),
        IndexTold("bitmex", IndexRole.SETTLEMENT, ".BXBT30M", Decimal(59990), AT),
    ]


def test_a_change_is_merged_with_what_was_told_and_nothing_is_told_twice() -> None:
    rig = Rig()
    rig.take("partial", ROW)
    rig.take("update", {"symbol": ".BXBT", "lastTickDirection": "PlusTick"})
    assert len(rig.events) == 1
    rig.take("update", {"symbol": ".BXBT", "markPrice": 60001})
    assert (rig.last.price, rig.last.at) == (Decimal(60001), AT)


@pytest.mark.parametrize(
    "price",
    [None, 0, -1, Decimal("-60000"), "NaN", "60000", True, [], Decimal("1e40"), Decimal("NaN")],
    ids=str,
)
def test_a_price_that_is_none_makes_the_index_unknown_and_says_so(price: object) -> None:
    rig = Rig()
    rig.take("partial", ROW)
    rig.take("update", {"symbol": ".BXBT", "markPrice": price})
    assert (rig.last.price, rig.last.at) == (None, None)
    assert "no usable price" in rig.last.note
    rig.take("update", {"symbol": ".BXBT", "markPrice": 60002})
    assert (rig.last.price, rig.last.note) == (Decimal(60002), "")


@pytest.mark.parametrize("at", [None, "", "yesterday", "2026-12-25T11:30:05"])
def test_a_price_of_no_time_is_unknown(at: object) -> None:
    rig = Rig()
    rig.take("partial", {**ROW, "timestamp": at})
    assert rig.last.price is None


def test_a_change_before_any_snapshot_and_a_row_that_is_gone_are_unknown() -> None:
    rig = Rig()
    assert rig.take("update", {"symbol": ".BXBT", "lastTickDirection": "PlusTick"}) is None
    assert rig.last.price is None
    rig.take("partial", ROW)
    rig.take("delete", {"symbol": ".BXBT"})
    assert rig.last.price is None


def test_what_is_said_of_contracts_goes_on_to_whom_it_concerns() -> None:
    rig = Rig()
    rig.take("partial", ROW)
    book = {"table": "orderBook10", "action": "update", "data": [{"symbol": ".BXBT"}]}
    assert rig.indices.take(book) is book
    left = rig.take("update", XBTUSD, {**ROW, "markPrice": 60003})
    assert left["data"] == [XBTUSD]
    assert rig.last.price == 60003
    alone = rig.take("update", XBTUSD)
    assert alone["data"] == [XBTUSD]
    assert rig.take("partial", filter={"symbol": ".BXBT"}) is None
    assert rig.take("partial", filter={"symbol": "XBTUSD"}) is not None


def test_rows_that_are_none_are_refused() -> None:
    with pytest.raises(Malformed):
        Rig().indices.take({"table": "instrument", "action": "update", "data": "rows"})


def test_a_refusal_makes_it_unknown_and_a_new_connection_tells_it_again() -> None:
    rig = Rig()
    rig.indices.refused("instrument:.BXBT", "Unknown or expired symbol.")
    assert (rig.last.symbol, rig.last.price) == (".BXBT", None)
    assert "Unknown or expired symbol." in rig.last.note
    rig.take("partial", ROW)
    rig.indices.start()
    rig.take("partial", ROW)
    assert [event.price for event in rig.events if isinstance(event, IndexTold)] == [
        None,
        Decimal("60000.25"),
        Decimal("60000.25"),
    ]


def test_who_wants_no_index_takes_every_message_as_it_is() -> None:
    indices = Indices("bitmex", {}, lambda event: None)
    message = {"table": "instrument", "action": "update", "data": [ROW]}
    assert indices.take(message) is message
    assert indices.topics == ()
