"""Ticks to quotes: one level a side, told once for each batch of bytes that touched it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from adapters.clock import Clock
from adapters.ibkr.contracts import Contracts, Listed
from adapters.ibkr.translate import decimal_of, price_of
from adapters.ibkr.wire import Wire
from risk.instruments import InstrumentId
from risk.portfolio import Level, Quote

_BID_SIZE, _BID, _ASK, _ASK_SIZE = 0, 1, 2, 3  # live data; 66 to 70 are delayed and not wanted
_LIVE = 1


@dataclass(slots=True)
class _Side:
    price: Decimal | None = None
    size: int = 0

    def level(self) -> tuple[Level, ...]:
        """Return the level, nothing where price or size is missing: nobody stands there."""
        return (Level(self.price, self.size),) if self.price is not None and self.size > 0 else ()


@dataclass(slots=True)
class _Book:
    instrument: InstrumentId
    bid: _Side = field(default_factory=_Side)
    ask: _Side = field(default_factory=_Side)
    is_live: bool = True
    told: Quote | None = None

    def quote_at(self, clock: Clock) -> Quote:
        if not self.is_live:
            return Quote(self.instrument, (), (), clock.now())
        return Quote(self.instrument, self.bid.level(), self.ask.level(), clock.now())


class Feed:
    """Subscriptions of one venue. A book starts empty with each subscription."""

    def __init__(self, contracts: Contracts, clock: Clock, tell: Callable[[Quote], None]) -> None:
        self._contracts = contracts
        self._clock = clock
        self._tell = tell
        self._books: dict[int, _Book] = {}
        self._touched: dict[int, None] = {}
        self._unquoted: set[InstrumentId] = set()
        self._complete = asyncio.Event()

    @property
    def not_live(self) -> list[str]:
        """The contracts whose data are delayed or frozen: nothing to trade on."""
        return [book.instrument.symbol for book in self._books.values() if not book.is_live]

    def subscribe(self, wire: Wire, listed: list[Listed]) -> None:
        """Subscribe anew on a wire; what it had subscribed before is given back."""
        for request_id in self._books:
            wire.unsubscribe(request_id)
        self._books = {wire.subscribe(one.contract): _Book(one.instrument.id) for one in listed}
        self._touched.clear()
        self._unquoted = {one.instrument.id for one in listed}
        self._complete.clear()

    def forget(self) -> None:
        """The wire is gone, and with it every subscription."""
        self._books.clear()
        self._touched.clear()

    async def first_quotes(self, timeout: float) -> None:
        """Wait until each contract has been quoted; a closed market sends nothing, so not for ever."""
        if not self._unquoted:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._complete.wait()

    def tick(self, request_id: int, tick_type: int, price: float | None, size: float) -> None:
        """Take in a price tick (with its size) or, ``price`` None, a size tick."""
        book = self._books.get(request_id)
        if book is None or tick_type not in (_BID_SIZE, _BID, _ASK, _ASK_SIZE):
            return
        side = book.bid if tick_type in (_BID_SIZE, _BID) else book.ask
        contracts = decimal_of(size)
        side.size = int(contracts) if contracts is not None else 0
        if tick_type in (_BID, _ASK):
            side.price = price_of(price)
        self._touched[request_id] = None

    def data_kind(self, request_id: int, kind: int) -> None:
        """Frozen or delayed data (kinds 2 to 4) are no quotes to trade on."""
        book = self._books.get(request_id)
        if book is not None and book.is_live != (kind == _LIVE):
            book.is_live = kind == _LIVE
            self._touched[request_id] = None

    def confirm(self, at: datetime) -> None:
        """Tell every book again as still standing at ``at``: the gateway was alive then and said nothing newer.

        A quiet market sends no ticks, so silence alone must not age a quote. Only a book that has been told on
        this subscription, and not been doubted since, can be confirmed.
        """
        for book in self._books.values():
            if book.told is not None and book.told.at < at:
                book.told = replace(book.told, at=at)
                self._tell(book.told)

    def doubt(self) -> None:
        """Ticks may have been missed: until the next one of a book, silence about it proves nothing."""
        for book in self._books.values():
            book.told = None

    def batch_end(self) -> bool:
        """Tell what the batch has touched; return whether it was anything."""
        if not self._touched:
            return False
        touched = list(self._touched)
        self._touched.clear()
        for request_id in touched:
            book = self._books[request_id]
            book.told = quote = book.quote_at(self._clock)
            self._tell(quote)
            self._unquoted.discard(quote.instrument)
        if not self._unquoted:
            self._complete.set()
        return True

    def symbol_of(self, request_id: int) -> str:
        return self._books[request_id].instrument.symbol
