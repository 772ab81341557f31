"""What margin orders and positions need, in units.

The inverse venue charges orders by value, fees included, and positions their maintenance; the linear venue's
broker charges the largest position that could come of the open orders, dearer for a short.
"""

from collections.abc import Iterable

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.leverage import maintenance_rate
from adapters.simulator.exchange.orders import Side, SimOrder
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.value import PPM, ceil_div, value


def inverse_order_margin(
    spec: ContractSpec, contracts: int, orders: Iterable[SimOrder], rates: tuple[int, int] | None = None
) -> int:
    """Return the initial margin of open orders beside a position of signed ``contracts``.

    ``V × (IM + f + f × (1 + IM))`` of what exceeds the position, the larger of the two sides. The orders most
    likely to trade close the position first. ``rates``: of a long and a short (ppm), the contract's own if None.
    """
    long, short = rates or (spec.initial_margin_long, spec.initial_margin_short)
    charged = {Side.BUY: 0, Side.SELL: 0}
    free = {Side.BUY: max(-contracts, 0), Side.SELL: max(contracts, 0)}
    rate = {Side.BUY: long, Side.SELL: short}
    for order in sorted(orders, key=lambda order: -order.side.sign * order.price):
        if order.reduce_only or order.is_waiting:
            continue
        closing = min(order.leaves, free[order.side])
        free[order.side] -= closing
        worth = abs(value(spec, order.leaves - closing, order.price))
        margin, taker = rate[order.side], spec.taker_fee
        charged[order.side] += ceil_div(worth * ((margin + taker) * PPM + taker * (PPM + margin)), PPM * PPM)
    return max(charged.values())


def inverse_maintenance(spec: ContractSpec, position: Position, funding_rate: int) -> int:
    """Return ``ceil(MM × cost)``, and ``ceil(|rate| × cost)`` on top if the position pays the next funding."""
    margin = ceil_div(maintenance_rate(spec, position) * abs(position.cost), PPM)
    if position.contracts * funding_rate > 0:
        margin += ceil_div(abs(funding_rate) * abs(position.cost), PPM)
    return margin


def risk_value(spec: ContractSpec, position: Position, orders: Iterable[SimOrder]) -> int:
    """Return the largest value (units) that the position could reach by ``orders``, at their prices."""
    reach = {Side.BUY: position.cost, Side.SELL: -position.cost}
    for order in orders:
        if not order.is_waiting and not order.reduce_only:
            reach[order.side] += abs(value(spec, order.leaves, order.price))
    return max(abs(position.cost), *reach.values())


def linear_margin(spec: ContractSpec, contracts: int, price: int, *, maintenance: bool = False) -> int:
    """Return the broker's margin of signed ``contracts`` at ``price`` (the settlement price, cents)."""
    if maintenance:
        rates = (spec.maintenance_margin_long, spec.maintenance_margin_short)
    else:
        rates = (spec.initial_margin_long, spec.initial_margin_short)
    rate = rates[0] if contracts > 0 else rates[1]
    return ceil_div(rate * abs(value(spec, contracts, price)), PPM)


def linear_initial(spec: ContractSpec, contracts: int, price: int, orders: Iterable[SimOrder]) -> int:
    """Return the initial margin of the worst position that ``contracts`` and any of ``orders`` could make."""
    reach = {Side.BUY: 0, Side.SELL: 0}
    for order in orders:
        if not order.is_waiting:
            reach[order.side] += order.side.sign * order.leaves
    outcomes = (contracts, contracts + reach[Side.BUY], contracts + reach[Side.SELL])
    return max(linear_margin(spec, outcome, price) for outcome in outcomes)
