"""Executions as the broker books them: running totals, and results net of commissions.

The broker adds the commission of opening trades to a position's cost and takes them off its result when it is
closed, so the realised result it reports is net of every commission. The exchange's is before fees.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.simulator.exchange.orders import Execution


@dataclass(frozen=True, slots=True)
class Booked:
    """An execution with its order's totals after it. ``notional``: Σ contracts × cents.

    ``realised``: units, net of the commissions of both sides; None if it closed nothing.
    """

    execution: Execution
    cumulative: int
    notional: int
    realised: int | None


@dataclass(slots=True)
class _Holding:
    contracts: int = 0
    fees: int = 0


@dataclass(slots=True)
class Blotter:
    """Every trade of one account, oldest first. ``realised`` adds up what they realised, net, in units."""

    trades: list[Booked] = field(default_factory=list)
    realised: int = 0
    _totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    _holdings: dict[str, _Holding] = field(default_factory=dict)
    _realised_by: dict[str, int] = field(default_factory=dict)

    def book(self, execution: Execution) -> Booked | None:
        """Take an execution in; None for one that is no order's (a settlement). A bust is one of no contracts."""
        if not execution.kind.moves_position:
            return None
        realised = self._settle(execution)
        if not execution.order_id:
            return None
        cumulative, notional = self._totals.get(execution.order_id, (0, 0))
        cumulative += execution.quantity
        notional += execution.quantity * execution.price
        self._totals[execution.order_id] = cumulative, notional
        booked = Booked(execution, cumulative, notional, realised)
        self.trades.append(booked)
        return booked

    def rebook(self, executions: Iterable[Execution]) -> None:
        """Begin again with what stands: a corrected trade changes what those after it come to."""
        self.trades.clear()
        self.realised = 0
        for kept in (self._totals, self._holdings, self._realised_by):
            kept.clear()
        for execution in executions:
            self.book(execution)

    def find(self, exec_id: str) -> Booked | None:
        return next((booked for booked in self.trades if booked.execution.exec_id == exec_id), None)

    def open_fees(self, symbol: str) -> int:
        """Return the commissions paid for the contracts now open, in units."""
        return self._holdings.get(symbol, _Holding()).fees

    def realised_by(self, symbol: str) -> int:
        """Return what one contract has realised, net, in units."""
        return self._realised_by.get(symbol, 0)

    def _settle(self, execution: Execution) -> int | None:
        holding = self._holdings.setdefault(execution.symbol, _Holding())
        signed = execution.side.sign * execution.quantity
        closes = holding.contracts * signed < 0
        closing = min(abs(holding.contracts), execution.quantity) if closes else 0
        closing_fee = execution.fee * closing // execution.quantity if closing else 0
        released = holding.fees * closing // abs(holding.contracts) if closing else 0
        holding.fees += execution.fee - closing_fee - released
        holding.contracts += signed
        if not closing:
            return None
        realised = execution.realised - closing_fee - released
        self.realised += realised
        self._realised_by[execution.symbol] = self.realised_by(execution.symbol) + realised
        return realised
