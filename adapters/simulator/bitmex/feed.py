"""From the exchange core's events to the venue's records and websocket tables.

For one cause the venue tells: execution, order, (trade,) position, margin, wallet; then the market's tables.
"""

from adapters.simulator.bitmex.faults import Faults
from adapters.simulator.bitmex.history import BinWatch
from adapters.simulator.bitmex.order_rows import EXEC_TYPES
from adapters.simulator.bitmex.publisher import Publisher
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.tables import TABLES
from adapters.simulator.exchange.events import (
    AccountChanged,
    BookChanged,
    CashMoved,
    ExchangeEvent,
    Executed,
    OrderChanged,
    PositionChanged,
    SessionChanged,
)
from adapters.simulator.exchange.orders import Execution, SimOrder
from adapters.simulator.faults import FaultKind


class Feed:
    """A listener of the exchange core."""

    def __init__(self, state: VenueState, publisher: Publisher, faults: Faults, bins: BinWatch) -> None:
        self._state = state
        self._publisher = publisher
        self._faults = faults
        self._bins = bins
        self._shown = {row["orderID"]: row for row in state.order_rows(state.live_orders())}

    def __call__(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged(order):
                if order.account == self._state.account:
                    self._order(order)
            case Executed(execution, after):
                self._executed(execution, after)
            case PositionChanged(position):
                if position.account == self._state.account:
                    self._publisher.refresh("position")
            case AccountChanged(account):
                if account.account == self._state.account:
                    self._account()
            case BookChanged(symbol):
                self._book(symbol)
            case SessionChanged():
                self._publisher.refresh("instrument")
                self._publisher.refresh("settlement")
            case CashMoved():
                pass  # AccountChanged follows

    def _order(self, order: SimOrder) -> None:
        records = self._state.orders
        is_new, before = records.is_new(order), records.last(order)
        if is_new:
            order = records.on_entry(order)
        execution = records.order_changed(order)
        if execution is not None:
            self._publisher.publish("execution", "insert", [execution])
        row = records.order(order)
        if is_new:
            self._publisher.publish("order", "insert", [row])
        elif (shown := self._shown.get(order.order_id)) is not None:
            change = TABLES["order"].change(shown, row)
            if change is not None:
                self._publisher.publish("order", "update", [change])
        elif order != before:
            # It had ended, and a fill of it was restated: those who subscribed since do not have its row.
            self._publisher.publish("order", "insert", [row])
        if order.forced:
            self._publisher.refresh("liquidation")
        if order.status.is_final:
            self._shown.pop(order.order_id, None)
        else:
            self._shown[order.order_id] = row

    def _executed(self, execution: Execution, order: SimOrder | None) -> None:
        if execution.account == self._state.account:
            self._state.bookings.note(execution)
            if execution.kind in EXEC_TYPES:
                row = self._state.orders.executed(execution, order)
                self._publisher.publish("execution", "insert", [row])
        if order is not None and execution.was is None:
            trade = self._state.market.traded(execution)
            if trade is not None:
                self._publisher.publish("trade", "insert", [trade])

    def _account(self) -> None:
        for table in ("position", "margin", "wallet", "transact", "insurance"):
            self._publisher.refresh(table)

    def _book(self, symbol: str) -> None:
        if not self._faults.plan.lasting(FaultKind.STALE):
            self._prices(symbol)
        funding = self._state.market.funding_due(symbol)
        if funding is not None:
            self._publisher.publish("funding", "insert", [funding])
        self._account()

    def _prices(self, symbol: str) -> None:
        quote = self._state.market.quoted(symbol)
        for table in ("orderBook10", "orderBookL2", "orderBookL2_25"):
            self._publisher.refresh(table, [symbol])
        if quote is not None:
            self._publisher.publish("quote", "insert", [quote])
        for table, row in self._bins.due(symbol, self._state.clock.now()):
            self._publisher.publish(table, "insert", [row])
        for table in ("instrument", "settlement"):
            self._publisher.refresh(table, [symbol])
