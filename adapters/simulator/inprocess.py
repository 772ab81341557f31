"""A ``Venue`` straight on an exchange: no sockets, no client library, fit for virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from adapters.clock import Clock
from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Refused, Throttled, Unreachable
from adapters.simulator import translate
from adapters.simulator.exchange.events import BookChanged, CashMoved, ExchangeEvent, Executed, OrderChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind, Execution, NewOrder, SimOrder
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.faults import FaultKind
from adapters.simulator.inprocess_faults import InProcessFaults
from adapters.simulator.outlet import Outlet
from adapters.simulator.restating import Restating
from adapters.simulator.tws.whatif import margin_state
from adapters.venue import (
    Capabilities,
    ClockSeen,
    FundingAnnounced,
    HoursAnnounced,
    Link,
    LinkState,
    Sink,
    VenueEvent,
)
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency
from risk.orders import (
    Bust,
    CashFlow,
    Cause,
    CommissionReport,
    Fill,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    Side,
)
from risk.portfolio import Account, MarginImpact, Position, Quote, Skew

T = TypeVar("T")
SHORTEST_SWITCH_MS = 5_000


class InProcessVenue:
    """One account of an exchange. What it can do follows the exchange's kind.

    Inverse as BitMEX: client ids unique, fees with fills, cash flows told, a dead man's switch. Linear as the
    broker: none of these, reduce-only ignored, commissions told ``commission_delay`` after their fills.
    ``latency`` is the way there and, again, the way back of a submit. ``drop_link`` and ``restore_link`` play a
    broken connection. With ``faults`` questions take their time too, requests time out, and whatever the plan
    holds happens. An order once sent arrives, whoever still waits for it. ``clock_ahead``: of the venue's clock.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: str,
        clock: Clock,
        *,
        latency: timedelta = timedelta(0),
        commission_delay: timedelta = timedelta(0),
        faults: InProcessFaults | None = None,
        clock_ahead: timedelta = timedelta(0),
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._clock = clock
        self._latency = latency.total_seconds()
        self._commission_delay = commission_delay.total_seconds()
        self._clock_ahead = clock_ahead
        self._fundings: dict[str, datetime] = {}
        self._currency = Currency(exchange.rules.currency)
        self._instruments: dict[str, Instrument] = {}
        self._sink: Sink | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._refreshing: asyncio.TimerHandle | None = None
        self._missed: list[VenueEvent] = []
        self._linked = False
        self._session = 0
        self._faults = faults
        self._muted: set[str] = set()
        self._outlet: Outlet[VenueEvent] | None = None
        self._restating: Restating | None = None
        if faults is not None:
            self._outlet = Outlet(self._deliver, self._lose_link, faults.plan, type)

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
            what_if=not inverse,
            stops=inverse,
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
        if self._is_down:
            raise Unreachable(self.name, "connect", "the venue is down")
        self._instruments = {spec.symbol: translate.instrument(self.name, spec) for spec in specs}
        self._sink = sink
        self._unsubscribe = self._exchange.subscribe(self._hear)
        if self._faults is not None:
            self._restating = Restating(self._exchange, self._account, self._faults.plan)
        for spec in specs:
            hours = translate.trading_hours(self._exchange.rules.sessions)
            sink(HoursAnnounced(InstrumentId(self.name, spec.symbol), hours))
        self.restore_link()

    async def close(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        restating, self._restating = self._restating, None
        if restating is not None:
            restating.close()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._missed.clear()
        if self._outlet is not None:
            self._outlet.close()
        self._sink = self._unsubscribe = None
        self._linked = False

    def drop_link(self, detail: str = "dropped") -> None:
        """Lose the connection: nothing is told, orders are not sent, questions go unanswered."""
        if not self._linked or self._sink is None:
            return
        if self._outlet is not None:
            self._outlet.close()
        self._sink(Link(self.name, LinkState.DOWN, self._clock.now(), detail))
        self._linked = False

    def restore_link(self) -> None:
        """Connect again: tell the executions and cash that were missed, then the link, then the books."""
        if self._sink is None:
            return
        self._linked = True
        self._session += 1
        self._muted.clear()
        missed, self._missed = self._missed, []
        if self._faults is not None and self._faults.forgets():
            missed = []
        for event in missed:
            self._tell(event)
        self._sink(Link(self.name, LinkState.UP, self._clock.now()))
        self._sink(ClockSeen(self.name, Skew(self._clock_ahead, self._clock_ahead)))
        for symbol in self._instruments:
            self._tell_funding(symbol)
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
        if request.trigger is not None and not self.capabilities.stops:
            raise Refused(self.name, attempted, "no stops are served here", code="ORDER_STOP")
        try:
            wanted = translate.new_order(request, in_cents)
        except ValueError as error:
            raise Refused(self.name, attempted, str(error)) from error
        if not self._exchange.rules.reduce_only:
            wanted = replace(wanted, reduce_only=False)
        if self._faults is None:
            return await self._send(wanted, attempted, self._latency)
        return await self._send_through(self._faults, wanted, attempted)

    async def _send(self, wanted: NewOrder, attempted: str, delay: float) -> OrderUpdate:
        session = self._session
        placed = await self._on_the_wire(wanted, delay)
        await asyncio.sleep(self._latency + self._hangs())
        if not self._linked or session != self._session:
            raise OutcomeUnknown(self.name, attempted, "the link dropped before an answer came")
        if isinstance(placed, ExchangeRefusal):
            kind = OutcomeUnknown if placed.code is RefusalCode.DUPLICATE_CLIENT_ID else Refused
            raise kind(self.name, attempted, placed.message, code=placed.code.upper()) from placed
        return self._update(placed)

    def _on_the_wire(self, wanted: NewOrder, delay: float) -> "asyncio.Future[SimOrder | ExchangeRefusal]":
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[SimOrder | ExchangeRefusal] = loop.create_future()

        def arrive() -> None:
            answer: SimOrder | ExchangeRefusal
            try:
                answer = self._exchange.place(self._account, wanted)
            except ExchangeRefusal as refusal:
                answer = refusal
            if not answered.done():
                answered.set_result(answer)

        loop.call_later(delay, arrive)
        return answered

    async def _send_through(self, faults: InProcessFaults, wanted: NewOrder, attempted: str) -> OrderUpdate:
        delay, client_id = self._latency, wanted.client_id
        meets = faults.of_order()
        if meets is FaultKind.RATE_LIMITED:
            raise Throttled(self.name, attempted, "Rate limit exceeded", code="429")
        if meets in (FaultKind.REFUSED, FaultKind.BANNED):
            await asyncio.sleep(2 * self._latency)
            if not self.capabilities.unique_client_ids and faults.acknowledges_first():
                self._tell(self._word(wanted, OrderStatus.NEW))
                await asyncio.sleep(self._latency)
                self._tell(self._word(wanted, OrderStatus.REJECTED, "the broker says no after all"))
            raise Refused(self.name, attempted, f"the venue says no ({meets})", code=meets.upper())
        if meets is FaultKind.OVERLOADED:
            await asyncio.sleep(2 * self._latency)
            raise OutcomeUnknown(self.name, attempted, "The system is currently overloaded", code="503")
        if meets is FaultKind.LOST:
            await asyncio.sleep(faults.timeout)
            raise OutcomeUnknown(self.name, attempted, "timed out")
        if meets is FaultKind.FALSE_CANCEL:
            faults.called_off[client_id] = wanted.quantity
            self._on_the_wire(wanted, self._latency + faults.short_delay())
            await asyncio.sleep(self._latency)
            return self._word(wanted, OrderStatus.CANCELED, "cancelled, says the venue, and fills")
        if meets is FaultKind.UNANSWERED:
            self._muted.add(client_id)
            self._on_the_wire(wanted, delay)
            await asyncio.sleep(faults.timeout)
            raise OutcomeUnknown(self.name, attempted, "timed out")
        if meets is FaultKind.GATEWAY_RESTART:
            self._muted.add(client_id)
            await self._on_the_wire(wanted, delay)
            self._tell(self._word(wanted, OrderStatus.NEW))
            await asyncio.sleep(self._latency)
            self._restart(faults)
            raise OutcomeUnknown(self.name, attempted, "the gateway restarts")
        if meets is FaultKind.DELAYED:
            delay += faults.delay(client_id, wanted.quantity)
        if faults.plan.lasting(FaultKind.HUNG):
            self._hang()
        try:
            async with asyncio.timeout(faults.timeout):
                update = await self._send(wanted, attempted, delay)
        except TimeoutError as error:
            raise OutcomeUnknown(self.name, attempted, "timed out") from error
        return update

    def _word(self, wanted: NewOrder, status: OrderStatus, reason: str = "") -> OrderUpdate:
        """Make up a word on an order that is not at the exchange, or not as it says."""
        return OrderUpdate(
            instrument=InstrumentId(self.name, wanted.symbol),
            client_order_id=wanted.client_id,
            venue_order_id="",
            status=status,
            side=Side(wanted.side),
            quantity=wanted.quantity,
            filled=0,
            leaves=0 if status.is_final else wanted.quantity,
            at=self._clock.now(),
            reason=reason,
        )

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        attempted = f"cancel {client_order_id}"

        def cancel() -> None:
            known = self._exchange.order_by_client_id(self._account, client_order_id)
            if known is None or known.symbol != instrument.symbol:
                raise Refused(self.name, attempted, "no such order")
            if not known.status.is_final:
                self._exchange.cancel(self._account, known.order_id, "Canceled by the client")

        await self._ask(attempted, cancel)

    async def cancel_all(self) -> None:
        def cancel() -> None:
            for known in self._exchange.orders(self._account, live_only=True):
                self._exchange.cancel(self._account, known.order_id, "Canceled by the client")

        await self._ask("cancel every order", cancel)

    async def arm_dead_mans_switch(self, timeout_ms: int) -> None:
        if timeout_ms < SHORTEST_SWITCH_MS:
            raise ValueError(f"the dead man's switch takes milliseconds: {timeout_ms}")
        await self._ask(
            "arm the dead man's switch", partial(self._switch, timedelta(milliseconds=timeout_ms))
        )
        self._stop_refreshing()
        self._refresh_switch(timeout_ms)

    async def disarm_dead_mans_switch(self) -> None:
        self._stop_refreshing()
        await self._ask("disarm the dead man's switch", partial(self._switch, None))

    def _switch(self, timeout: timedelta | None) -> None:
        try:
            self._exchange.cancel_all_after(self._account, timeout)
        except ExchangeRefusal as refusal:
            raise Refused(self.name, "use the dead man's switch", refusal.message) from refusal

    def _refresh_switch(self, timeout_ms: int) -> None:
        """Tell the venue four times in its time that we live, as long as the link does."""

        def again() -> None:
            self._timers.discard(timer)
            if self._linked and not self._is_down:
                self._switch(timedelta(milliseconds=timeout_ms))
            self._refresh_switch(timeout_ms)

        timer = asyncio.get_running_loop().call_later(timeout_ms / 4_000, again)
        self._timers.add(timer)
        self._refreshing = timer

    def _stop_refreshing(self) -> None:
        timer, self._refreshing = self._refreshing, None
        if timer is not None:
            timer.cancel()
            self._timers.discard(timer)

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        def answer() -> OrderUpdate | None:
            known = self._exchange.order_by_client_id(self._account, client_order_id)
            if known is None or known.symbol != instrument.symbol:
                return None
            if self._faults is not None and self._faults.has_forgotten(client_order_id):
                return None
            self._muted.discard(client_order_id)
            return self._update(known)

        return await self._ask(f"ask for order {client_order_id}", answer)

    async def open_orders(self) -> list[OrderUpdate]:
        def answer() -> list[OrderUpdate]:
            return [self._update(order) for order in self._exchange.orders(self._account, live_only=True)]

        return await self._ask("ask for open orders", answer)

    async def fills(self, since: datetime) -> list[Fill]:
        return await self._ask(
            "ask for fills", lambda: [self._fill(trade) for trade in self._trades(since) if trade.quantity]
        )

    async def busts(self, since: datetime) -> list[Bust]:
        def answer() -> list[Bust]:
            return [translate.bust(self.name, trade) for trade in self._trades(since) if not trade.quantity]

        return await self._ask("ask for busted trades", answer)

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        def answer() -> list[CommissionReport]:
            if self.capabilities.fee_with_fill:
                return []
            return [translate.commission(self.name, trade, self._currency) for trade in self._trades(since)]

        return await self._ask("ask for commissions", answer)

    async def positions(self) -> list[Position]:
        def answer() -> list[Position]:
            views = self._exchange.positions(self._account)
            return [translate.position(self.name, view) for view in views if view.contracts]

        return await self._ask("ask for positions", answer)

    async def account(self) -> Account:
        return await self._ask(
            "ask for the account",
            lambda: translate.account(self.name, self._exchange.account(self._account)),
        )

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        attempted = f"ask what {request.side} {request.quantity} would need"
        in_cents = translate.cents(request.price)
        if in_cents is None:
            raise Refused(self.name, attempted, "no such price")
        wanted = translate.new_order(request, in_cents)

        def answer() -> MarginImpact | None:
            if not self.capabilities.what_if:
                return None
            try:
                return translate.impact(margin_state(self._exchange, self._account, wanted))
            except ExchangeRefusal as refusal:
                code = refusal.code.upper()
                raise Refused(self.name, attempted, refusal.message, code=code) from refusal

        return await self._ask(attempted, answer)

    @property
    def complaints(self) -> list[str]:
        return []

    @property
    def rate_left(self) -> Decimal | None:
        """Return nothing: requests in process are not counted."""
        return None

    @property
    def order_wait(self) -> float:
        return 0.0

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        def answer() -> list[CashFlow]:
            if not self.capabilities.cash_flows:
                return []
            entries = self._exchange.cash(self._account)
            return [
                translate.cash_flow(self.name, entry, self._currency)
                for entry in entries
                if entry.at >= since
            ]

        return await self._ask("ask for cash flows", answer)

    async def _ask(self, attempted: str, answer: Callable[[], T]) -> T:
        self._require_link(attempted)
        if self._faults is None:
            return answer()
        plan, session = self._faults.plan, self._session
        if plan.lasting(FaultKind.BANNED):
            raise Misconfigured(self.name, attempted, "banned for a while", code="403")
        if plan.strikes(FaultKind.RATE_LIMITED):
            raise Unreachable(self.name, attempted, "Rate limit exceeded", code="429")
        if plan.lasting(FaultKind.HUNG):
            self._hang()
        await asyncio.sleep(min(self._latency + self._hangs(), self._faults.timeout))
        self._require_session(attempted, session)
        if self._hangs():
            raise Unreachable(self.name, attempted, "timed out")
        told = answer()
        await asyncio.sleep(self._latency)
        self._require_session(attempted, session)
        return told

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged(symbol) if symbol in self._instruments:
                self._tell_funding(symbol)
                if self._faults is None or not self._faults.plan.lasting(FaultKind.STALE):
                    self._tell(self._quote(symbol))
            case OrderChanged(order) if order.account == self._account:
                if order.client_id not in self._muted:
                    self._tell(self._update(order))
            case Executed(execution, _) if execution.account == self._account:
                self._hear_execution(execution)
            case CashMoved(entry) if entry.account == self._account and self.capabilities.cash_flows:
                self._tell(translate.cash_flow(self.name, entry, self._currency))

    def _hear_execution(self, execution: Execution) -> None:
        if not self._is_told(execution) or execution.client_id in self._muted:
            return
        self._tell(self._fill(execution) if execution.quantity else translate.bust(self.name, execution))
        if not self.capabilities.fee_with_fill:
            delay = self._commission_delay if self._faults is None else self._faults.commission_delay()
            self._later(delay, translate.commission(self.name, execution, self._currency))

    def _later(self, delay: float, report: CommissionReport) -> None:
        def tell() -> None:
            self._timers.discard(timer)
            self._tell(report)

        timer = asyncio.get_running_loop().call_later(delay, tell)
        self._timers.add(timer)

    def _tell(self, event: VenueEvent) -> None:
        if self._linked and self._outlet is not None and not isinstance(event, Quote):
            self._outlet.tell(event)
        else:
            self._deliver(event)

    def _deliver(self, event: VenueEvent) -> None:
        if self._sink is None:
            return
        if self._linked:
            self._sink(event)
        elif isinstance(event, Fill | Bust | CommissionReport | CashFlow):
            self._missed.append(event)

    @property
    def _is_down(self) -> bool:
        return self._faults is not None and self._clock.monotonic() < self._faults.down_until

    def _lose_link(self, detail: str = "dropped") -> None:
        """Drop the link until the venue can be reached again."""
        if self._faults is None or not self._linked:
            return
        until = self._clock.monotonic() + self._faults.outage()
        self._faults.down_until = max(self._faults.down_until, until)
        self.drop_link(detail)
        self._reconnect()

    def _reconnect(self) -> None:
        if self._faults is None:
            return
        wait = self._faults.down_until - self._clock.monotonic()
        if wait <= 0:
            self.restore_link()
            return

        def again() -> None:
            self._timers.discard(timer)
            self._reconnect()

        timer = asyncio.get_running_loop().call_later(wait, again)
        self._timers.add(timer)

    def _restart(self, faults: InProcessFaults) -> None:
        ended = self._exchange.orders(self._account)
        faults.restart(order.client_id for order in ended if order.status.is_final and not order.cum)
        self._lose_link("the gateway restarts")

    def _hangs(self) -> float:
        return 0.0 if self._faults is None else self._faults.plan.remaining(FaultKind.HUNG)

    def _hang(self) -> None:
        if self._outlet is not None:
            self._outlet.hang(self._hangs())

    def _update(self, order: SimOrder) -> OrderUpdate:
        update = translate.order_update(self.name, order)
        if self._faults is None or self.capabilities.unique_client_ids:
            return update
        return replace(update, venue_order_id=self._faults.number(order.order_id))

    def _tell_funding(self, symbol: str) -> None:
        told = self._fundings.get(symbol)
        if not self.capabilities.cash_flows or (told is not None and self._clock.now() < told):
            return
        funding = translate.funding(self._exchange.ticker(symbol))
        if funding is not None:
            self._fundings[symbol] = funding.at
            self._deliver(FundingAnnounced(InstrumentId(self.name, symbol), funding))

    def _quote(self, symbol: str) -> Quote:
        mark = self._exchange.ticker(symbol).mark
        return translate.quote(self.name, self._exchange.book(symbol), mark, self._clock.now())

    def _fill(self, trade: Execution) -> Fill:
        with_fee = self.capabilities.fee_with_fill
        fill = translate.fill(self.name, trade, self._currency, with_fee=with_fee)
        order = self._exchange.order(self._account, trade.order_id)
        if order is not None and order.forced:
            fill = replace(fill, cause=Cause.LIQUIDATION)
        if self._faults is None or with_fee:
            return fill
        return replace(fill, venue_order_id=self._faults.number(trade.order_id))

    def _trades(self, since: datetime) -> list[Execution]:
        """Return trades from ``since`` on as they stand, and older ones restated since."""
        standing = self._exchange.standing(self._account)
        return [trade for trade in standing if self._is_told(trade) and trade.at >= since]

    def _is_told(self, execution: Execution) -> bool:
        """The inverse venue tells whatever moved a position; at the broker an expired one is just gone."""
        if execution.first.kind is ExecKind.SETTLEMENT:
            return self.capabilities.cash_flows
        return execution.first.kind.moves_position

    def _require_link(self, attempted: str) -> None:
        if not self._linked:
            raise Unreachable(self.name, attempted, "not connected")

    def _require_session(self, attempted: str, session: int) -> None:
        if not self._linked or session != self._session:
            raise Unreachable(self.name, attempted, "the link dropped before an answer came")
