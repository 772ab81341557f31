"""Market data: ticks and depth, each link's own, held back to a few a second as the broker does."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.faults import FaultKind, FaultPlan
from adapters.simulator.tws import messages
from adapters.simulator.tws.api_errors import (
    DUPLICATE_TICKER,
    NO_SUCH_DEPTH,
    NO_SUCH_TICKER,
    TOO_MUCH_DEPTH,
    Refuse,
)
from adapters.simulator.tws.contracts import IbContract
from adapters.simulator.tws.indices import IndexFeed
from adapters.simulator.tws.links import Link
from adapters.simulator.tws.messages import Fields, Tick
from adapters.simulator.tws.money import price

MAX_DEPTH_REQUESTS = 3
MAX_ROWS = 10
LIVE = 1
_NOTHING = Decimal(-1)
_INSERT, _UPDATE, _DELETE = 0, 1, 2
_ASK_SIDE, _BID_SIDE = 0, 1


class Pause(Enum):
    """Why no prices come: the line to the broker is down, its data farm is, or another session takes them."""

    LINE = "line"
    FARM = "farm"
    COMPETITION = "competition"


Side = tuple[int, int]
"""Price in cents (0 for none) and size."""


@dataclass(slots=True)
class _Quotes:
    """One subscription to ticks and what it was last told."""

    contract: IbContract
    told: dict[Tick, Side] = field(default_factory=dict)


@dataclass(slots=True)
class _Depth:
    """One subscription to depth and the rows it was last told, by side."""

    contract: IbContract
    rows: int
    told: dict[int, list[BookLevel]] = field(default_factory=lambda: {_ASK_SIDE: [], _BID_SIDE: []})


class MarketFeed:
    """``interval``: seconds a changed book waits before it is told, together with all that changed since."""

    def __init__(self, exchange: Exchange, interval: float, plan: FaultPlan, indices: IndexFeed) -> None:
        self._exchange = exchange
        self._plan = plan
        self._indices = indices
        self._interval = interval
        self._quotes: dict[tuple[Link, int], _Quotes] = {}
        self._depths: dict[tuple[Link, int], _Depth] = {}
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._paused: set[Pause] = set()

    @property
    def subscriptions(self) -> list[tuple[Link, int]]:
        """Return who asks for ticks and depth, and under which request."""
        return [*self._quotes, *self._depths, *self._indices.subscriptions]

    @property
    def is_paused(self) -> bool:
        return bool(self._paused)

    def pause(self, cause: Pause) -> None:
        """Tell nothing until each cause of a pause is gone."""
        self._paused.add(cause)

    def resume(self, cause: Pause) -> None:
        """Take a cause away; with the last, tell what changed meanwhile."""
        self._paused.discard(cause)
        if self._changed:
            self._wake()

    def forget_all(self) -> None:
        """End every subscription, without a word."""
        self._quotes.clear()
        self._depths.clear()
        self._indices.forget_all()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.forget_all()

    def forget(self, link: Link) -> None:
        """End all that a link has subscribed to."""
        for subscriptions in (self._quotes, self._depths):
            for key in [key for key in subscriptions if key[0] is link]:
                del subscriptions[key]
        self._indices.forget(link)

    def subscribe(self, link: Link, req_id: int, contract: IbContract, *, snapshot: bool) -> None:
        """Tell the best prices now and, unless a snapshot is all, whenever they change. Raises Refuse (322)."""
        key = link, req_id
        if key in self._quotes:
            raise Refuse(DUPLICATE_TICKER)
        quotes = _Quotes(contract)
        link.send(messages.tick_request(req_id, contract))
        link.send(messages.market_data_type(req_id, LIVE))
        self._tell_quotes(link, req_id, quotes)
        if snapshot:
            link.send(messages.tick_snapshot_end(req_id))
        else:
            self._quotes[key] = quotes

    def unsubscribe(self, link: Link, req_id: int) -> None:
        """Raises Refuse (300) for what is not subscribed."""
        if self._indices.unsubscribe(link, req_id):
            return
        if self._quotes.pop((link, req_id), None) is None:
            raise Refuse(NO_SUCH_TICKER)

    def subscribe_depth(self, link: Link, req_id: int, contract: IbContract, rows: int) -> None:
        """Tell the book's best ``rows`` on either side, now and when they change. Raises Refuse (309, 322)."""
        key = link, req_id
        if key in self._depths:
            raise Refuse(DUPLICATE_TICKER)
        if sum(1 for owner, _ in self._depths if owner is link) >= MAX_DEPTH_REQUESTS:
            raise Refuse(TOO_MUCH_DEPTH)
        self._depths[key] = depth = _Depth(contract, min(max(rows, 1), MAX_ROWS))
        self._tell_depth(link, req_id, depth)

    def unsubscribe_depth(self, link: Link, req_id: int) -> None:
        """Raises Refuse (310) for what is not subscribed."""
        if self._depths.pop((link, req_id), None) is None:
            raise Refuse(NO_SUCH_DEPTH)

    def on_book(self, symbol: str) -> None:
        """A book changed: tell it with the next batch."""
        self._changed.add(symbol)
        self._plan.lasting(FaultKind.STALE)
        self._wake()

    def _wake(self) -> None:
        if self._timer is None and not self._paused:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if self._paused:
            return
        if stale := self._plan.remaining(FaultKind.STALE):
            self._timer = asyncio.get_running_loop().call_later(stale, self._flush)
            return
        self._indices.flush()
        changed, self._changed = self._changed, set()
        for (link, req_id), quotes in self._quotes.items():
            if quotes.contract.spec.symbol in changed:
                self._tell_quotes(link, req_id, quotes)
        for (link, req_id), depth in self._depths.items():
            if depth.contract.spec.symbol in changed:
                self._tell_depth(link, req_id, depth)

    def _tell_quotes(self, link: Link, req_id: int, quotes: _Quotes) -> None:
        if self._paused:
            self._changed.add(quotes.contract.spec.symbol)
            return
        book = self._exchange.book(quotes.contract.spec.symbol)
        last = self._exchange.ticker(quotes.contract.spec.symbol).last
        now: dict[Tick, Side] = {Tick.BID: _best(book.bids), Tick.ASK: _best(book.asks)}
        if last is not None:
            now[Tick.LAST] = last, 0
        for tick, side in now.items():
            if quotes.told.get(tick) != side:
                link.send(_tick(req_id, tick, quotes.told.get(tick), side))
        quotes.told = now

    def _tell_depth(self, link: Link, req_id: int, depth: _Depth) -> None:
        if self._paused:
            self._changed.add(depth.contract.spec.symbol)
            return
        book = self._exchange.book(depth.contract.spec.symbol)
        for side, levels in ((_ASK_SIDE, book.asks), (_BID_SIDE, book.bids)):
            now, told = list(levels[: depth.rows]), depth.told[side]
            for row, level in enumerate(now):
                if row < len(told) and told[row] == level:
                    continue
                operation = _UPDATE if row < len(told) else _INSERT
                link.send(messages.depth(req_id, row, operation, side, price(level.price), level.quantity))
            for row in reversed(range(len(now), len(told))):
                link.send(messages.depth(req_id, row, _DELETE, side, Decimal(0), 0))
            depth.told[side] = now


def _best(levels: tuple[BookLevel, ...]) -> Side:
    return (levels[0].price, levels[0].quantity) if levels else (0, 0)


def _tick(req_id: int, tick: Tick, told: Side | None, side: Side) -> Fields:
    """A size alone changes with a size tick; an empty side is told as price −1, size 0."""
    if told is not None and told[0] == side[0]:
        return messages.tick_size(req_id, Tick.BID_SIZE if tick is Tick.BID else Tick.ASK_SIZE, side[1])
    at = price(side[0]) if side[0] else _NOTHING
    return messages.tick_price(req_id, tick, at, side[1])
