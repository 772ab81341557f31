"""The margin an order would lead to, without placing it."""

from collections.abc import Iterable

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import NewOrder, SimOrder
from adapters.simulator.tws.money import dollars
from adapters.simulator.tws.order_messages import MarginState

_PPM = 1_000_000


def margin_state(exchange: Exchange, account: str, request: NewOrder) -> MarginState:
    """Return initial, maintenance and equity before and after all of the order has filled, at the mark.

    Initial margin is that of the worst position the orders still open could then make; the commission comes
    off the equity. Raises ExchangeRefusal.
    """
    now = exchange.account(account)
    spec = exchange.spec(request.symbol)
    held = exchange.position(account, request.symbol)
    mark = request.price if held.mark is None else held.mark
    after = held.contracts + request.side.sign * request.quantity
    open_orders = [o for o in exchange.orders(account, live_only=True) if o.symbol == request.symbol]
    commission = spec.commission * request.quantity
    initial = _initial(spec, after, mark, open_orders) - _initial(spec, held.contracts, mark, open_orders)
    return MarginState(
        before=(dollars(now.initial), dollars(now.maintenance), dollars(now.balance)),
        change=(
            dollars(initial),
            dollars(_maintenance(spec, after, mark) - held.maintenance),
            dollars(-commission),
        ),
        commission=dollars(commission),
    )


def _initial(spec: ContractSpec, contracts: int, mark: int, orders: Iterable[SimOrder]) -> int:
    reach = [order.side.sign * order.leaves for order in orders]
    outcomes = (
        contracts + sum(leaves for leaves in reach if leaves > 0),
        contracts + sum(leaves for leaves in reach if leaves < 0),
        contracts,
    )
    rates = spec.initial_margin_long, spec.initial_margin_short
    return max(_margin(spec, outcome, mark, *rates) for outcome in outcomes)


def _maintenance(spec: ContractSpec, contracts: int, mark: int) -> int:
    return _margin(spec, contracts, mark, spec.maintenance_margin_long, spec.maintenance_margin_short)


def _margin(spec: ContractSpec, contracts: int, mark: int, long_rate: int, short_rate: int) -> int:
    """Units, rounded up. Satoshi × cents are 1e-10 USD, so two digits come off."""
    rate = long_rate if contracts > 0 else short_rate
    worth = abs(contracts) * spec.multiplier * mark
    return -(-worth * rate // (100 * _PPM))
