"""What has happened, kept as the rows the venue would answer with: executions, trades, quotes, funding."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.bitmex.market_rows import (
    Volume,
    funding_history_row,
    public_trade_row,
    quote_row,
)
from adapters.simulator.bitmex.order_rows import (
    EXEC_TYPES,
    average_price,
    order_event_row,
    order_row,
    orderless_row,
    ppm,
    trade_row,
)
from adapters.simulator.bitmex.tags import Tags
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution, Liquidity, SimOrder, Status, Tif

_KEPT = 10_000
FUNDING_SPAN = timedelta(hours=8)


@dataclass(slots=True)
class _Tape:
    """One contract's public past."""

    trades: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT))
    quotes: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT))
    funding: list[Row] = field(default_factory=list)
    volume: Volume = field(default_factory=Volume)
    last: int | None = None
    due: datetime | None = None
    span: timedelta = FUNDING_SPAN
    matched: Execution | None = None


class OrderRecords:
    """One account's orders and executions, in the order they happened.

    Fills older than the records show their order as it was when the records began.
    """

    def __init__(self, exchange: Exchange, tags: Tags, account: str, number: int) -> None:
        self._exchange = exchange
        self._tags = tags
        self._number = number
        self._account = account
        self._costs: dict[str, int] = {}
        self._seen = {order.order_id: order for order in exchange.orders(account)}
        self.executions: list[Row] = []
        for execution in exchange.executions(account):
            if execution.kind in EXEC_TYPES:
                self.executed(execution, exchange.order(account, execution.order_id))

    def order(self, order: SimOrder) -> Row:
        return order_row(order, self._tags.of(order), self._number, self._average(order))

    def order_changed(self, order: SimOrder) -> Row | None:
        """Take a new state of an order; return the execution row it makes, None if a fill has made it."""
        before = self._seen.get(order.order_id)
        self._seen[order.order_id] = order
        if before is None:
            kind = "Canceled" if order.status is Status.CANCELED else "New"
        elif order.status is Status.CANCELED and not before.status.is_final:
            kind = "Canceled"
        elif order.triggered and not before.triggered:
            kind = "TriggeredOrActivatedBySystem"
        elif _terms(order) != _terms(before):
            kind = "Replaced"
        else:
            return None
        row = order_event_row(order, self._tags.of(order), self._number, self._average(order), kind)
        self.executions.append(row)
        return row

    def is_new(self, order: SimOrder) -> bool:
        return order.order_id not in self._seen

    def last(self, order: SimOrder) -> SimOrder | None:
        """Return the state of an order as it was last told, None if it never was."""
        return self._seen.get(order.order_id)

    def on_entry(self, order: SimOrder) -> SimOrder:
        """Return an order just accepted as the venue first shows it.

        What the engine cancels on entry (post-only that would take, reduce-only without a position) is never
        seen New: by the time it is told it is Canceled.
        """
        current = self._exchange.order(self._account, order.order_id)
        untouched = current is not None and current.cum == 0 and current.status is Status.CANCELED
        if current is None or not untouched or order.tif in (Tif.IOC, Tif.FOK):
            return order
        return current

    def executed(self, execution: Execution, order: SimOrder | None) -> Row:
        """Take an execution, and its order just after it (None: no order did it); return its row."""
        row = self._orderless(execution) if order is None else self._traded(execution, order)
        self.executions.append(row)
        return row

    def _traded(self, execution: Execution, order: SimOrder) -> Row:
        was = 0 if execution.was is None else execution.was.cost
        self._costs[order.order_id] = self._costs.get(order.order_id, 0) + execution.cost - was
        spec = self._exchange.spec(order.symbol)
        average = self._average(order)
        return trade_row(execution, order, self._tags.of(order), self._number, average, spec)

    def _orderless(self, execution: Execution) -> Row:
        rate = 0
        if execution.kind is ExecKind.FUNDING:
            rate = self._exchange.ticker(execution.symbol).funding_rate or 0
        return orderless_row(execution, self._number, ppm(rate))

    def _average(self, order: SimOrder) -> Decimal | None:
        cost = self._costs.get(order.order_id)
        if not cost or not order.cum:
            return None
        return average_price(self._exchange.spec(order.symbol), order.cum, cost)


class MarketRecords:
    """What the public has seen, by contract. Each method returns the row that is new, None if none is."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._tapes = {spec.symbol: _Tape() for spec in exchange.specs()}
        for symbol, tape in self._tapes.items():
            tape.due = exchange.ticker(symbol).next_funding

    def trades(self, symbols: Sequence[str]) -> list[Row]:
        return self._merged([list(self._tapes[symbol].trades) for symbol in symbols])

    def quotes(self, symbols: Sequence[str]) -> list[Row]:
        return self._merged([list(self._tapes[symbol].quotes) for symbol in symbols])

    def funding(self, symbols: Sequence[str]) -> list[Row]:
        return self._merged([self._tapes[symbol].funding for symbol in symbols])

    def volume(self, symbol: str) -> Volume:
        return self._tapes[symbol].volume

    def funding_span(self, symbol: str) -> timedelta:
        return self._tapes[symbol].span

    def traded(self, execution: Execution) -> Row | None:
        """Put a trade on the tape, once where both its sides are accounts of ours."""
        tape = self._tapes[execution.symbol]
        if _other_side(tape.matched, execution):
            tape.matched = None
            return None
        tape.matched = execution
        direction = tape.trades[-1]["tickDirection"] if tape.trades else ""
        row = public_trade_row(execution, tape.last, direction)
        tape.trades.append(row)
        tape.last = execution.price
        tape.volume = Volume(
            tape.volume.contracts + execution.quantity, tape.volume.value + abs(execution.cost)
        )
        return row

    def quoted(self, symbol: str) -> Row | None:
        tape = self._tapes[symbol]
        row = quote_row(self._exchange.ticker(symbol), self._exchange.book(symbol))
        if tape.quotes and _same_quote(tape.quotes[-1], row):
            return None
        tape.quotes.append(row)
        return row

    def funding_due(self, symbol: str) -> Row | None:
        """Notice that a funding time has passed."""
        tape, ticker = self._tapes[symbol], self._exchange.ticker(symbol)
        due, tape.due = tape.due, ticker.next_funding
        if due is None or ticker.next_funding is None or ticker.next_funding == due:
            return None
        tape.span = ticker.next_funding - due
        row = funding_history_row(symbol, due, tape.span, ticker.funding_rate or 0)
        tape.funding.append(row)
        return row

    @staticmethod
    def _merged(tapes: Sequence[Sequence[Row]]) -> list[Row]:
        rows = [row for tape in tapes for row in tape]
        return sorted(rows, key=lambda row: row["timestamp"]) if len(tapes) > 1 else rows


def _terms(order: SimOrder) -> tuple[int, int | None, int | None]:
    """Return what an amend can change; the price of a market order is the core's own."""
    return order.quantity, None if order.is_market else order.price, order.stop


def _other_side(before: Execution | None, execution: Execution) -> bool:
    """Say whether ``before`` is the taker's side of the match whose maker's side is ``execution``."""
    return (
        before is not None
        and before.liquidity is Liquidity.TAKER
        and execution.liquidity is Liquidity.MAKER
        and execution.number == before.number + 1
        and (before.side.opposite, before.price, before.quantity)
        == (execution.side, execution.price, execution.quantity)
    )


def _same_quote(before: Row, after: Row) -> bool:
    return all(before[column] == after[column] for column in after if column != "timestamp")
