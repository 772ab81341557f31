"""Accounts: cash and positions, and what they are worth and need at the marks of the moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange import leverage, margin
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


@dataclass(frozen=True, slots=True)
class _Valued:
    """A position at its mark. ``taken``: units of margin it takes from the account."""

    mark: int | None
    worth: int
    unrealised: int
    taken: int


def position_view(
    account: Account, symbol: str, listings: Mapping[str, Listing], now: datetime
) -> PositionView:
    """Value one position; where it is liquidated depends on the account's others."""
    listing = listings[symbol]
    position = account.position(listing)
    own = _value(position, listing, now)
    spec = position.spec
    view = PositionView(
        account=account.name,
        symbol=symbol,
        contracts=position.contracts,
        cost=position.cost,
        value=own.worth,
        unrealised=own.unrealised,
        realised=position.realised,
        maintenance=own.taken,
        entry=entry_price(position),
        mark=own.mark,
        at=now,
    )
    if not spec.is_inverse:
        return view
    needs = leverage.position_margin(spec, position)
    if position.leverage:
        free, least = needs.total - needs.comm, needs.least - needs.comm
    else:
        others = (
            _value(other, listings[name], now) for name, other in account.positions.items() if name != symbol
        )
        free, least = account.wallet + sum(one.unrealised - one.taken for one in others), own.taken
    return replace(
        view,
        leverage=position.leverage,
        risk_limit=leverage.risk_limit(spec, position),
        initial_rate=leverage.initial_rate(spec, position),
        maintenance_rate=leverage.maintenance_rate(spec, position),
        pos_init=needs.init,
        pos_comm=needs.comm,
        pos_margin=needs.total,
        pos_maint=needs.least if position.leverage else own.taken,
        liquidation=leverage.ruin(position, free - least),
        bankruptcy=leverage.ruin(position, free),
    )


def account_view(
    account: Account,
    kind: ContractKind,
    listings: Mapping[str, Listing],
    orders: Iterable[SimOrder],
    now: datetime,
) -> AccountView:
    """Value an account; ``orders`` are its live ones."""
    valued = {
        symbol: _value(position, listings[symbol], now) for symbol, position in account.positions.items()
    }
    unrealised = sum(one.unrealised for one in valued.values())
    maintenance = sum(one.taken for one in valued.values())
    initial = initial_margin(account, listings, orders, now)
    balance = account.wallet + unrealised
    inverse = kind is ContractKind.INVERSE
    available = balance - initial - (maintenance if inverse else 0)
    shared = sum(one.unrealised for symbol, one in valued.items() if not account.positions[symbol].leverage)
    return AccountView(
        account=account.name,
        currency="XBT" if inverse else "USD",
        wallet=account.wallet,
        unrealised=unrealised,
        balance=balance,
        initial=initial,
        maintenance=maintenance,
        available=available,
        at=now,
        withdrawable=max(0, available - max(0, shared)),
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
        position = account.position(listing)
        if listing.spec.is_inverse:
            rates = leverage.initial_rates(listing.spec, position)
            total += margin.inverse_order_margin(listing.spec, position.contracts, live, rates)
            continue
        price = listing.mark(now) or max((order.price for order in live), default=None)
        if price is not None:
            total += margin.linear_initial(listing.spec, position.contracts, price, live)
    return total


def entry_price(position: Position) -> Decimal | None:
    """Return the average entry in USD per XBT, from cost; None when flat."""
    if position.contracts == 0:
        return None
    if position.spec.is_inverse:
        return Decimal(10**8 * position.spec.multiplier * position.contracts) / position.cost
    return Decimal(position.cost) / (position.contracts * position.spec.multiplier)


def _value(position: Position, listing: Listing, now: datetime) -> _Valued:
    mark = listing.mark(now)
    worth = position.cost if mark is None else value(position.spec, position.contracts, mark)
    unrealised = profit(position.spec, position.cost, worth)
    return _Valued(mark, worth, unrealised, _taken(position, listing, mark, unrealised))


def _taken(position: Position, listing: Listing, mark: int | None, unrealised: int) -> int:
    """Return the margin a position takes. An isolated one keeps its own gains and losses to itself."""
    if position.contracts == 0:
        return 0
    if listing.spec.is_inverse:
        if position.leverage:
            return leverage.position_margin(listing.spec, position).total + unrealised
        return margin.inverse_maintenance(listing.spec, position, listing.funding_rate)
    if mark is None:
        return 0
    return margin.linear_margin(listing.spec, position.contracts, mark, maintenance=True)
