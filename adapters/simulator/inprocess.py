"""A ``Venue`` straight on an exchange: no sockets, no client library, fit for virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Refused, Unreachable
from adapters.simulator import translate
from adapters.simulator.exchange.events import BookChanged, CashMoved, ExchangeEvent, Executed, OrderChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.venue import Capabilities, Link, LinkState, Sink, VenueEvent
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency
from risk.orders import CashFlow, CommissionReport, Fill, OrderUpdate
from risk.portfolio import Account, Position, Quote


class InProcessVenue:
    """One account of an exchange. What it can do follows the exchange's kind.

    Inverse as BitMEX: client ids unique, fees with fills, cash flows told, a dead man's switch. Linear as the
    broker: none of these, reduce-only ignored, commissions told ``commission_delay`` after their fills.
    ``latency`` is the way there and, again, the way back of a submit. ``drop_link`` and ``restore_link`` play a
    broken connection.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: str,
        clock: Clock,
        *,
        latency: timedelta = timedelta(0),
        commission_delay: timedelta = timedelta(0),
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._clock = clock
        self._latency = latency.total_seconds()
        self._commission_delay = commission_delay.total_seconds()
        self._currency = Currency(exchange.rules.currency)
        self._instruments: dict[str, Instrument] = {}
        self._sink: Sink | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._missed: list[VenueEvent] = []
        self._linked = False

    @property
    def name(self) -> str:
        return self._exchange.name

    @property
    def capabilities(self) -> Capabilities:
        rules = self._exchange.rules
        inverse = self._currency is Currency.XBT
        return Capabilities(
            unique_client_ids=rules.unique_client_ids,
            dead_mans_switch=rules.dead_mans_switch,
            post_only=rules.post_only,
            reduce_only=rules.reduce_only,
            fee_with_fill=inverse,
            cash_flows=inverse,
        )

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        if self._sink is not None:
            raise Misconfigured(self.name, "connect", "it is connected already")
        if self._account not in self._exchange.accounts():
            raise Misconfigured(self.name, "connect", f"no account {self._account}")
        try:
            specs = [self._exchange.spec(symbol) for symbol in symbols]
        except ExchangeRefusal as refusal:
            raise Misconfigured(self.name, "connect", refusal.message, code=refusal.code) from refusal
        self._instruments = {spec.symbol: translate.instrument(self.name, spec) for spec in specs}
        self._sink = sink
        self._unsubscribe = self._exchange.subscribe(self._hear)
        self.restore_link()

    async def close(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._missed.clear()
        self._sink = self._unsubscribe = None
        self._linked = False

    def drop_link(self, detail: str = "dropped") -> None:
        """Lose the connection: nothing is told, orders are not sent, questions go unanswered."""
        if self._linked:
            self._tell(Link(self.name, LinkState.DOWN, self._clock.now(), detail))
            self._linked = False

    def restore_link(self) -> None:
        """Connect again: tell the executions and cash that were missed, then the link, then the books."""
        self._linked = True
        missed, self._missed = self._missed, []
        for event in missed:
            self._tell(event)
        self._tell(Link(self.name, LinkState.UP, self._clock.now()))
        for symbol in self._instruments:
            self._tell(self._quote(symbol))

    def instrument(self, symbol: str) -> Instrument:
        known = self._instruments.get(symbol)
        if known is None:
            raise Misconfigured(
                self.name, f"use the contract {symbol}", "it was not asked for when connecting"
            )
        return known

    async def submit(self, order: Approved) -> OrderUpdate:
        request = order.request
        attempted = (
            f"submit {request.side} {request.quantity} {request.instrument.symbol} at {request.price} "
            f"({request.client_order_id})"
        )
        if not self._linked:
            raise NotSent(self.name, attempted, "not connected")
        in_cents = translate.cents(request.price)
        if in_cents is None or request.instrument.venue != self.name:
            raise Refused(self.name, attempted, "no such price or venue")
        await asyncio.sleep(self._latency)
        wanted = translate.new_order(request, in_cents)
        if not self._exchange.rules.reduce_only:
            wanted = replace(wanted, reduce_only=False)
        try:
            placed = self._exchange.place(self._account, wanted)
        except ExchangeRefusal as refusal:
            kind = OutcomeUnknown if refusal.code is RefusalCode.DUPLICATE_CLIENT_ID else Refused
            raise kind(self.name, attempted, refusal.message, code=refusal.code.upper()) from refusal
        await asyncio.sleep(self._latency)
        if not self._linked:
            raise OutcomeUnknown(self.name, attempted, "the link dropped before an answer came")
        return translate.order_update(self.name, placed)

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        attempted = f"cancel {client_order_id}"
        self._require_link(attempted)
        known = self._exchange.order_by_client_id(self._account, client_order_id)
        if known is None or known.symbol != instrument.symbol:
            raise Refused(self.name, attempted, "no such order")
        if not known.status.is_final:
            self._exchange.cancel(self._account, known.order_id, "Canceled by the client")

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        self._require_link(f"ask for order {client_order_id}")
        known = self._exchange.order_by_client_id(self._account, client_order_id)
        if known is None or known.symbol != instrument.symbol:
            return None
        return translate.order_update(self.name, known)

    async def open_orders(self) -> list[OrderUpdate]:
        self._require_link("ask for open orders")
        live = self._exchange.orders(self._account, live_only=True)
        return [translate.order_update(self.name, order) for order in live]

    async def fills(self, since: datetime) -> list[Fill]:
        self._require_link("ask for fills")
        return [self._fill(trade) for trade in self._trades(since)]

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        self._require_link("ask for commissions")
        if self.capabilities.fee_with_fill:
            return []
        return [translate.commission(self.name, trade, self._currency) for trade in self._trades(since)]

    async def positions(self) -> list[Position]:
        self._require_link("ask for positions")
        views = self._exchange.positions(self._account)
        return [translate.position(self.name, view) for view in views if view.contracts]

    async def account(self) -> Account:
        self._require_link("ask for the account")
        return translate.account(self.name, self._exchange.account(self._account))

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        self._require_link("ask for cash flows")
        if not self.capabilities.cash_flows:
            return []
        entries = self._exchange.cash(self._account)
        flows = [
            translate.cash_flow(self.name, entry, self._currency) for entry in entries if entry.at >= since
        ]
        flows += [
            translate.settlement(self.name, execution, self._currency)
            for execution in self._exchange.executions(self._account, since)
            if execution.kind is ExecKind.SETTLEMENT
        ]
        return sorted(flows, key=lambda flow: flow.at)

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged(symbol) if symbol in self._instruments:
                self._tell(self._quote(symbol))
            case OrderChanged(order) if order.account == self._account:
                self._tell(translate.order_update(self.name, order))
            case Executed(execution, _) if execution.account == self._account:
                self._hear_execution(execution)
            case CashMoved(entry) if entry.account == self._account and self.capabilities.cash_flows:
                self._tell(translate.cash_flow(self.name, entry, self._currency))

    def _hear_execution(self, execution: Execution) -> None:
        if execution.kind is ExecKind.SETTLEMENT and self.capabilities.cash_flows:
            self._tell(translate.settlement(self.name, execution, self._currency))
        if execution.kind is not ExecKind.TRADE:
            return
        self._tell(self._fill(execution))
        if not self.capabilities.fee_with_fill:
            self._later(translate.commission(self.name, execution, self._currency))

    def _later(self, report: CommissionReport) -> None:
        def tell() -> None:
            self._timers.discard(timer)
            self._tell(report)

        timer = asyncio.get_running_loop().call_later(self._commission_delay, tell)
        self._timers.add(timer)

    def _tell(self, event: VenueEvent) -> None:
        if self._sink is None:
            return
        if self._linked:
            self._sink(event)
        elif isinstance(event, Fill | CommissionReport | CashFlow):
            self._missed.append(event)

    def _quote(self, symbol: str) -> Quote:
        mark = self._exchange.ticker(symbol).mark
        return translate.quote(self.name, self._exchange.book(symbol), mark, self._clock.now())

    def _fill(self, trade: Execution) -> Fill:
        with_fee = self.capabilities.fee_with_fill
        return translate.fill(self.name, trade, self._currency, with_fee=with_fee)

    def _trades(self, since: datetime) -> list[Execution]:
        executions = self._exchange.executions(self._account, since)
        return [execution for execution in executions if execution.kind is ExecKind.TRADE]

    def _require_link(self, attempted: str) -> None:
        if not self._linked:
            raise Unreachable(self.name, attempted, "not connected")
