"""Δ: how many XBT the portfolio is long, the derivative of its USD value by the bitcoin price.

    Δ = Σ margin balance at inverse venues (wallet + unrealised P&L)  +  XBT elsewhere
      + Σ inverse: contracts × multiplier / mark  +  Σ linear: contracts × multiplier

and, the same number, ``wallet + Σ cost + Σ linear`` (DOMAIN.md, section 2): an inverse position's cost in XBT
does not move with the price, so a price move alone does not change Δ.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from risk.instruments import Instrument, positive
from risk.money import Currency, Money, from_units
from risk.orders import Side
from risk.pnl import in_usd, pnl_from_cost
from risk.portfolio import Position
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class Holding:
    """A position with what it takes to value it.

    ``contracts``: signed, long > 0. ``cost_units``: Σ ``Instrument.value_units`` of the fills that opened it,
    signed alike, minor units of the settlement currency. ``mark``: USD per XBT.
    """

    instrument: Instrument
    contracts: int
    cost_units: int
    mark: Decimal

    def __post_init__(self) -> None:
        positive(self.mark)
        if self.contracts * self.cost_units < 0 or (self.contracts == 0 and self.cost_units != 0):
            raise ValueError(
                f"{self.instrument.id}: a cost of {self.cost_units} does not fit {self.contracts} contracts"
            )

    @classmethod
    def opened_at(cls, instrument: Instrument, contracts: int, entry: Decimal, mark: Decimal) -> "Holding":
        return cls(instrument, contracts, instrument.value_units(contracts, entry), mark)

    @classmethod
    def of(cls, instrument: Instrument, position: Position, mark: Decimal) -> "Holding":
        """Build from the venue's word: its cost where it states one, else contracts at its average entry.

        Raises ValueError if the instruments differ or an open position has neither.
        """
        if position.instrument != instrument.id:
            raise ValueError(f"a position in {position.instrument} is none in {instrument.id}")
        if position.contracts == 0:
            return cls(instrument, 0, 0, mark)
        if position.cost_units is not None:
            return cls(instrument, position.contracts, position.cost_units, mark)
        if position.entry is None:
            raise ValueError(f"the position in {position.instrument} has neither cost nor entry price")
        return cls.opened_at(instrument, position.contracts, position.entry, mark)

    @property
    def is_inverse(self) -> bool:
        return self.instrument.terms.kind is Kind.INVERSE

    @property
    def unrealised(self) -> Money:
        """Unrealised P&L at the mark, in the settlement currency, rounded as the venue rounds it."""
        return pnl_from_cost(self.instrument, self.contracts, self.cost_units, self.mark)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Everything that carries exposure or cash.

    ``wallets``: one a venue, unrealised P&L not counted; those in USD are cash and carry no Δ. ``elsewhere``:
    XBT in transit, in a spot wallet, or bought and not yet arrived.
    """

    wallets: tuple[Money, ...] = ()
    holdings: tuple[Holding, ...] = ()
    elsewhere: Decimal = Decimal(0)

    def wallet(self, currency: Currency) -> Decimal:
        return from_units(sum(wallet.units for wallet in self.wallets if wallet.currency is currency))

    def marked(self, price: Decimal) -> "Portfolio":
        """Return the same portfolio with every mark set to one ``price``."""
        return replace(self, holdings=tuple(replace(holding, mark=price) for holding in self.holdings))


@dataclass(frozen=True, slots=True)
class Exposure:
    """Δ and what it is made of, all in XBT, long > 0.

    ``wallet`` and ``unrealised``: cash and unrealised P&L at the inverse venues, together the margin balance.
    ``inverse``: Σ contracts × multiplier / mark. ``linear``: Σ contracts × multiplier.
    """

    wallet: Decimal
    unrealised: Decimal
    elsewhere: Decimal
    inverse: Decimal
    linear: Decimal

    @property
    def margin_balance(self) -> Decimal:
        return self.wallet + self.unrealised

    @property
    def total(self) -> Decimal:
        return self.margin_balance + self.elsewhere + self.inverse + self.linear

    def naked(self, target: Decimal = Decimal(0)) -> Decimal:
        """Return the part of Δ that is not wanted: Δ − ``target`` (XBT the owner wants unhedged)."""
        return self.total - target


