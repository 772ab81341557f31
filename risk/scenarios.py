"""What a spread is worth at other prices: the tables of DOMAIN.md, section 2.

Everything is revalued in full at one price, to which both contracts are taken to converge; fees, funding and
top-ups are left out.
"""

from dataclasses import dataclass
from decimal import Decimal

from risk.direction import Direction
from risk.exposure import Holding, Portfolio, revalue
from risk.instruments import Instrument
from risk.margin import MarginAction, cross_liquidation, margin_actions
from risk.money import Currency, Money
from risk.pnl import in_usd, pnl
from risk.sizing import collateral_hedge, collateral_needed
from risk.terms import NOISE, Kind


@dataclass(frozen=True, slots=True)
class Spread:
    """A spread of ``xbt`` XBT opened at two prices (USD per XBT), on XBT that was worth ``spot``.

    ``initial_margin`` (fraction of value) is what the inverse leg is given as collateral: 1 / leverage. The
    collateral hedge answers that; what the hedge itself needs as margin is left to ``collateral_in_full``.
    Raises ValueError where the size is no whole number of linear contracts.
    """

    direction: Direction
    inverse: Instrument
    linear: Instrument
    xbt: Decimal
    inverse_price: Decimal
    linear_price: Decimal
    spot: Decimal
    initial_margin: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.initial_margin < 1:
            raise ValueError(f"an initial margin is a fraction between 0 and 1, not {self.initial_margin}")
        lots = self.xbt / self.linear.granule(self.linear_price)
        if lots <= 0 or abs(lots - round(lots)) > NOISE:
            step = self.linear.granule(self.linear_price)
            raise ValueError(f"{self.xbt} XBT is no whole number of contracts of {step} XBT")
        if self.inverse_contracts == 0:
            raise ValueError(
                f"{self.xbt} XBT at {self.inverse_price} is less than a lot of the inverse contract"
            )

    @property
    def inverse_contracts(self) -> int:
        """Contracts of the inverse leg, signed."""
        return self.direction.inverse_side.sign * self.inverse.contracts_for(self.xbt, self.inverse_price)

    @property
    def linear_contracts(self) -> int:
        """Contracts of the linear leg, signed."""
        return self.direction.linear_side.sign * self.linear.contracts_for(self.xbt, self.linear_price)

    @property
    def collateral(self) -> Decimal:
        """XBT of margin at the inverse venue for the leg alone."""
        return self.xbt * self.initial_margin

    @property
    def collateral_in_full(self) -> Decimal:
        """XBT of margin with the collateral hedge's own, where that is an inverse position too."""
        return collateral_needed(self.direction, self.xbt, self.initial_margin)

    @property
    def hedge_contracts(self) -> int:
        """Contracts of the collateral hedge, signed; at the leg that is short."""
        size = collateral_hedge(
            self.direction, self.linear, self.inverse, self.collateral, self.inverse_price
        )
        return size.side.sign * size.contracts

    @property
    def hedge_kind(self) -> Kind:
        """The kind of contract the collateral is hedged with."""
        return Kind.LINEAR if self.direction is Direction.LONG_INVERSE else Kind.INVERSE

    def linear_margin(self, rate: Decimal) -> Money:
        """Return the USD the broker asks at ``rate`` (fraction of notional) for leg and hedge."""
        contracts = self.linear_contracts
        if self.hedge_kind is Kind.LINEAR:
            contracts += self.hedge_contracts
        notional = abs(self.linear.xbt(contracts, self.linear_price)) * self.linear_price
        return Money.of(Currency.USD, notional * rate)

    def liquidation(self, maintenance: Decimal) -> Decimal | None:
        """Return the price at which the inverse account ends without top-ups (cross margin), None if none does.

        With the collateral hedge, where that is an inverse position.
        """
        contracts = self.inverse_contracts
        if self.hedge_kind is Kind.INVERSE:
            contracts += self.hedge_contracts
        size = int(contracts * self.inverse.terms.multiplier)
        return cross_liquidation(self.collateral, size, self.inverse_price, maintenance)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A spread at ``price``. ``total``: of the two legs. ``hedged_total``: with the collateral and its hedge."""

    price: Decimal
    inverse: Money
    inverse_in_usd: Money
    linear: Money
    total: Money
    hedged_total: Money
    actions: tuple[MarginAction, ...]


def outcome(spread: Spread, price: Decimal) -> Outcome:
    """Return what ``spread`` has earned when everything trades at ``price`` (USD per XBT)."""
    inverse = pnl(spread.inverse, spread.inverse_contracts, spread.inverse_price, price)
    linear = pnl(spread.linear, spread.linear_contracts, spread.linear_price, price)
    inverse_in_usd = in_usd(inverse, price)
    total = Money(Currency.USD, inverse_in_usd.units + linear.units)
    cost = Money.of(Currency.USD, spread.collateral * spread.spot)
    worth = Money.of(Currency.USD, revalue(_with_hedge(spread), price))
    return Outcome(
        price=price,
        inverse=inverse,
        inverse_in_usd=inverse_in_usd,
        linear=linear,
        total=total,
        hedged_total=Money(Currency.USD, worth.units - cost.units),
        actions=margin_actions(spread.direction, inverse, linear),
    )


def _with_hedge(spread: Spread) -> Portfolio:
    inverse, linear = spread.inverse_contracts, spread.linear_contracts
    if spread.hedge_kind is Kind.INVERSE:
        inverse += spread.hedge_contracts
    else:
        linear += spread.hedge_contracts
    return Portfolio(
        (Money.of(Currency.XBT, spread.collateral),),
        (
            Holding.opened_at(spread.inverse, inverse, spread.inverse_price, spread.inverse_price),
            Holding.opened_at(spread.linear, linear, spread.linear_price, spread.linear_price),
        ),
    )
