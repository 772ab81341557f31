"""Orders out, answers back: submit, cancel, and the questions that settle what is in doubt."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.errors import NotSent, OutcomeUnknown, Refused, Unreachable
from adapters.ibkr.blotter import Blotter
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.endings import ending
from adapters.ibkr.orders import OrderRecord, Word, is_live
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.translate import order_of
from adapters.ibkr.what_if import impact_of
from adapters.ibkr.wire import OpenOrder, Wire
from risk.instruments import InstrumentId
from risk.orders import Bust, CommissionReport, Fill, OrderRequest, OrderStatus, OrderUpdate
from risk.portfolio import MarginImpact

_log = logging.getLogger(__name__)

# Longer than the broker lists executions (today's; a setting of TWS makes it seven days).
_MEMORY = timedelta(days=8)
_RECHECKS = 3


class Desk:
    """``usable`` returns the wire while orders may go over it, None else."""

    def __init__(
        self,
        settings: IbkrSettings,
        clock: Clock,
        contracts: Contracts,
        blotter: Blotter,
        usable: Callable[[], Wire | None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._contracts = contracts
        self._blotter = blotter
        self._usable = usable
        self._sent: set[str] = set()
        self._in_doubt: dict[int, tuple[OrderRecord, int]] = {}
        self._settling: asyncio.Task[None] | None = None
        self._again: list[tuple[OrderRecord, int]] = []
        self._later: asyncio.TimerHandle | None = None
        blotter.doubted = self._doubt

    # Orders

    async def submit(self, request: OrderRequest) -> OrderUpdate:
        """Write one order to the socket and wait for the first word on it. See ``Venue.submit``."""
        name, attempted = self._settings.name, f"submit {request.client_order_id}"
        listed = self._contracts.listed(request.instrument.symbol)
        if listed is None or listed.instrument.id != request.instrument:
            raise Refused(name, attempted, f"{request.instrument} is not loaded here")
        if request.post_only:
            raise Refused(name, attempted, "this venue knows no post-only orders: it could take")
        if request.trigger is not None:
            raise Refused(name, attempted, "no stops rest here: CME is closed when they are needed")
        if request.client_order_id in self._sent:
            raise Refused(name, attempted, "this client order id has been used before", code="DUPLICATE")
        wire = self._usable()
        if wire is None:
            raise NotSent(name, attempted, "not connected")
        try:
            order_id = wire.place(listed.contract, order_of(request, self._settings.account))
        except ConnectionError as error:
            raise NotSent(name, attempted, str(error)) from error
        self._sent.add(request.client_order_id)
        record = OrderRecord.of_request(request, self._settings.client_id, order_id)
        first_word = self._blotter.sent(record)
        try:
            async with asyncio.timeout(self._settings.order_timeout):
                await first_word
        except TimeoutError:
            detail = f"no word within {self._settings.order_timeout:g} s"
            heard = f"; the gateway's last: {record.reason}" if record.reason else ""
            raise OutcomeUnknown(name, attempted, detail + heard, code=record.code) from None
        finally:
            self._blotter.stop_waiting(request.client_order_id)
        update = record.update(self._clock.now())  # the latest word: more may have come meanwhile
        if update is None:
            raise OutcomeUnknown(name, attempted, "the gateway took its word back")
        return update

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        """Ask what an order would do to the account. See ``Venue.what_if``."""
        name, attempted = self._settings.name, f"ask what {request.side} {request.quantity} would need"
        listed = self._contracts.listed(request.instrument.symbol)
        if listed is None or listed.instrument.id != request.instrument:
            raise Refused(name, attempted, f"{request.instrument} is not loaded here")
        order = order_of(request, self._settings.account)
        order.whatIf = True
        return impact_of(name, await self._connected(attempted).what_if(listed.contract, order))

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        """Ask for a cancel. See ``Venue.cancel``."""
        name, attempted = self._settings.name, f"cancel {client_order_id}"
        wire = self._connected(attempted)
        record = self._blotter.find(client_order_id)
        if record is None or not (record.is_final or record.order_id):
            await wire.open_orders()
            record = self._blotter.find(client_order_id)
        if record is None or (not record.is_final and not record.order_id and self._is_own(record)):
            if await self.order(instrument, client_order_id) is None:
                raise Refused(name, attempted, "the broker has no such order")
            return
        if record.instrument != instrument:
            raise Refused(name, attempted, f"that order is in {record.instrument}, not {instrument}")
        if record.is_final:
            return
        if not self._is_own(record):
            raise Refused(
                name,
                attempted,
                f"placed by client id {record.client_id}; only that one can cancel it, and this is "
                f"client id {self._settings.client_id}",
            )
        try:
            wire.cancel(record.order_id)
        except ConnectionError as error:
            raise Unreachable(name, attempted, str(error)) from error

    def _is_own(self, record: OrderRecord) -> bool:
        return record.client_id == self._settings.client_id

    # Questions

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        """Ask open orders, executions and completed orders; None only if none of them has it.

        The broker keeps completed orders and executions for its day only.
        """
        wire = self._connected(f"ask for order {client_order_id}")
        for contract, order, state in await wire.open_orders():
            if order.orderRef == client_order_id and self._contracts.id_of(contract) == instrument:
                record = self._blotter.by_perm_id(order.permId)
                if record is not None and is_live(state.status):
                    return record.update(self._clock.now()) or self._as_new(record)
        await wire.executions()
        completed = await wire.completed_orders()
        return self._ended(instrument, client_order_id, completed)

    def _as_new(self, record: OrderRecord) -> OrderUpdate | None:
        # Listed as open, though still on its way to the exchange: it exists.
        record.word = Word.WORKING
        return record.update(self._clock.now())

    def _ended(
        self, instrument: InstrumentId, client_order_id: str, completed: list[OpenOrder]
    ) -> OrderUpdate | None:
        """Compose the word on an order that is not open, from all that is known of it."""
        known = self._blotter.find(client_order_id)
        if known is not None and known.instrument != instrument:
            known = None
        if known is not None and known.cancel_heard and not known.is_final:
            known.confirm_cancel()
        executed = [
            booked
            for booked in self._blotter.book.of_client_order(client_order_id)
            if booked.word.instrument == instrument
        ]
        row = next(
            (
                (order, state)
                for contract, order, state in completed
                if order.orderRef == client_order_id and self._contracts.id_of(contract) == instrument
            ),
            None,
        )
        record = ending(instrument, client_order_id, known, executed, row)
        return None if record is None else record.update(self._clock.now())

    async def open_orders(self) -> list[OrderUpdate]:
        wire = self._connected("ask for open orders")
        updates = []
        for _, order, state in await wire.open_orders():
            record = self._blotter.by_perm_id(order.permId)
            if record is None or not is_live(state.status):
                continue
            update = record.update(self._clock.now()) or self._as_new(record)
            if update is not None and not update.status.is_final:
                updates.append(update)
        return updates

    async def fills(self, since: datetime) -> list[Fill]:
        await self._connected("ask for fills").executions()
        words = [booked.word for booked in self._blotter.book.since(since)]
        return [word for word in words if isinstance(word, Fill)]

    async def busts(self, since: datetime) -> list[Bust]:
        await self._connected("ask for busted executions").executions()
        words = [booked.word for booked in self._blotter.book.since(since)]
        return [word for word in words if isinstance(word, Bust)]

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        """Ask for executions; their commission reports follow, so wait a moment for the last of them."""
        await self._connected("ask for commissions").executions()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.commission_grace):
                while any(booked.awaits_fee for booked in self._blotter.book.since(since)):
                    self._blotter.fee_heard.clear()
                    await self._blotter.fee_heard.wait()
        return [booked.fee for booked in self._blotter.book.since(since) if booked.fee is not None]

    def _connected(self, attempted: str) -> Wire:
        wire = self._usable()
        if wire is None:
            raise Unreachable(self._settings.name, attempted, "not connected")
        return wire

    # After a connection, and when a word is in doubt

    async def catch_up(self, wire: Wire) -> None:
        """Learn what happened meanwhile: open orders, executions, positions, then what became of the rest.

        Executions not told yet go to the sink, and so does the end of every order that is open no more.
        """
        self._blotter.forget_finished()
        self._blotter.book.forget_before(self._clock.now() - _MEMORY)
        rows = await wire.open_orders()
        await wire.executions()
        await wire.positions()
        await self._end_missing(wire, self._blotter.unfinished(), rows)
        self._blotter.tells_history = True

    def _doubt(self, record: OrderRecord, rechecks: int = _RECHECKS) -> None:
        """Have the open orders asked about an order, at once and for all that are in doubt by then."""
        self._in_doubt.setdefault(id(record), (record, rechecks))
        if self._settling is None or self._settling.done():
            self._settling = asyncio.get_running_loop().create_task(self._settle())

    async def _settle(self) -> None:
        while self._in_doubt:
            wire = self._usable()
            doubted, self._in_doubt = list(self._in_doubt.values()), {}
            if wire is None:
                return  # the next connection catches up on all that is unfinished
            try:
                rows = await wire.open_orders()
                await self._end_missing(wire, [record for record, _ in doubted], rows)
            except Unreachable as error:
                _log.warning("%s: orders left in doubt: %s", self._settings.name, error)
                return
            self._again += [(record, left - 1) for record, left in doubted if left and not record.is_final]
            if self._again and self._later is None:
                loop = asyncio.get_running_loop()
                self._later = loop.call_later(self._settings.recheck, self._doubt_again)

    def _doubt_again(self) -> None:
        # The list of open orders may be a moment behind the cancel it contradicts.
        doubted, self._again, self._later = self._again, [], None
        for record, left in doubted:
            if not record.is_final:
                self._doubt(record, left)

    async def _end_missing(self, wire: Wire, orders: list[OrderRecord], rows: list[OpenOrder]) -> None:
        """End the orders the broker does not list as open any more."""
        open_now = {order.permId for _, order, state in rows if is_live(state.status)}
        missing = [record for record in orders if record.perm_id not in open_now]
        for record in missing:
            if record.cancel_heard and not record.is_final:
                record.confirm_cancel()
                self._blotter.news(record)
        riddles = [record for record in missing if not record.is_final]
        if not riddles:
            return
        await wire.executions()
        completed = await wire.completed_orders()
        for record in riddles:
            update = self._ended(record.instrument, record.client_order_id or "", completed)
            if update is None:
                self._blotter.unknown(record, record.reason or "the broker lists no such order")
            else:
                record.counted = max(record.counted, update.filled)
                record.word = Word.REFUSED if update.status is OrderStatus.REJECTED else Word.CANCELED
                self._blotter.news(record)

    async def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
