"""The margin an order would need, without placing it."""

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import NewOrder
from adapters.simulator.tws.money import dollars
from adapters.simulator.tws.order_messages import MarginState

_PPM = 1_000_000


def margin_state(exchange: Exchange, account: str, request: NewOrder) -> MarginState:
    """Return initial, maintenance and equity before and after, as if all of it filled at the limit or mark.

    Maintenance is that of the position it would leave; the commission comes off the equity. Raises
    ExchangeRefusal.
    """
    now = exchange.account(account)
    spec = exchange.spec(request.symbol)
    held = exchange.position(account, request.symbol)
    mark = request.price if held.mark is None else held.mark
    after = held.contracts + request.side.sign * request.quantity
    commission = spec.commission * request.quantity
    return MarginState(
        before=(dollars(now.initial), dollars(now.maintenance), dollars(now.balance)),
        change=(
            dollars(exchange.initial_margin_change(account, request)),
            dollars(_maintenance(spec, after, mark) - held.maintenance),
            dollars(-commission),
        ),
        commission=dollars(commission),
    )


def _maintenance(spec: ContractSpec, contracts: int, mark: int) -> int:
    """Units: satoshi × cents are 1e-10 USD, so two digits come off."""
    rate = spec.maintenance_margin_long if contracts > 0 else spec.maintenance_margin_short
    return abs(contracts) * spec.multiplier * mark // 100 * rate // _PPM
