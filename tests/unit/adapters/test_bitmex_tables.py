from typing import Any

import pytest

from adapters.bitmex.tables import MOST_ROWS, Distrusted, Tables
from adapters.bitmex.wire import Malformed

TOPICS = ("order", "orderBook10:XBTUSD", "orderBook10:XBTH27")


def message(
    action: str, rows: list[dict[str, Any]], table: str = "order", keys: tuple[str, ...] = ("orderID",)
) -> dict[str, Any]:
    told: dict[str, Any] = {"table": table, "action": action, "data": rows}
    if action == "partial":
        told["keys"] = list(keys)
    return told


def book(action: str, symbol: str, bid: int) -> dict[str, Any]:
    return message(action, [{"symbol": symbol, "bids": [[bid, 1]]}], "orderBook10", ("symbol",))


def test_a_row_is_what_its_changes_make_of_it() -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", [{"orderID": "a", "cumQty": 0, "ordStatus": "New"}]))
    tables.apply(message("insert", [{"orderID": "b", "cumQty": 0, "ordStatus": "New"}]))
    topic, rows = tables.apply(message("update", [{"orderID": "a", "cumQty": 100}]))
    assert topic == "order"
    assert rows == [{"orderID": "a", "cumQty": 100, "ordStatus": "New"}]
    assert tables.apply(message("delete", [{"orderID": "a"}])) == ("order", [])
    assert not tables["order"].has("a")
    assert tables["order"].has("b")


def test_what_comes_before_the_snapshot_is_dropped() -> None:
    tables = Tables(TOPICS)
    assert tables.apply(message("insert", [{"orderID": "a"}])) == ("order", [])
    assert tables.apply(message("update", [{"orderID": "z", "cumQty": 1}])) == ("order", [])
    tables.apply(message("partial", []))
    assert not tables["order"].has("a")


def test_each_symbol_waits_for_a_snapshot_of_its_own_and_keeps_it() -> None:
    tables = Tables(TOPICS)
    tables.apply(book("partial", "XBTUSD", 1))
    assert tables.missing == {"order", "orderBook10:XBTH27"}
    assert tables.apply(book("update", "XBTH27", 2)) == ("orderBook10:XBTH27", [])
    tables.apply(book("partial", "XBTH27", 3))
    topic, rows = tables.apply(book("update", "XBTUSD", 4))
    assert topic == "orderBook10:XBTUSD"
    assert rows[0]["bids"] == [[4, 1]]
    assert tables["orderBook10:XBTH27"].rows[0]["bids"] == [[3, 1]]


def test_an_empty_snapshot_is_known_by_its_filter() -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", [], "orderBook10", ("symbol",)) | {"filter": {"symbol": "XBTUSD"}})
    assert "orderBook10:XBTUSD" not in tables.missing


def test_a_new_snapshot_replaces_the_old_one() -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", [{"orderID": "a"}]))
    tables.apply(message("partial", [{"orderID": "b"}]))
    assert [row["orderID"] for row in tables["order"].rows] == ["b"]


def test_an_update_of_a_row_never_seen_is_not_trusted() -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", []))
    with pytest.raises(Distrusted):
        tables.apply(message("update", [{"orderID": "a", "cumQty": 1}]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": "order", "action": "partial", "data": []},
        {"table": "order", "action": "partial", "keys": [], "data": []},
        {"table": "order", "action": "explode", "data": [{"orderID": "a"}]},
        {"table": "order", "action": "insert", "data": [{"clOrdID": "no key"}]},
        {"table": "order", "action": "insert", "data": {"orderID": "a"}},
        {"table": "order", "action": "insert"},
        {"table": "order", "data": []},
        {"table": 7, "action": "insert", "data": []},
        {"table": "orderBook10", "action": "insert", "data": [{"symbol": "ETHUSD"}]},
        {"table": "orderBook10", "action": "insert", "data": [{"symbol": "XBTUSD"}, {"symbol": "XBTH27"}]},
        {"table": "liquidation", "action": "insert", "data": []},
    ],
)
def test_messages_that_make_no_sense(wrong: dict[str, Any]) -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", []))
    with pytest.raises(Malformed):
        tables.apply(wrong)


def test_a_table_does_not_grow_for_ever() -> None:
    tables = Tables(TOPICS)
    tables.apply(message("partial", []))
    for number in range(MOST_ROWS + 5):
        tables.apply(message("insert", [{"orderID": str(number)}]))
    assert len(tables["order"].rows) == MOST_ROWS
    assert not tables["order"].has("4")
    assert tables["order"].has("5")
