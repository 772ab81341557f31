"""The venue's reference indices: rows of the ``instrument`` table that cannot be traded (``.BXBT``).

Nothing that trades depends on them. A row without a usable price makes its index unknown, and an index the venue does
not know, or never tells, leaves the link as it is.
"""

from collections.abc import Mapping

import structlog

from adapters.bitmex import wire
from adapters.bitmex.wire import Malformed, Row
from adapters.venue import IndexRole, IndexTold, Sink

_TABLE = "instrument"

_log = structlog.get_logger("adapters.bitmex")


class Indices:
    """Tells each index when it is published. ``symbols``: by role."""

    def __init__(self, venue: str, symbols: Mapping[IndexRole, str], sink: Sink) -> None:
        self._venue = venue
        self._sink = sink
        self._roles = {symbol: role for role, symbol in symbols.items()}
        self._rows: dict[object, dict[str, object]] = {}
        self._told: dict[str, IndexTold] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(f"{_TABLE}:{symbol}" for symbol in self._roles)

    def start(self) -> None:
        """Begin a new connection: what was told on the last one may be old."""
        self._rows.clear()
        self._told.clear()

    def take(self, message: Row) -> Row | None:
        """Tell what a table message says of an index; return what it says of anything else, None if nothing.

        Raises Malformed where its rows are none.
        """
        if not self._roles or message.get("table") != _TABLE:
            return message
        rows, action = wire.rows(message.get("data")), message.get("action")
        ours = [row for row in rows if row.get("symbol") in self._roles]
        for row in ours:
            symbol = str(row["symbol"])
            known = {} if action != "update" else self._rows.get(symbol, {})
            self._rows[symbol] = {} if action == "delete" else {**known, **row}
            self._tell(self._told_by(symbol, self._rows[symbol]))
        scope = message.get("filter")
        empty = not rows and isinstance(scope, dict) and scope.get("symbol") in self._roles
        if empty or (ours and len(ours) == len(rows)):
            return None
        return message if not ours else {**message, "data": [row for row in rows if row not in ours]}

    def refused(self, topic: str, why: str) -> None:
        """The venue does not tell a topic of ours."""
        symbol = topic.partition(":")[2]
        self._tell(self._unknown(symbol, f"{self._venue} does not tell it: {why}"))

    def _told_by(self, symbol: str, row: Row) -> IndexTold:
        """Read a row. An index's price is its mark price, ``timestamp`` when it was published."""
        try:
            price, at = wire.price(row, "markPrice"), wire.moment(row, "timestamp")
        except Malformed as error:
            return self._unknown(symbol, f"{self._venue} tells no usable price of it: {error}")
        return IndexTold(self._venue, self._roles[symbol], symbol, price, at)

    def _unknown(self, symbol: str, note: str) -> IndexTold:
        return IndexTold(self._venue, self._roles[symbol], symbol, None, None, note)

    def _tell(self, told: IndexTold) -> None:
        if told == self._told.get(told.symbol):
            return
        if told.price is None:
            _log.warning("bitmex.index_unknown", index=told.symbol, note=told.note)
        self._told[told.symbol] = told
        self._sink(told)
