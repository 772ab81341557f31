"""Websocket tables: a snapshot (``partial``), then ``insert``, ``update`` and ``delete`` by key."""

from collections.abc import Sequence

from adapters.bitmex import wire
from adapters.bitmex.wire import Malformed, Row

MOST_ROWS = 2_000


class Distrusted(Exception):
    """The stream no longer tells the venue's state: only a new snapshot does."""


class Table:
    """One subscription's rows. Keeps the last ``MOST_ROWS``; what is older is looked up over REST if need be."""

    def __init__(self, keys: Sequence[str], rows: Sequence[Row]) -> None:
        self._keys = tuple(keys)
        self._rows: dict[tuple[object, ...], dict[str, object]] = {}
        self.insert(rows)

    @property
    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def has(self, *key: object) -> bool:
        return key in self._rows

    def apply(self, action: str, rows: Sequence[Row]) -> list[Row]:
        """Apply one message; return the rows that are new or changed, whole. Raises Distrusted, Malformed."""
        if action == "insert":
            return self.insert(rows)
        if action == "update":
            return [self._update(row) for row in rows]
        if action == "delete":
            for row in rows:
                self._rows.pop(self._key(row), None)
            return []
        raise Malformed(f"unknown action {action!r}")

    def insert(self, rows: Sequence[Row]) -> list[Row]:
        for row in rows:
            self._rows[self._key(row)] = dict(row)
        while len(self._rows) > MOST_ROWS:
            del self._rows[next(iter(self._rows))]
        return list(rows)

    def _update(self, row: Row) -> Row:
        known = self._rows.get(self._key(row))
        if known is None:
            raise Distrusted(f"an update of a row never seen: {dict(row)}")
        known.update(row)
        return known

    def _key(self, row: Row) -> tuple[object, ...]:
        missing = [name for name in self._keys if name not in row]
        if missing:
            raise Malformed(f"a row without its key {', '.join(missing)}")
        return tuple(row[name] for name in self._keys)


class Tables:
    """All subscriptions of one connection, by topic (``order``, ``orderBook10:XBTUSD``)."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = frozenset(topics)
        self._tables: dict[str, Table] = {}

    @property
    def missing(self) -> frozenset[str]:
        """The topics whose snapshot has not come."""
        return self._topics - self._tables.keys()

    def __getitem__(self, topic: str) -> Table:
        return self._tables[topic]

    def apply(self, message: Row) -> tuple[str, list[Row]]:
        """Apply one table message; return its topic and the rows that are new or changed, whole.

        What comes before a topic's snapshot is dropped: the snapshot holds it. Raises Distrusted, Malformed.
        """
        rows = wire.rows(message.get("data"))
        topic = self._topic(message, rows)
        if wire.text(message, "action") == "partial":
            table = Table(_keys(message), rows)
            self._tables[topic] = table
            return topic, table.rows
        known = self._tables.get(topic)
        if known is None:
            return topic, []
        return topic, known.apply(wire.text(message, "action"), rows)

    def _topic(self, message: Row, rows: Sequence[Row]) -> str:
        table = wire.text(message, "table")
        if table in self._topics:
            return table
        scope = message.get("filter")
        symbols = {row.get("symbol") for row in rows} or {
            scope.get("symbol") if isinstance(scope, dict) else None
        }
        topic = f"{table}:{symbols.pop()}"
        if symbols or topic not in self._topics:
            raise Malformed(f"a message of {table} for {topic}, which is not subscribed")
        return topic


def _keys(message: Row) -> list[str]:
    keys = message.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise Malformed(f"a snapshot of {message.get('table')} without keys: {keys!r}")
    return keys
