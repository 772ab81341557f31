"""Trades that go wrong at the venue itself: some are restated, and some taken back, a while after they were told.

Each trade of the account is one opportunity of CORRECTED (the price a few ticks off, or a lot less) and, if it is not
taken, of BUST.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.faults import FaultKind, FaultPlan

_AFTER = (0.05, 0.3, 1.0)
"""Seconds: in life minutes or hours, and within a plan or after it, as here."""
_MOST_TICKS = 3


class Restating:
    """Listens to the exchange from its making until ``close``."""

    def __init__(self, exchange: Exchange, account: str, plan: FaultPlan) -> None:
        self._exchange = exchange
        self._account = account
        self._plan = plan
        self._waiting: dict[asyncio.TimerHandle, Callable[[], None]] = {}
        self._unsubscribe = exchange.subscribe(self._hear)

    def close(self) -> None:
        """Stop, and restate now what was still to be: nobody is told, and whoever comes back has to ask."""
        self._unsubscribe()
        waiting, self._waiting = self._waiting, {}
        for timer, restate in waiting.items():
            timer.cancel()
            restate()

    def _hear(self, event: ExchangeEvent) -> None:
        if not isinstance(event, Executed) or event.order is None or event.order.forced:
            return
        trade = event.execution
        if trade.account != self._account or trade.kind is not ExecKind.TRADE:
            return
        for kind in (FaultKind.CORRECTED, FaultKind.BUST):
            if self._plan.strikes(kind):
                self._soon(kind, self._change(kind, trade))
                return

    def _change(self, kind: FaultKind, trade: Execution) -> Callable[[], None]:
        spec, quantity, price = self._exchange.spec(trade.symbol), trade.quantity, trade.price
        if kind is FaultKind.BUST:
            quantity = 0
        elif quantity > spec.lot and self._plan.draw(kind, 2):
            quantity -= spec.lot
        else:
            ticks = (1 + self._plan.draw(kind, _MOST_TICKS)) * (1, -1)[self._plan.draw(kind, 2)]
            price += ticks * spec.tick

        def restate() -> None:
            with suppress(ExchangeRefusal):  # settled meanwhile
                self._exchange.correct(self._account, trade.exec_id, quantity=quantity, price=price)

        return restate

    def _soon(self, kind: FaultKind, restate: Callable[[], None]) -> None:
        def due() -> None:
            del self._waiting[timer]
            restate()

        delay = _AFTER[self._plan.draw(kind, len(_AFTER))]
        timer = asyncio.get_running_loop().call_later(delay, due)
        self._waiting[timer] = restate
