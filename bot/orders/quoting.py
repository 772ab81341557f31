"""At which price the working leg goes: the basis it locks in against the hedge venue's best price, and its limit."""

from dataclasses import dataclass
from decimal import Decimal

from bot.model.legging import Style
from bot.model.tickets import Material
from risk.basis import Basis
from risk.instruments import Instrument
from risk.orders import Side
from risk.portfolio import Quote
from risk.terms import Rounding


@dataclass(frozen=True, slots=True)
class Lock:
    """A working leg and the price (USD per XBT) its hedge can be had at now. ``is_linear``: it is the one the basis
    takes the other from: the linear leg, the new month of a roll."""

    material: Material
    instrument: Instrument
    hedge: Decimal
    is_linear: bool

    def basis(self, price: Decimal) -> Decimal:
        """Return the basis a fill at ``price`` locks in: linear − inverse, whichever of the two this leg is."""
        pair = Basis(price, self.hedge) if self.is_linear else Basis(self.hedge, price)
        return pair.absolute

    @property
    def limit(self) -> Decimal | None:
        """The basis limit that binds: the least where the linear leg is sold, the most where it is bought."""
        sells_linear = (self.material.side is Side.SELL) is self.is_linear
        return self.material.min_basis if sells_linear else self.material.max_basis

    @property
    def edge(self) -> Decimal | None:
        """The worst price whose basis is still within its limit, on tick; None without a limit."""
        if self.limit is None:
            return None
        price = self.hedge + self.limit if self.is_linear else self.hedge - self.limit
        rounding = Rounding.UP if self.material.side is Side.SELL else Rounding.DOWN
        return self.instrument.terms.to_tick(price, rounding)

    def objection(self, price: Decimal) -> str | None:
        """Return why a fill at ``price`` would be outside the basis limits, None if it would not."""
        basis, least, most = self.basis(price), self.material.min_basis, self.material.max_basis
        if least is not None and basis < least:
            return f"the basis of {basis:f} is below the limit, {least:f}"
        if most is not None and basis > most:
            return f"the basis of {basis:f} is above the limit, {most:f}"
        return None

    def within(self, price: Decimal) -> Decimal:
        """Return ``price``, or the edge where that is better for us."""
        edge = self.edge
        if edge is None:
            return price
        return max(price, edge) if self.material.side is Side.SELL else min(price, edge)


def resting_price(lock: Lock, book: Quote, style: Style, own: Decimal | None) -> Decimal:
    """Return where an order of a resting ``style`` belongs in a two-sided ``book``, without crossing it.

    JOIN and IMPROVE follow their own side's best price, and not their own order (``own``: its price) where that is the
    best. EDGE follows the hedge venue's price; without a basis limit it joins.
    """
    side, tick = lock.material.side, lock.instrument.terms.tick
    best, other = book.take(side.opposite), book.take(side)
    if best is None or other is None:
        raise ValueError("a book with two sides is needed")
    price, last = best.price, other.price - side.sign * tick
    if style is Style.IMPROVE and price != own:
        price += side.sign * tick
    elif style is Style.EDGE and lock.edge is not None:
        price = lock.edge
    return min(price, last) if side is Side.BUY else max(price, last)
