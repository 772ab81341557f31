"""What a bot touches the world with, each behind its fuse: the ledger, the venues, the flatten journal.

The disk and the wires belong to the world: what was written stays written, what was sent arrives, dead bot or not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from adapters.errors import OutcomeUnknown, Refused
from adapters.simulator.exchange.orders import NewOrder, SimOrder
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.inprocess import InProcessVenue
from adapters.venue import Sink, VenueEvent
from bot.model.codec import GENESIS, record
from bot.model.events import Event, OrderIntended, Recorded
from bot.model.flatten_journal import Entry, FlattenJournal
from risk.approval import Approved, Purpose
from risk.instruments import InstrumentId
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Account, Position, Quote
from tests.crash.fuse import Crashed, Fuse, Kind

T = TypeVar("T")
COMMIT = 0.004
QUESTION = 0.005
WAY = 0.01


class Store:
    """A ledger over the world's ``disk``: a list of what is durable. One life long."""

    def __init__(self, disk: list[Recorded], fuse: Fuse) -> None:
        self.disk = disk
        self.recorded = list(disk)
        self._fuse = fuse
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def append_all(self, events: Sequence[Event], at: datetime) -> list[Recorded]:
        label = ", ".join(map(_named, events))
        self._fuse.reach(Kind.APPEND, label)
        entries = []
        for event in events:
            head = self.recorded[-1].hash if self.recorded else GENESIS
            entry, _ = record(head, len(self.recorded) + 1, at, event)
            self.recorded.append(entry)
            entries.append(entry)
        self._fuse.reach(Kind.APPEND, label, after=True)
        return entries

    def wake(self) -> None:
        if not self._fuse.is_blown:
            asyncio.get_running_loop().call_later(COMMIT, self._commit, len(self.recorded))

    async def durable(self, seq: int) -> None:
        if seq <= len(self.disk):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, waiter))
        self.wake()
        await waiter

    def close(self) -> None:
        """Write what is left, as an orderly end does."""
        self._commit(len(self.recorded))

    def keep_all(self) -> None:
        """Everything appended has reached the disk, and nobody was told."""
        self.disk += self.recorded[len(self.disk) :]

    def _commit(self, through: int) -> None:
        if through <= len(self.disk) or not self._fuse.passes(Kind.COMMIT, f"of {through}"):
            return
        self.disk += self.recorded[len(self.disk) : through]
        if not self._fuse.passes(Kind.COMMIT, f"of {through}", after=True):
            return
        for seq, waiter in self._waiting:
            if seq <= through and not waiter.done():
                waiter.set_result(None)


def _named(event: Event) -> str:
    name = type(event).__name__
    return f"{name} {event.request.client_order_id}" if isinstance(event, OrderIntended) else name


class Journal(FlattenJournal):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    def write(self, entry: Entry, at: datetime) -> None:
        self._fuse.reach(Kind.JOURNAL, type(entry).__name__)
        super().write(entry, at)
        self._fuse.reach(Kind.JOURNAL, type(entry).__name__, after=True)


@dataclass(frozen=True)
class Handed:
    """An order given to the wire. ``durable``: events on the disk at that moment."""

    request: OrderRequest
    purpose: Purpose
    durable: int


class Trouble:
    """What happens to the next order: returns the name of a misfortune, or nothing."""

    LOST = "lost"
    "It never arrives, and nobody says so."
    MUTE = "mute"
    "It arrives, and neither an answer nor a fill is heard."
    REFUSED = "refused"
    "The venue says no."


@dataclass
class Wires:
    """Orders on their way. They outlive the bot."""

    handed: list[Handed] = field(default_factory=list)
    trouble: Callable[[OrderRequest], str] = lambda _: ""
    _flying: dict[str, tuple[asyncio.TimerHandle, Callable[[], None]]] = field(default_factory=dict)

    def send(self, client_id: str, delay: float, land: Callable[[], None]) -> None:
        self._after(delay, client_id, land)

    def slow_down(self, seconds: float) -> None:
        for client_id, (timer, land) in list(self._flying.items()):
            timer.cancel()
            self._after(seconds, client_id, land)

    @property
    def are_empty(self) -> bool:
        return not self._flying

    def _after(self, seconds: float, client_id: str, land: Callable[[], None]) -> None:
        def arrive() -> None:
            del self._flying[client_id]
            land()

        self._flying[client_id] = asyncio.get_running_loop().call_later(seconds, arrive), land


