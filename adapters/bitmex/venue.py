"""BitMEX as a ``Venue``."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module

from adapters.bitmex import wire
from adapters.bitmex.budget import Budget, Priority
from adapters.bitmex.dead_mans_switch import DeadMansSwitch
from adapters.bitmex.endpoints import Endpoint
from adapters.bitmex.feed import Feed
from adapters.bitmex.orders import is_supported, order_fields, order_update
from adapters.bitmex.questions import Questions
from adapters.bitmex.rest import Rest
from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.stream import Stream
from adapters.bitmex.wallet_watch import WalletWatch
from adapters.bitmex.wire import Malformed, Row
from adapters.clock import Clock
from adapters.clock_watch import ClockWatch
from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Refused, Unreachable
from adapters.venue import Capabilities, HoursAnnounced, Link, LinkState, Sink
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Account, MarginImpact, Position
from risk.sessions import TradingHours


@dataclass(frozen=True, slots=True)
class _Connected:
    """What exists between ``connect`` and ``close``; ``resources`` releases all of it."""

    sink: Sink
    rest: Rest
    questions: Questions
    switch: DeadMansSwitch
    budget: Budget
    resources: AsyncExitStack


class BitmexVenue:
    """One BitMEX account over REST and websocket: ``adapters.venue.Venue`` says what each method promises.

    A repeated client order id is told as OutcomeUnknown (code DUPLICATE_CLIENT_ID) and not as Refused, for an
    order of that id does exist. To cancel a task that awaits ``submit`` leaves its order just as unknown.
    """

    def __init__(self, settings: BitmexSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._instruments: dict[str, Instrument] = {}
        self._may_order = True
        self._connected: _Connected | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            unique_client_ids=True,
            dead_mans_switch=True,
            post_only=True,
            reduce_only=True,
            fee_with_fill=True,
            cash_flows=True,
            stops=True,
        )

    @property
    def complaints(self) -> list[str]:
        return [] if self._may_order else [f"{self.name}: the API key may cancel and not order"]

    @property
    def rate_left(self) -> Decimal | None:
        if self._connected is None:
            return None
        left = self._connected.budget.left(self._clock.monotonic())
        return Decimal(round(left * 1000)) / 1000

    @property
    def order_wait(self) -> float:
        if self._connected is None:
            return 0.0
        return self._connected.budget.wait(self._clock.monotonic(), Priority.ORDER)

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        """Check the key's rights, load the contracts, stream. Refuses a key that may withdraw (Misconfigured)."""
        if self._connected is not None:
            raise Misconfigured(self.name, "connect", "it is connected already")
        # It imports ccxt, which takes a second or more: only when connecting, and not on the loop.
        await asyncio.to_thread(import_module, "adapters.bitmex.transport")
        from adapters.bitmex.transport import Transport

        settings, clock = self._settings, self._clock
        async with AsyncExitStack() as resources:
            budget = Budget(settings, clock.monotonic())
            clock_watch = ClockWatch(self.name, clock, sink)

            def headers_seen(headers: Mapping[str, str], began: datetime) -> None:
                budget.observe(clock.monotonic(), headers)
                told = wire.http_date(headers.get("date"))
                if told is not None:
                    clock_watch.heard(told, timedelta(seconds=1), began)

            transport = Transport(settings, clock, headers_seen)
            resources.push_async_callback(transport.close)
            rest = Rest(settings, clock, budget, transport)
            questions = Questions(settings, clock, rest)
            self._may_order = await questions.check_key()
            wanted = list(dict.fromkeys(symbols))
            self._instruments = {symbol: await questions.instrument(symbol) for symbol in wanted}
            if settings.cross_only:
                await questions.check_cross(wanted)

            wallet = WalletWatch(settings, questions)
            expiries = {symbol: one.terms.expiry for symbol, one in self._instruments.items()}
            ends = {symbol: expiry for symbol, expiry in expiries.items() if expiry is not None}
            feed = Feed(self.name, wanted, clock, sink, wallet.changed, settings.indices, ends)

            def link_changed(state: LinkState, detail: str) -> None:
                sink(Link(self.name, state, clock.now(), detail))

            async def catch_up() -> None:
                feed.tell_missed(await questions.executions(feed.since))
                wallet.changed()

            stream = Stream(transport.session, settings, clock, feed, link_changed, catch_up)
            resources.push_async_callback(stream.close)
            await stream.open()
            feed.started()
            for known in self._instruments.values():
                sink(HoursAnnounced(known.id, TradingHours.always()))
            link_changed(LinkState.UP, "")
            for keeping in (stream.keep(), wallet.keep(feed)):
                resources.push_async_callback(_cancel, asyncio.create_task(keeping))
            switch = DeadMansSwitch(rest)
            resources.push_async_callback(switch.stop)
            self._connected = _Connected(sink, rest, questions, switch, budget, resources.pop_all())

    async def close(self) -> None:
        """Release everything. A dead man's switch that is armed stays so, and fires in time."""
        connected, self._connected = self._connected, None
        if connected is not None:
            await connected.resources.aclose()

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
        self._check(request, attempted)
        if self._connected is None:
            raise NotSent(self.name, attempted, "not connected")
        answer = await self._connected.rest.place(order_fields(request), attempted)
        try:
            update = order_update(self.name, wire.row(answer))
        except ValueError as error:
            raise OutcomeUnknown(self.name, attempted, f"an answer that cannot be read: {error}") from error
        if update.client_order_id != request.client_order_id:
            raise OutcomeUnknown(self.name, attempted, f"an answer about another order: {update}")
        return update

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        attempted = f"cancel order {client_order_id}"
        connected = self._now_connected(attempted)
        fields = {"clOrdID": client_order_id}
        answer = await connected.rest.command(Endpoint.CANCEL, fields, attempted, Priority.CANCEL)
        try:
            rows = wire.rows(answer)
            updates = [order_update(self.name, row) for row in rows if "ordStatus" in row]
        except Malformed as error:
            raise Unreachable(self.name, attempted, f"an answer that cannot be read: {error}") from error
        fault = _fault_of(rows)
        if fault is not None and not any(update.status.is_final for update in updates):
            updates = [await self._final(instrument, client_order_id, attempted, fault)]
        for update in updates:
            connected.sink(update)

    async def cancel_all(self) -> None:
        attempted = "cancel every order of the account"
        await self._now_connected(attempted).rest.command(Endpoint.CANCEL_ALL, {}, attempted, Priority.CANCEL)

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        attempted = f"ask about order {client_order_id}"
        return await self._now_connected(attempted).questions.order(instrument, client_order_id)

    async def open_orders(self) -> list[OrderUpdate]:
        return await self._now_connected("ask for the open orders").questions.open_orders()

    async def fills(self, since: datetime) -> list[Fill]:
        return await self._now_connected("ask for the fills").questions.fills(since)

    async def busts(self, since: datetime) -> list[Bust]:
        return await self._now_connected("ask for busted trades").questions.busts(since)

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        """Return nothing: a fill of BitMEX carries its fee."""
        return []

    async def positions(self) -> list[Position]:
        return await self._now_connected("ask for the positions").questions.positions()

    async def account(self) -> Account:
        return await self._now_connected("ask for the account").questions.account()

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        """Return None: BitMEX states its rates, and says nothing of an order beforehand."""
        return None

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        return await self._now_connected("ask for cash flows").questions.cash_flows(since)

    async def arm_dead_mans_switch(self, timeout_ms: int) -> None:
        """Have the venue cancel **every** order of the account, stops included, ``timeout_ms`` after we fall silent.

        It is refreshed four times in that time until disarmed. Raises ValueError below 5,000 ms (seconds given by
        mistake), Refused, Misconfigured or Unreachable.
        """
        await self._now_connected("arm the dead man's switch").switch.arm(timeout_ms)

    async def disarm_dead_mans_switch(self) -> None:
        """Raises Refused, Misconfigured or Unreachable; then it may still fire, and is no longer refreshed."""
        await self._now_connected("disarm the dead man's switch").switch.disarm()

    def _check(self, request: OrderRequest, attempted: str) -> None:
        """Refuse before sending what this venue cannot take."""
        instrument = request.instrument
        if instrument.venue != self.name or instrument.symbol not in self._instruments:
            raise Refused(
                self.name, attempted, f"{instrument} is not connected here", code="ORDER_INSTRUMENT"
            )
        if not is_supported(request):
            detail = f"BitMEX has no {request.time_in_force.upper()} orders"
            raise Refused(self.name, attempted, detail, code="ORDER_TIME_IN_FORCE")

    def _now_connected(self, attempted: str) -> _Connected:
        if self._connected is None:
            raise Unreachable(self.name, attempted, "not connected")
        return self._connected

    async def _final(
        self, instrument: InstrumentId, client_order_id: str, attempted: str, fault: str
    ) -> OrderUpdate:
        """Return the final state of an order the venue would not cancel. Raises Refused if there is none."""
        update = await self.order(instrument, client_order_id)
        if update is None or not update.status.is_final:
            raise Refused(self.name, attempted, fault, code="CANCEL_REFUSED")
        return update


def _fault_of(rows: Sequence[Row]) -> str | None:
    """Return the venue's complaint inside a cancel's 200 answer, None if the cancel was taken."""
    if not rows:
        return "no such order"
    return next((str(row["error"]) for row in rows if row.get("error")), None)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
