"""What a scenario lets happen to the inverse account while the market goes on, each thing once."""

from datetime import timedelta

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.scenario import InverseScenario

PPM = 1_000_000


class Happenings:
    """``symbol``: the contract that is deleveraged."""

    def __init__(self, scenario: InverseScenario, exchange: Exchange, symbol: str) -> None:
        self._account = scenario.account
        self._exchange = exchange
        self._symbol = symbol
        self._deposits = sorted(scenario.deposits)
        self._deleveraged = sorted(scenario.deleveraged)

    def step(self, passed: timedelta) -> None:
        """Do what is due ``passed`` after the start. Where nothing is held, nobody is deleveraged."""
        while self._deposits and self._deposits[0][0] <= passed:
            self._exchange.deposit(self._account, self._deposits.pop(0)[1])
        while self._deleveraged and self._deleveraged[0][0] <= passed:
            self._deleverage(self._deleveraged.pop(0)[1])

    def _deleverage(self, part: int) -> None:
        lot = self._exchange.spec(self._symbol).lot
        held = abs(self._exchange.position(self._account, self._symbol).contracts)
        contracts = held * part // PPM // lot * lot
        if contracts:
            self._exchange.deleverage(self._account, self._symbol, contracts)