class CrashVenue(InProcessVenue):
    """An in-process venue behind a fuse, its orders on the world's wires."""

    def __init__(self, *given: Any, fuse: Fuse, wires: Wires, disk: Sequence[Recorded]) -> None:
        super().__init__(*given, latency=timedelta(seconds=WAY), commission_delay=timedelta(seconds=0.05))
        self._fuse = fuse
        self._wires = wires
        self._disk = disk
        self._deaf_to: set[str] = set()

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        def hear(event: VenueEvent) -> None:
            self._hand_over(event, sink)

        self._fuse.reach(Kind.ASK, f"connect {self.name}")
        await super().connect(symbols, hear)

    def _hand_over(self, event: VenueEvent, sink: Sink) -> None:
        """Hand an event to the bot. Never raises: the venue that tells it is no part of the bot."""
        if getattr(event, "client_order_id", None) in self._deaf_to and isinstance(event, Fill | OrderUpdate):
            return
        label = f"{self.name} {type(event).__name__}"
        if isinstance(event, Quote):
            if not self._fuse.is_blown:
                sink(event)
        elif self._fuse.passes(Kind.HEAR, label):
            with suppress(Crashed):
                sink(event)
            self._fuse.passes(Kind.HEAR, label, after=True)

    async def submit(self, order: Approved) -> OrderUpdate:
        request = order.request
        client_id = request.client_order_id
        self._fuse.reach(Kind.SUBMIT, client_id)
        if self._linked:
            self._wires.handed.append(Handed(request, order.purpose, len(self._disk)))
        trouble = self._wires.trouble(request)
        if trouble == Trouble.REFUSED:
            await asyncio.sleep(2 * WAY)
            raise Refused(self.name, f"submit {client_id}", "not today")
        if trouble == Trouble.MUTE:
            self._deaf_to.add(client_id)
        if trouble != Trouble.LOST:
            told = await super().submit(order)
        if trouble:
            await asyncio.sleep(1.0)
            raise OutcomeUnknown(self.name, f"submit {client_id}", "no answer")
        self._fuse.reach(Kind.SUBMIT, client_id, after=True)
        return told

    def _on_the_wire(self, wanted: NewOrder, delay: float) -> "asyncio.Future[SimOrder | ExchangeRefusal]":
        arrived: asyncio.Future[SimOrder | ExchangeRefusal] = asyncio.get_running_loop().create_future()

        def land() -> None:
            answer: SimOrder | ExchangeRefusal
            try:
                answer = self._exchange.place(self._account, wanted)
            except ExchangeRefusal as refusal:
                answer = refusal
            if not arrived.done():
                arrived.set_result(answer)

        self._wires.send(wanted.client_id, delay, land)
        self._fuse.reach(Kind.WIRE, wanted.client_id)
        return arrived

    async def _asked(self, what: str, question: Callable[[], Awaitable[T]]) -> T:
        self._fuse.reach(Kind.ASK, f"{self.name} {what}")
        await asyncio.sleep(QUESTION)
        answer = await question()
        await asyncio.sleep(QUESTION)
        self._fuse.reach(Kind.ASK, f"{self.name} {what}", after=True)
        return answer

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        await self._asked("cancel", partial(super().cancel, instrument, client_order_id))

    async def cancel_all(self) -> None:
        await self._asked("cancel all", super().cancel_all)

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        return await self._asked(
            f"order {client_order_id}", partial(super().order, instrument, client_order_id)
        )

    async def open_orders(self) -> list[OrderUpdate]:
        return await self._asked("open orders", super().open_orders)

    async def fills(self, since: datetime) -> list[Fill]:
        return await self._asked("fills", partial(super().fills, since))

    async def busts(self, since: datetime) -> list[Bust]:
        return await self._asked("busts", partial(super().busts, since))

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        return await self._asked("commissions", partial(super().commissions, since))

    async def positions(self) -> list[Position]:
        return await self._asked("positions", super().positions)

    async def account(self) -> Account:
        return await self._asked("account", super().account)

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        return await self._asked("cash flows", partial(super().cash_flows, since))
