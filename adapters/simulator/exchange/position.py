"""A position at average cost."""

from dataclasses import dataclass

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.value import profit, share


@dataclass(slots=True)
class Position:
    """``contracts`` and ``cost`` (units) signed, long > 0; ``realised``: units, before fees, since ever.

    ``leverage``: hundredths, 0 is cross; ``risk_limit``: units, 0 is the contract's base; ``transferred``: margin
    added by hand, and received as funding, while isolated, units. A position that is closed gives its share of it back.
    """

    spec: ContractSpec
    contracts: int = 0
    cost: int = 0
    realised: int = 0
    leverage: int = 0
    risk_limit: int = 0
    transferred: int = 0

    def trade(self, contracts: int, cost: int) -> int:
        """Take a trade of signed ``contracts`` for signed ``cost``; return the P&L it realises, in units.

        A closing trade releases cost in proportion, all of it with the last contract, so that over a whole
        round trip the realised P&L is the sum of the trades' costs exactly.
        """
        if self.contracts * contracts >= 0:
            self.contracts += contracts
            self.cost += cost
            return 0
        closing = min(abs(contracts), abs(self.contracts))
        released = share(self.cost, closing, abs(self.contracts))
        received = share(cost, closing, abs(contracts))
        self.transferred -= share(self.transferred, closing, abs(self.contracts))
        self.contracts += contracts
        self.cost += cost - received - released
        pnl = profit(self.spec, released, -received)
        self.realised += pnl
        return pnl
