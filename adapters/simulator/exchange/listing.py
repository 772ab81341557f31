"""One contract as the exchange lists it: its book, its prices, and when its funding falls due."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.simulator.exchange.book import Book
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.marks import dated_mark, impact_price, perpetual_mark
from adapters.simulator.exchange.orders import Side, TriggerKind
from adapters.simulator.exchange.settlement import IndexHistory
from adapters.simulator.exchange.views import BookLevel, BookView, Ticker


@dataclass(slots=True)
class Listing:
    """Prices in cents; None until the market has been set.

    ``mid`` is the last one of a two-sided book, the impact mid of an inverse one that is deep enough.
    ``settled``: what the contract settled at.
    """

    spec: ContractSpec
    funding: FundingSchedule | None
    next_funding: datetime | None
    book: Book = field(default_factory=Book)
    index: int | None = None
    mid: int | None = None
    last: int | None = None
    halted: bool = False
    settled: int | None = None
    history: IndexHistory = field(default_factory=IndexHistory)

    @property
    def funding_rate(self) -> int:
        """What falls due next, ppm per interval; 0 for a contract without funding."""
        if self.funding is None or self.next_funding is None:
            return 0
        return self.funding.rate_at(self.next_funding)

    def mark(self, now: datetime) -> int | None:
        """Return the mark: of the index for an inverse contract, the mid for a linear one."""
        if self.settled is not None:
            return self.settled
        if not self.spec.is_inverse:
            return self.mid
        if self.index is None:
            return None
        if self.funding is not None and self.next_funding is not None:
            left = max(self.next_funding - now, timedelta(0))
            return perpetual_mark(self.index, self.funding_rate, left, self.funding.interval)
        if self.spec.expiry is not None and self.mid is not None:
            return dated_mark(self.index, self.mid, now, self.spec.expiry)
        return self.index

    def trigger_price(self, kind: TriggerKind, now: datetime) -> int | None:
        """Return the price a stop of ``kind`` watches."""
        match kind:
            case TriggerKind.MARK:
                return self.mark(now)
            case TriggerKind.INDEX:
                return self.index
            case TriggerKind.LAST:
                return self.last

    def note_index(self, index: int, now: datetime) -> None:
        self.index = index
        if self.spec.is_inverse or self.spec.expiry is not None:
            self.history.note(now, index)

    def note_market(self, bids: Sequence[BookLevel], asks: Sequence[BookLevel]) -> None:
        """Let the last price follow a market whose depth has moved past it: it did not get there untraded."""
        if bids and asks and self.last is None:
            self.last = (bids[0].price + asks[0].price) // 2 // self.spec.tick * self.spec.tick
        if bids and self.last is not None:
            self.last = max(self.last, bids[0].price)
        if asks and self.last is not None:
            self.last = min(self.last, asks[0].price)

    def note_mid(self) -> None:
        """Remember the book's middle, if it has one."""
        bids, asks = self.book.levels(Side.BUY), self.book.levels(Side.SELL)
        if not bids or not asks:
            return
        impact = [impact_price(self.spec, side) for side in (bids, asks)] if self.spec.is_inverse else [None]
        if self.spec.expiry is not None and None not in impact:
            self.mid = sum(price or 0 for price in impact) // 2
        else:
            self.mid = (bids[0].price + asks[0].price) // 2

    def view(self, now: datetime) -> BookView:
        return BookView(self.spec.symbol, self.book.levels(Side.BUY), self.book.levels(Side.SELL), now)

    def ticker(self, now: datetime) -> Ticker:
        view = self.view(now)
        return Ticker(
            symbol=self.spec.symbol,
            bid=view.bids[0].price if view.bids else None,
            ask=view.asks[0].price if view.asks else None,
            last=self.last,
            mark=self.mark(now),
            index=self.index,
            funding_rate=None if self.funding is None else self.funding_rate,
            next_funding=self.next_funding,
            at=now,
            impact_bid=impact_price(self.spec, view.bids) if self.spec.is_inverse else None,
            impact_ask=impact_price(self.spec, view.asks) if self.spec.is_inverse else None,
            settlement=self.settled,
        )
