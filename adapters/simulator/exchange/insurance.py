"""The liquidation engine's book and the fund behind it."""

from datetime import datetime

from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.value import profit, value

ENGINE = ""
"""The engine's name as a taker: no account's."""


class Insurance:
    """``fund``: units. It earns what the engine gains on a position taken over, and pays what it loses."""

    def __init__(self, desk: OrderDesk, fund: int) -> None:
        self._desk = desk
        self.fund = fund

    def unwind(self, listing: Listing, contracts: int, price: int, now: datetime) -> int:
        """Trade ``contracts`` (signed), taken over at ``price``, away in the book as far as the fund reaches.

        Returns what is left, signed.
        """
        side = Side.SELL if contracts > 0 else Side.BUY
        left = abs(contracts)
        while left:
            limit = listing.book.reach(ENGINE, side, 1)
            if limit is None:
                break
            affordable = self._affordable(listing, side, left, price, limit)
            match = listing.book.next_match(ENGINE, side, limit, affordable) if affordable else None
            if match is None:
                break
            self.fund += self._gain(listing, side, match.quantity, price, match.price)
            left -= match.quantity
            listing.last = match.price
            if match.maker is not None:
                self._desk.fill_maker(match, listing, now)
        return -side.sign * left

    def _affordable(self, listing: Listing, side: Side, wanted: int, paid: int, price: int) -> int:
        """Return how many of ``wanted`` contracts, bought or sold at ``price``, the fund can pay the loss of."""
        loss = -self._gain(listing, side, wanted, paid, price)
        if loss <= self.fund:
            return wanted
        lots = max(self.fund, 0) * wanted // loss // listing.spec.lot
        return lots * listing.spec.lot

    @staticmethod
    def _gain(listing: Listing, side: Side, quantity: int, paid: int, price: int) -> int:
        signed = -side.sign * quantity
        spec = listing.spec
        return profit(spec, value(spec, signed, paid), value(spec, signed, price))
