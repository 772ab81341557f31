"""Accounts: cash and positions, and what they are worth and need at the marks of the moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange import margin
from adapters.simulator.exchange.contract import ContractKind
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.orders import SimOrder
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.value import profit, value
from adapters.simulator.exchange.views import AccountView, CashEntry, PositionView


@dataclass(slots=True)
class Account:
    """``wallet``: units, realised results and fees included. ``switch_at``: the dead man's switch, if armed."""

    name: str
    wallet: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    cash: list[CashEntry] = field(default_factory=list)
    switch_at: datetime | None = None

    def position(self, listing: Listing) -> Position:
        return self.positions.setdefault(listing.spec.symbol, Position(listing.spec))


def position_view(account: str, position: Position, listing: Listing, now: datetime) -> PositionView:
    mark = listing.mark(now)
    worth = position.cost if mark is None else value(position.spec, position.contracts, mark)
    return PositionView(
        account=account,
        symbol=position.spec.symbol,
        contracts=position.contracts,
        cost=position.cost,
        value=worth,
        unrealised=profit(position.spec, position.cost, worth),
        realised=position.realised,
        maintenance=_maintenance(position, listing, mark),
        entry=entry_price(position),
        mark=mark,
        at=now,
    )


def account_view(
    account: Account,
    kind: ContractKind,
    listings: Mapping[str, Listing],
    orders: Iterable[SimOrder],
    now: datetime,
) -> AccountView:
    """Value an account; ``orders`` are its live ones."""
    views = [
        position_view(account.name, position, listings[symbol], now)
        for symbol, position in account.positions.items()
    ]
    unrealised = sum(view.unrealised for view in views)
    maintenance = sum(view.maintenance for view in views)
    initial = initial_margin(account, listings, orders, now)
    balance = account.wallet + unrealised
    inverse = kind is ContractKind.INVERSE
    return AccountView(
        account=account.name,
        currency="XBT" if inverse else "USD",
        wallet=account.wallet,
        unrealised=unrealised,
        balance=balance,
        initial=initial,
        maintenance=maintenance,
        available=balance - initial - (maintenance if inverse else 0),
        at=now,
    )


def initial_margin(
    account: Account, listings: Mapping[str, Listing], orders: Iterable[SimOrder], now: datetime
) -> int:
    """Return the initial margin of orders (inverse), or of positions and orders together (linear)."""
    by_symbol: dict[str, list[SimOrder]] = {symbol: [] for symbol in account.positions}
    for order in orders:
        by_symbol.setdefault(order.symbol, []).append(order)
    total = 0
    for symbol, live in by_symbol.items():
        listing = listings[symbol]
        contracts = account.position(listing).contracts
        if listing.spec.is_inverse:
            total += margin.inverse_order_margin(listing.spec, contracts, live)
            continue
        price = listing.mark(now) or max((order.price for order in live), default=None)
        if price is not None:
            total += margin.linear_initial(listing.spec, contracts, price, live)
    return total


def entry_price(position: Position) -> Decimal | None:
    """Return the average entry in USD per XBT, from cost; None when flat."""
    if position.contracts == 0:
        return None
    if position.spec.is_inverse:
        return Decimal(10**8 * position.spec.multiplier * position.contracts) / position.cost
    return Decimal(position.cost) / (position.contracts * position.spec.multiplier)


def _maintenance(position: Position, listing: Listing, mark: int | None) -> int:
    if position.contracts == 0:
        return 0
    if listing.spec.is_inverse:
        return margin.inverse_maintenance(listing.spec, position, listing.funding_rate)
    if mark is None:
        return 0
    return margin.linear_margin(listing.spec, position.contracts, mark, maintenance=True)
