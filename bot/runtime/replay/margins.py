"""How near each account came to a liquidation, and what would have had to be sent there. From the venues' own books."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange.views import AccountView, PositionView
from risk.margin import gap_size, linear_gap_equity
from risk.money import from_units
from risk.orders import Side

_CENTS = Decimal(100)
_FAR = Decimal(5)
"""A liquidation five times the price away is none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One account at one moment, in its own currency. ``distance``: how far (fraction of price) the market may go
    against it before it is liquidated; None where no move does it."""

    venue: str
    currency: str
    equity: Decimal
    maintenance: Decimal
    distance: Decimal | None

    @property
    def excess(self) -> Decimal:
        return self.equity - self.maintenance


@dataclass(frozen=True, slots=True)
class Low:
    """The worst moment of one figure: ``what`` it is, and the bitcoin price then."""

    venue: str
    what: str
    figure: Decimal
    unit: str
    at: datetime
    price: Decimal


@dataclass(slots=True)
class Need:
    """Collateral that would have been asked for: at first, and at worst, until the price came back (None: it did not
    before the end, or the position was gone)."""

    venue: str
    currency: str
    since: datetime
    price: Decimal
    first: Decimal
    worst: Decimal
    worst_at: datetime
    until: datetime | None = None


def stand(venue: str, account: AccountView, positions: Sequence[PositionView]) -> Standing:
    held = [view for view in positions if view.contracts]
    distance = _inverse_distance(held) if account.currency == "XBT" else _linear_distance(account, held)
    return Standing(
        venue, account.currency, from_units(account.balance), from_units(account.maintenance), distance
    )


def lacking(positions: Sequence[PositionView], equity: Decimal, wallet: Decimal, move: Decimal) -> Decimal:
    """Return what an account would need on top, in its currency, to survive a ``move`` (fraction) against it."""
    total = Decimal(0)
    held = [view for view in positions if view.contracts and view.mark is not None and view.value]
    for view in held:
        side = Side.BUY if view.contracts > 0 else Side.SELL
        gap = -side.sign * move
        rate = Decimal(view.maintenance) / abs(view.value)
        if view.liquidation is not None and view.entry is not None and view.mark is not None:
            rate = Decimal(view.maintenance) / abs(view.cost)
            carried = gap_size(side, Decimal(1), view.mark / _CENTS, view.entry, gap, rate)
            total += abs(view.contracts) / carried if carried else Decimal(0)
        else:
            total += abs(from_units(view.value)) * linear_gap_equity(side, gap, rate)
    inverse = any(view.liquidation is not None for view in held)
    return max(total - (wallet if inverse else equity), Decimal(0))


def _inverse_distance(held: Sequence[PositionView]) -> Decimal | None:
    nearest: Decimal | None = None
    for view in held:
        if view.mark is None or view.liquidation is None:
            continue
        sign = 1 if view.contracts > 0 else -1
        distance = sign * (Decimal(view.mark) - view.liquidation) / view.mark
        if distance < _FAR:
            nearest = distance if nearest is None else min(nearest, distance)
    return nearest


def _linear_distance(account: AccountView, held: Sequence[PositionView]) -> Decimal | None:
    """Excess liquidity over what a rise of 100 % would cost, the broker's margin included (a fall, for longs)."""
    rise = Decimal(0)
    for view in held:
        # A short loses its value and owes margin on it; a long loses its value less the margin it no longer needs.
        rise += (
            abs(view.value) + view.maintenance if view.contracts < 0 else view.maintenance - abs(view.value)
        )
    distance = Decimal(account.excess_liquidity) / abs(rise) if rise else _FAR
    return distance if distance < _FAR else None


@dataclass(slots=True)
class MarginWatch:
    """Keeps the lowest of each figure. ``keep``: nearer to a liquidation than this, collateral would be asked for,
    enough for twice as far."""

    keep: Decimal
    lows: dict[tuple[str, str], Low] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    _open: dict[str, Need] = field(default_factory=dict)

    def look(
        self, account: AccountView, positions: Sequence[PositionView], venue: str, price: Decimal
    ) -> Standing:
        standing, at = stand(venue, account, positions), account.at
        self._note(
            Low(venue, "excess over maintenance margin", standing.excess, standing.currency, at, price)
        )
        if standing.distance is not None:
            percent = standing.distance * 100
            self._note(Low(venue, "distance to liquidation", percent, "% of price", at, price))
        self._ask(standing, account, positions, price)
        return standing

    def _note(self, low: Low) -> None:
        known = self.lows.get((low.venue, low.what))
        if known is None or low.figure < known.figure:
            self.lows[low.venue, low.what] = low

    def _ask(
        self, standing: Standing, account: AccountView, positions: Sequence[PositionView], price: Decimal
    ) -> None:
        need, distance = self._open.get(standing.venue), standing.distance
        if distance is None or distance > self.keep * 5 / 4:
            if need is not None:
                need.until = account.at
                del self._open[standing.venue]
            return
        if need is None and distance >= self.keep:
            return
        amount = lacking(positions, standing.equity, from_units(account.wallet), 2 * self.keep)
        if need is None:
            need = Need(standing.venue, standing.currency, account.at, price, amount, amount, account.at)
            self._open[standing.venue] = need
            self.needs.append(need)
        elif amount > need.worst:
            need.worst, need.worst_at = amount, account.at
