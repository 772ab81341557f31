"""Who is told what: subscriptions, partials, and the deltas between what was told and what is now."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from adapters.simulator.bitmex.history import BinWatch
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.tables import BIN_NAMES, TABLES, Table
from adapters.simulator.bitmex.wire import Row, dumps

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A table, and the one symbol it is asked for (None: all)."""

    table: Table
    symbol: str | None

    def wants(self, row: Row) -> bool:
        return self.symbol is None or row.get("symbol") == self.symbol


class Subscriber(Protocol):
    @property
    def topics(self) -> Iterable[Topic]: ...

    def tell(self, table: str, text: str) -> None: ...


class Publisher:
    """Sends table messages to subscribers. Synchronous: a message is queued before the cause's call returns."""

    def __init__(self, state: VenueState, bins: BinWatch) -> None:
        self._state = state
        self._subscribers: list[Subscriber] = []
        self._told: dict[str, dict[Key, Row]] = {}
        self._current: dict[str, Callable[[Sequence[str]], list[Row]]] = {
            "position": lambda symbols: [row for row in state.positions() if row["symbol"] in symbols],
            "margin": lambda symbols: [state.margin()],
            "wallet": lambda symbols: [state.wallet_row()],
            "instrument": lambda symbols: [*state.instruments(symbols), *state.index_rows()],
            "orderBook10": state.book10,
            "settlement": state.settlements,
            "liquidation": lambda symbols: [row for row in state.liquidations() if row["symbol"] in symbols],
            "insurance": lambda symbols: state.insurance(),
            "announcement": lambda symbols: [],
            "transact": lambda symbols: [
                row for row in state.transactions() if row["transactStatus"] == "Completed"
            ],
            "orderBookL2": lambda symbols: state.book_l2(symbols, 0),
            "orderBookL2_25": lambda symbols: state.book_l2(symbols, 25),
        }
        self._snapshot: dict[str, Callable[[Sequence[str]], list[Row]]] = {
            "order": lambda symbols: state.order_rows(
                [order for order in state.live_orders() if order.symbol in symbols]
            ),
            "execution": lambda symbols: [],
            "quote": lambda symbols: _last_of(state.market.quotes, symbols),
            "trade": lambda symbols: _last_of(state.market.trades, symbols),
            "funding": lambda symbols: _last_of(state.market.funding, symbols),
            **{
                f"{kind}Bin{name}": partial(self._last_bins, bins, kind, name)
                for kind in ("trade", "quote")
                for name in BIN_NAMES
            },
        }

    def _last_bins(self, bins: BinWatch, kind: str, name: str, symbols: Sequence[str]) -> list[Row]:
        now = self._state.clock.now()
        return [row for symbol in symbols for told, row in bins.last(symbol, name, now) if told == kind]

    def join(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.remove(subscriber)

    def partial(self, topic: Topic) -> str:
        """Return the snapshot that opens a subscription.

        What is told by deltas is brought up to date first, so that the next delta continues from here.
        """
        table = topic.table
        symbols = self._state.symbols() if topic.symbol is None else [topic.symbol]
        if table.name in self._current:
            self._update(table, self._state.symbols())
            told = self._told[table.name].values()
            rows = [row for row in told if topic.wants(row)]
        else:
            rows = self._snapshot[table.name](symbols)
        shown = {} if topic.symbol is None else {"symbol": topic.symbol}
        owner = {"account": self._state.number} if table.private else {}
        message: dict[str, Any] = {
            "table": table.name,
            "action": "partial",
            "keys": list(table.keys),
            "types": dict(table.types),
            "foreignKeys": dict(table.foreign_keys),
            "attributes": dict(table.attributes),
            "filter": {**owner, **shown},
            "data": rows,
        }
        return dumps(message)

    def publish(self, name: str, action: str, rows: Sequence[Row]) -> None:
        """Tell everybody who asked for it that rows of a table came, changed or went."""
        for subscriber in self._subscribers:
            for topic in subscriber.topics:
                if topic.table.name == name:
                    data = [row for row in rows if topic.wants(row)]
                    if data:
                        subscriber.tell(name, dumps({"table": name, "action": action, "data": data}))

    def refresh(self, name: str, symbols: Sequence[str] | None = None) -> None:
        """Tell what changed in a table since it was last told (of these symbols; None: all)."""
        if any(topic.table.name == name for member in self._subscribers for topic in member.topics):
            self._update(TABLES[name], self._state.symbols() if symbols is None else symbols)
        else:
            self._told.pop(name, None)

    def _update(self, table: Table, symbols: Sequence[str]) -> None:
        told = self._told.setdefault(table.name, {})
        current = {table.key(row): row for row in self._current[table.name](symbols)}
        updates, inserts = [], []
        for key, row in current.items():
            before = told.get(key)
            if before is None:
                inserts.append(row)
            elif (change := table.change(before, row)) is not None:
                updates.append(change)
        gone = [key for key, row in told.items() if row.get("symbol") in symbols and key not in current]
        deletes = [{column: told[key][column] for column in table.keys} for key in gone]
        for key in gone:
            del told[key]
        told.update(current)
        for action, rows in (("update", updates), ("delete", deletes), ("insert", inserts)):
            if rows:
                self.publish(table.name, action, rows)


def _last_of(rows: Callable[[Sequence[str]], list[Row]], symbols: Sequence[str]) -> list[Row]:
    return [row for symbol in symbols for row in rows([symbol])[-1:]]
