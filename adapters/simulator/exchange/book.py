"""One contract's book: the market's own depth and the clients' resting orders, matched by price, then time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.views import BookLevel


@dataclass(slots=True)
class Resting:
    order_id: str
    account: str
    side: Side
    price: int
    leaves: int
    place: int


@dataclass(frozen=True, slots=True)
class Match:
    """``quantity`` at ``price``; ``maker`` is the resting order on the other side, None for the market's."""

    price: int
    quantity: int
    maker: str | None


@dataclass(frozen=True, slots=True)
class PassiveMatch:
    """The market traded through a resting order: ``quantity`` of it, at its own limit."""

    order_id: str
    quantity: int


class Book:
    """Matching only; it knows no money. What a client takes from the market's depth is gone until ``replace``."""

    def __init__(self) -> None:
        self._depth: dict[Side, list[BookLevel]] = {Side.BUY: [], Side.SELL: []}
        self._resting: dict[str, Resting] = {}
        self._places = 0

    def replace(self, bids: Iterable[BookLevel], asks: Iterable[BookLevel]) -> None:
        """Set the market's own depth, best level first. Call ``next_passive`` until None, then ``settle``."""
        self._depth = {Side.BUY: list(bids), Side.SELL: list(asks)}

    def next_passive(self) -> PassiveMatch | None:
        """Fill the first resting order that the market has traded through, by one level; None if none is.

        Strictly through: depth standing at an order's own limit would queue behind it.
        """
        for order in self._in_priority():
            against = self._depth[order.side.opposite]
            if against and _better(order.side.opposite, against[0].price, order.price):
                quantity = min(order.leaves, against[0].quantity)
                self._consume(against, quantity)
                self.reduce(order.order_id, quantity)
                return PassiveMatch(order.order_id, quantity)
        return None

    def settle(self) -> None:
        """Take away depth that would lock or cross the book against what still rests."""
        for order in self._resting.values():
            against = self._depth[order.side.opposite]
            while against and not _better(order.side, against[0].price, order.price):
                against.pop(0)

    def next_match(self, account: str, side: Side, limit: int, quantity: int) -> Match | None:
        """Take the best that ``side`` can get within ``limit``, up to ``quantity``; None if there is nothing."""
        against = self._depth[side.opposite]
        maker = next(self._makers(account, side), None)
        if against and (maker is None or not _better(side.opposite, maker.price, against[0].price)):
            level = against[0]
            if _better(side, level.price, limit):
                return None
            taken = min(quantity, level.quantity)
            self._consume(against, taken)
            return Match(level.price, taken, None)
        if maker is None or _better(side, maker.price, limit):
            return None
        taken = min(quantity, maker.leaves)
        self.reduce(maker.order_id, taken)
        return Match(maker.price, taken, maker.order_id)

    def available(self, account: str, side: Side, limit: int) -> int:
        """Return how many contracts ``side`` could take within ``limit``."""
        standing = [(level.price, level.quantity) for level in self._depth[side.opposite]]
        standing += [(maker.price, maker.leaves) for maker in self._makers(account, side)]
        return sum(quantity for price, quantity in standing if not _better(side, price, limit))

    def reach(self, account: str, side: Side, quantity: int) -> int | None:
        """Return the worst price ``side`` must accept to take ``quantity``, or all there is; None if nothing."""
        standing = [(level.price, level.quantity) for level in self._depth[side.opposite]]
        standing += [(maker.price, maker.leaves) for maker in self._makers(account, side)]
        worst = None
        for price, available in sorted(standing, key=lambda level: side.sign * level[0]):
            if quantity <= 0:
                break
            worst, quantity = price, quantity - available
        return worst

    def own_crossing(self, account: str, side: Side, limit: int) -> list[str]:
        """Return the account's own resting orders that an order of ``side`` at ``limit`` would trade with."""
        return [
            order.order_id
            for order in self._resting.values()
            if order.account == account
            and order.side is side.opposite
            and not _better(side, order.price, limit)
        ]

    def rest(self, order_id: str, account: str, side: Side, price: int, leaves: int) -> None:
        """Queue an order behind those already at its price."""
        self._places += 1
        self._resting[order_id] = Resting(order_id, account, side, price, leaves, self._places)

    def reduce(self, order_id: str, quantity: int) -> None:
        """Take ``quantity`` off a resting order; it keeps its place, and leaves the book at zero."""
        order = self._resting[order_id]
        order.leaves -= quantity
        if order.leaves <= 0:
            del self._resting[order_id]

    def remove(self, order_id: str) -> None:
        """Take an order off the book, if it rests there."""
        self._resting.pop(order_id, None)

    def levels(self, side: Side) -> tuple[BookLevel, ...]:
        """Return the levels of one side, best first, market and clients together."""
        total: dict[int, int] = {}
        for level in self._depth[side]:
            total[level.price] = total.get(level.price, 0) + level.quantity
        for order in self._resting.values():
            if order.side is side:
                total[order.price] = total.get(order.price, 0) + order.leaves
        return tuple(BookLevel(price, total[price]) for price in sorted(total, key=lambda p: -side.sign * p))

    def _in_priority(self) -> Sequence[Resting]:
        return sorted(self._resting.values(), key=lambda order: (-order.side.sign * order.price, order.place))

    def _makers(self, account: str, side: Side) -> Iterator[Resting]:
        return (
            order for order in self._in_priority() if order.side is side.opposite and order.account != account
        )

    @staticmethod
    def _consume(levels: list[BookLevel], quantity: int) -> None:
        best = levels[0]
        if quantity == best.quantity:
            levels.pop(0)
        else:
            levels[0] = BookLevel(best.price, best.quantity - quantity)


def _better(side: Side, price: int, than: int) -> bool:
    """Say whether a resting order of ``side`` at ``price`` would trade before one at ``than``."""
    return price > than if side is Side.BUY else price < than
