"""All that the simulated BitMEX said in a whole demonstration, on recorded prices, held against the venue's own words.

The prices are made up here, in a recording's format: ten minutes of quotes, a crossed row, a hole.
"""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bench import home
from tests.integration.bitmex_description import (
    ACTS,
    SERVED,
    TABLES,
    UNLISTED,
    check,
    check_value,
    check_values,
    description,
    rows_of,
)

# Answers the description calls an object and says no more of, and what is known of them.
SWITCH = {"now": ["string", "date-time"], "cancelTime": ["string", "date-time"]}
ERROR = {"message": ["string", ""], "name": ["string", ""]}
# The one table that the description of the HTTP interface does not know: levels are pairs of price and size.
BOOK10 = {
    "symbol": ["string", ""],
    "bids": ["array", ""],
    "asks": ["array", ""],
    "timestamp": ["string", "date-time"],
}


def recording(folder: Path) -> Path:
    lines = ["timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask"]
    for second in range(600):
        price = Decimal(8_700) + Decimal(second % 7) / 2
        quotes = price, price + Decimal("0.5"), price + 80, price + Decimal("80.5")
        if second == 5:
            quotes = quotes[1], quotes[0], quotes[2], quotes[3]
        at = f"2019-05-28T18:{20 + second // 60:02}:{second % 60:02}.000Z"
        lines.append(",".join([at, *map(str, quotes)]))
    file = folder / "recorded.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


class Words:
    """Holds each recorded line against the description, and counts what it has seen."""

    def __init__(self) -> None:
        words = description()
        self._fields, self._required = words["fields"], words["required"]
        self.seen: Counter[str] = Counter()

    def take(self, line: Any) -> None:
        if "told" in line:
            self._told(line["told"])
        elif line["status"] == 200:
            self._answer(f"{line['verb']} {line['path']}", line["body"])
        else:
            self.seen[f"{line['verb']} {line['path']} {line['status']}"] += 1
            assert set(line["body"]) == {"error"}
            self._plain("Error", line["body"]["error"], ERROR)

    def _answer(self, what: str, body: Any) -> None:
        self.seen[what] += 1
        name = ACTS.get(what) or SERVED.get(what.removeprefix("GET "))
        if name is None:
            assert what == "POST /order/cancelAllAfter", f"{what} is described nowhere"
            self._plain(what, body, SWITCH)
            return
        for row in rows_of(body):
            self._row(name, row)

    def _told(self, message: Any) -> None:
        if not isinstance(message, dict) or "table" not in message:
            self.seen["websocket, no table"] += 1
            return
        table, action = message["table"], message["action"]
        self.seen[f"websocket {table} {action}"] += 1
        for row in message["data"]:
            if table == "orderBook10":
                self._plain(table, row, BOOK10, whole=action == "partial")
            elif action in ("partial", "insert"):
                self._row(TABLES[table], row)
            else:
                assert set(row) <= set(self._fields[TABLES[table]]) | UNLISTED.get(TABLES[table], {}).keys()
                check_values(TABLES[table], row, self._fields)

    def _row(self, name: str, row: Any) -> None:
        if self._fields[name]:
            check(name, row, self._fields)
        assert all(row[field] is not None for field in self._required[name] if field in row), f"{name}: null"

    def _plain(self, what: str, row: Any, fields: Any, *, whole: bool = True) -> None:
        assert set(row) == set(fields) if whole else set(row) <= set(fields), what
        for field, value in row.items():
            kind, form = fields[field]
            if value != 0 or field != "cancelTime":  # 0: the switch is off
                check_value(f"{what}.{field}", value, kind, form)


def lines(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8") as text:
        for line in text:
            yield json.loads(line, parse_float=Decimal)


def test_every_answer_of_a_demonstration_is_as_the_venue_describes_it(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        profile = it.profile("demo", changes={"demo.funding_every_seconds": 2}, shipped="demo")
        record = tmp_path / "said.jsonl"
        done = it.basisbot(
            *("demo", "--auto-approve", "--json", "--seconds", "3", "--profile", profile),
            *("--data", recording(tmp_path), "--record", record),
        ).said(0)
    report = done.json
    # Three tranches are opened and taken down; at these prices a remainder is left to take off by itself.
    assert report["ok"]
    assert report["tranches_filled"] >= 6
    words = Words()
    taken = list(lines(record))
    for line in taken:
        words.take(line)
    seen = words.seen
    print("\n".join(f"{count:>7} {what}" for what, count in sorted(seen.items())))
    # What a demonstration cannot do without: else nothing was recorded, or checked.
    orders = sum(
        count for what, count in seen.items() if what.startswith("POST /order") and "After" not in what
    )
    assert orders >= report["tranches_filled"] / 2
    for what in (
        "GET /instrument",
        "GET /position",
        "GET /user/margin",
        "GET /execution",
        "GET /user/walletHistory",
    ):
        assert seen[what] > 0, what
    for table in ("order insert", "execution insert", "orderBook10 update", "instrument update"):
        assert seen[f"websocket {table}"] > 0, table
    _finds_what_is_wrong(taken)


def _finds_what_is_wrong(taken: list[Any]) -> None:
    """One field broken in what was really said, and the check must fail: else it checks nothing."""
    placed = next(one["body"] for one in taken if one.get("verb") == "POST" and one["path"] == "/order")
    missing = {key: value for key, value in placed.items() if key != "cumQty"}
    broken: list[Any] = [
        missing,
        {**placed, "colour": "red"},
        {**placed, "orderQty": str(placed["orderQty"])},
        {**placed, "orderID": None},
        {**placed, "price": "8700"},
        {**placed, "timestamp": "yesterday"},
    ]
    Words().take({"verb": "POST", "path": "/order", "status": 200, "body": placed})
    for body in broken:
        with pytest.raises((AssertionError, ValueError)):
            Words().take({"verb": "POST", "path": "/order", "status": 200, "body": body})
    insert = next(
        one["told"]
        for one in taken
        if isinstance(one.get("told"), dict)
        and (one["told"].get("table"), one["told"].get("action")) == ("execution", "insert")
    )
    Words().take({"told": insert})
    with pytest.raises(AssertionError):
        Words().take({"told": {**insert, "data": [{**insert["data"][0], "lastQty": "100"}]}})
