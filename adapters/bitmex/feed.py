"""What the websocket's tables mean: quotes, orders, fills and cash flows, into the sink."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import structlog

from adapters.bitmex import wire
from adapters.bitmex.executions import TRADE, Match, execution_event, has_order, is_correction, match_of
from adapters.bitmex.indices import Indices
from adapters.bitmex.orders import order_update
from adapters.bitmex.tables import Tables
from adapters.bitmex.wire import Malformed, Row
from adapters.clock import Clock
from adapters.venue import FundingAnnounced, IndexRole, Sink
from risk.instruments import InstrumentId
from risk.orders import CashFlow
from risk.portfolio import Funding, Level, Quote

ORDER, EXECUTION, WALLET = "order", "execution", "wallet"
BOOK, INSTRUMENT = "orderBook10", "instrument"

# The venue's REST answers trail its stream, and its clock is not ours: look back this much further.
OVERLAP = timedelta(minutes=1)
MOST_REMEMBERED = 20_000

_log = structlog.get_logger("adapters.bitmex")


class Feed:
    """Translates table messages, remembering across connections what it has told.

    ``ends``: when dated contracts do, by symbol. The wallet's table holds sums only, so a change of it calls
    ``wallet_changed``: what moved is to be asked.
    """

    def __init__(
        self,
        venue: str,
        symbols: Sequence[str],
        clock: Clock,
        sink: Sink,
        wallet_changed: Callable[[], None],
        indices: Mapping[IndexRole, str] = MappingProxyType({}),
        ends: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._sink = sink
        self._wallet_changed = wallet_changed
        self._symbols = symbols
        self._ends = ends
        self.topics = self._topics_now()
        self._indices = Indices(venue, indices, sink)
        self._tables = Tables(self.topics)
        self._told: OrderedDict[str, None] = OrderedDict()
        self._trades: OrderedDict[Match, str] = OrderedDict()
        self._last_execution = self._last_flow = clock.now()
        self._is_first = True
        self._marks: dict[str, Decimal] = {}
        self._fundings: dict[str, Funding] = {}
        self._books: dict[str, Quote] = {}

    @property
    def optional(self) -> tuple[str, ...]:
        """What is asked for as well, and waited for by nobody."""
        return self._indices.topics

    def refused(self, topic: str, why: str) -> None:
        """The venue does not tell an optional topic."""
        self._indices.refused(topic, why)

    @property
    def missing(self) -> frozenset[str]:
        """The topics whose snapshot has not come since ``start``."""
        return self._tables.missing

    @property
    def since(self) -> datetime:
        """From when on executions may have been missed while there was no connection."""
        return self._last_execution - OVERLAP

    @property
    def flows_since(self) -> datetime:
        """From when on cash may have moved that was not told."""
        return self._last_flow - OVERLAP

    def start(self) -> None:
        """Begin a new connection: every table waits for its snapshot again."""
        self.topics = self._topics_now()
        self._tables = Tables(self.topics)
        self._indices.start()
        self._marks.clear()
        self._books.clear()

    def _topics_now(self) -> tuple[str, ...]:
        """What is subscribed; the venue refuses a contract that has ended, and with it the whole link would be lost."""
        now = self._clock.now()
        listed = [one for one in self._symbols if one not in self._ends or now < self._ends[one]]
        public = [f"{table}:{symbol}" for symbol in listed for table in (INSTRUMENT, BOOK)]
        return (ORDER, EXECUTION, WALLET, *public)

    def started(self) -> None:
        """Note that the first connection is up: from here on, a snapshot may hold what was missed."""
        self._is_first = False

    def apply(self, message: Row) -> None:
        """Tell what one table message means. Raises Distrusted or Malformed."""
        left = self._indices.take(message)
        if left is None:
            return
        is_snapshot = left.get("action") == "partial"
        topic, rows = self._tables.apply(left)
        table, _, symbol = topic.partition(":")
        if table == EXECUTION:
            if is_snapshot:
                self._executions_of_snapshot(rows)
            else:
                for row in rows:
                    self._tell_execution(row)
        elif table == ORDER:
            for row in rows:
                self._sink(order_update(self._venue, row))
        elif table == BOOK:
            for row in rows:
                self._tell_book(symbol, row)
        elif table == INSTRUMENT:
            for row in rows:
                if is_snapshot and self._is_first:
                    # By the venue's clock, should ours run ahead: what is missed is asked for by venue time.
                    at = wire.moment(row, "timestamp")
                    self._last_execution = min(self._last_execution, at)
                    self._last_flow = min(self._last_flow, at)
                self._tell_funding(symbol, row)
                self._tell_mark(symbol, row)
        elif rows and not is_snapshot:
            self._wallet_changed()

    def tell_missed(self, executions: Iterable[Row]) -> None:
        """Tell what a REST answer holds that the stream did not bring (rows oldest first). Raises Malformed.

        Every fill and cash flow not told yet; and the last word on each order the new snapshot lacks, since
        that order became final while there was no connection.
        """
        last: dict[str, Row] = {}
        for row in executions:
            self._tell_execution(row)
            if has_order(row):
                last[wire.text(row, "orderID")] = row
        for order_id, row in last.items():
            if not self._tables[ORDER].has(order_id):
                self._sink(order_update(self._venue, row))

    def tell_flows(self, flows: Iterable[CashFlow]) -> None:
        """Tell what the wallet's history holds and was not told yet."""
        for flow in flows:
            if flow.flow_id not in self._told:
                self._sink(flow)
                self._remember(flow.flow_id)
            self._last_flow = max(self._last_flow, flow.at)

    def _executions_of_snapshot(self, rows: Sequence[Row]) -> None:
        """The first snapshot is history, which the bot asks for itself; a later one may hold what was missed."""
        for row in rows:
            if self._is_first:
                self._remember(wire.text(row, "execID"))
                self._note_trade(row)
            elif wire.moment(row, "timestamp") >= self.since:
                self._tell_execution(row)

    def _tell_execution(self, row: Row) -> None:
        execution_id = wire.text(row, "execID")
        if execution_id in self._told:
            return
        original = self._trades.get(match_of(row), "") if is_correction(row) else ""
        event = execution_event(self._venue, row, original)
        if event is not None:
            self._sink(event)
        elif is_correction(row):
            # Of a trade before this stream: whoever asks for fills is told it.
            _log.warning("bitmex.correction_of_older_trade", row=dict(row))
        self._note_trade(row)
        self._remember(execution_id)
        self._last_execution = max(self._last_execution, wire.moment(row, "timestamp"))

    def _note_trade(self, row: Row) -> None:
        if row.get("execType") != TRADE:
            return
        self._trades[match_of(row)] = wire.text(row, "execID")
        while len(self._trades) > MOST_REMEMBERED:
            self._trades.popitem(last=False)

    def _remember(self, told: str) -> None:
        self._told[told] = None
        while len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)

    def _tell_book(self, symbol: str, row: Row) -> None:
        quote = Quote(
            instrument=InstrumentId(self._venue, symbol),
            bids=_levels(row, "bids"),
            asks=_levels(row, "asks"),
            at=self._clock.now(),
            mark=self._marks.get(symbol),
        )
        self._books[symbol] = quote
        self._sink(quote)

    def _tell_funding(self, symbol: str, row: Row) -> None:
        at, rate = wire.moment_or_none(row, "fundingTimestamp"), row.get("fundingRate")
        if at is None or rate is None:
            return  # a dated contract pays none
        funding = Funding(at, wire.exact(rate, "fundingRate"))
        if funding != self._fundings.get(symbol):
            self._fundings[symbol] = funding
            self._sink(FundingAnnounced(InstrumentId(self._venue, symbol), funding))

    def _tell_mark(self, symbol: str, row: Row) -> None:
        mark = wire.price_or_none(row, "markPrice")
        if mark is None or mark == self._marks.get(symbol):
            return
        self._marks[symbol] = mark
        book = self._books.get(symbol)
        if book is not None:
            # The book's own time stays: a new mark does not make an old book fresh.
            self._books[symbol] = replace(book, mark=mark)
            self._sink(self._books[symbol])


def _levels(row: Row, name: str) -> tuple[Level, ...]:
    entries = row.get(name)
    if not isinstance(entries, list):
        raise Malformed(f"{name} should be a list, not {entries!r}")
    return tuple(_level(entry, name) for entry in entries)


def _level(entry: object, name: str) -> Level:
    if not isinstance(entry, list) or len(entry) != 2:
        raise Malformed(f"{name} should hold pairs of price and size, not {entry!r}")
    price, size = wire.exact(entry[0], f"{name} price"), wire.exact(entry[1], f"{name} size")
    if price <= 0 or size <= 0 or size != int(size):
        raise Malformed(f"{name} should hold a positive price and whole size, not {price} and {size}")
    return Level(price, int(size))
