"""What a client can set for a position: leverage, isolation, risk limit, margin moved to it."""

from collections.abc import Callable
from decimal import Decimal

from adapters.simulator.bitmex.errors import ApiError, invalid
from adapters.simulator.bitmex.order_actions import refusal
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.exchange.value import PPM


class PositionActions:
    """Each answers with the position's row."""

    def __init__(self, state: VenueState) -> None:
        self._state = state

    def leverage(self, params: Params) -> Row:
        """POST /position/leverage: 0 is cross, anything else isolates the position's margin."""
        spec = self._contract(params)
        leverage = _required(params, "leverage")
        hundredths = leverage * 100
        if not 0 <= leverage <= 100 or hundredths != hundredths.to_integral_value():
            raise invalid("Invalid leverage")
        return self._set_leverage(spec, int(hundredths))

    def isolate(self, params: Params) -> Row:
        """POST /position/isolate: at the leverage it has; from cross, at the highest the contract has."""
        spec = self._contract(params)
        view = self._state.exchange.position(self._state.account, spec.symbol)
        if not params.boolean("enabled", True):
            return self._set_leverage(spec, 0)
        return self._set_leverage(spec, view.leverage or 100 * PPM // (view.initial_rate or PPM))

    def risk_limit(self, params: Params) -> Row:
        """POST /position/riskLimit, in satoshi; it is held to the contract's next whole step."""
        spec, limit = self._contract(params), _whole(params, "riskLimit")
        exchange, account = self._state.exchange, self._state.account
        return self._done(spec, lambda: exchange.set_risk_limit(account, spec.symbol, limit))

    def transfer_margin(self, params: Params) -> Row:
        """POST /position/transferMargin, in satoshi, to an isolated position (negative: away from it)."""
        spec, amount = self._contract(params), _whole(params, "amount")
        exchange, account = self._state.exchange, self._state.account
        return self._done(spec, lambda: exchange.transfer_margin(account, spec.symbol, amount))

    def _set_leverage(self, spec: ContractSpec, hundredths: int) -> Row:
        exchange, account = self._state.exchange, self._state.account
        return self._done(spec, lambda: exchange.set_leverage(account, spec.symbol, hundredths))

    def _done(self, spec: ContractSpec, change: Callable[[], object]) -> Row:
        try:
            change()
        except ExchangeRefusal as error:
            raise refusal(error) from error
        return self._state.position(spec.symbol)

    def _contract(self, params: Params) -> ContractSpec:
        return self._state.contract(params.required("symbol"))


def _required(params: Params, name: str) -> Decimal:
    number = params.number(name)
    if number is None:
        raise ApiError(400, f"'{name}' is a required arg.")
    return number


def _whole(params: Params, name: str) -> int:
    number = _required(params, name)
    if number != number.to_integral_value():
        raise invalid(f"Invalid {name}")
    return int(number)