def exposure(portfolio: Portfolio) -> Exposure:
    """Return the portfolio's Δ from margin balances and marks.

    Unrealised P&L is rounded as the venue rounds it, so that the margin balance equals the venue's: the total
    is off the exact Δ by at most half a satoshi per rounding unit held (one for a broken unit).
    """
    inverse = [holding for holding in portfolio.holdings if holding.is_inverse]
    return Exposure(
        wallet=portfolio.wallet(Currency.XBT),
        unrealised=from_units(sum(holding.unrealised.units for holding in inverse)),
        elsewhere=portfolio.elsewhere,
        inverse=_xbt(inverse),
        linear=_xbt(holding for holding in portfolio.holdings if not holding.is_inverse),
    )


def delta_from_cost(portfolio: Portfolio) -> Decimal:
    """Return Δ (XBT) without any mark: wallet + elsewhere + Σ cost of inverse + Σ linear.

    The equivalent form, to the satoshi and the one to compare with the ledger: no quote can disturb it.
    """
    cost = sum(holding.cost_units for holding in portfolio.holdings if holding.is_inverse)
    linear = _xbt(holding for holding in portfolio.holdings if not holding.is_inverse)
    return portfolio.wallet(Currency.XBT) + portfolio.elsewhere + from_units(cost) + linear


def revalue(portfolio: Portfolio, price: Decimal) -> Decimal:
    """Return what the portfolio is worth in USD with every price at ``price``: the audit of Δ.

    Values cash and each position's P&L on its own and knows nothing of Δ.
    """
    value = sum((in_usd(wallet, price).amount for wallet in portfolio.wallets), portfolio.elsewhere * price)
    for holding in portfolio.marked(price).holdings:
        value += in_usd(holding.unrealised, price).amount
    return value


def delta_after_closing(delta: Decimal, instrument: Instrument, contracts: int, price: Decimal) -> Decimal:
    """Return Δ (XBT) after ``contracts`` of a position (signed as the position) are closed at ``price``.

    Closing inverse contracts takes contracts / price off, not contracts / entry: what they earned since stays
    in the wallet.
    """
    return delta - instrument.xbt(contracts, price)


@dataclass(frozen=True, slots=True)
class InFlight:
    """What orders not yet final may still add to Δ (``buy``) or take off it (``sell``), at worst, in XBT."""

    buy: Decimal = Decimal(0)
    sell: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.buy < 0 or self.sell < 0:
            raise ValueError(f"what is in flight must not be negative: buy {self.buy}, sell {self.sell}")

    def plus(self, other: "InFlight") -> "InFlight":
        return InFlight(self.buy + other.buy, self.sell + other.sell)

    def interval(self, delta: Decimal) -> tuple[Decimal, Decimal]:
        """Return the lowest and the highest Δ that can come of ``delta`` (XBT), whichever orders fill."""
        return delta - self.sell, delta + self.buy


def in_flight(instrument: Instrument, side: Side, contracts: int, limit: Decimal, best: Decimal) -> InFlight:
    """Return the worst that ``contracts`` still open at ``limit`` can do to Δ.

    ``best``: the lowest price a buy can hope for, the ask of the moment. An inverse order counts most XBT at
    its lowest price: a sale at its limit, a purchase at ``best`` if that is below its limit.
    """
    if contracts < 0:
        raise ValueError(f"an order's open quantity must not be negative: {contracts}")
    if side is Side.SELL:
        return InFlight(sell=instrument.xbt(contracts, limit))
    return InFlight(buy=instrument.xbt(contracts, min(limit, best)))


def _xbt(holdings: Iterable[Holding]) -> Decimal:
    return sum((holding.instrument.xbt(holding.contracts, holding.mark) for holding in holdings), Decimal(0))
