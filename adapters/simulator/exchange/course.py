"""What new prices and the passing of time set off, in the venue's order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.simulator.exchange import stops
from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.contract import ContractKind
from adapters.simulator.exchange.liquidation import BrokerLiquidator, Liquidator
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Course:
    """Posts events; the exchange flushes them."""

    rules: VenueRules
    listings: Mapping[str, Listing]
    clearing: Clearing
    desk: OrderDesk
    store: OrderStore
    timetable: Timetable
    liquidator: Liquidator
    broker: BrokerLiquidator

    def pass_to(self, now: datetime) -> None:
        """Do what time has made due, then liquidate, then trigger stops, and liquidate what these have left.

        The venue's liquidation comes before a stop at the same mark, and cancels it: across a gap a stop would sell
        beyond bankruptcy, at the other positions' cost.
        """
        self.timetable.step(now)
        self._liquidate(now)
        for listing in self.listings.values():
            self.react(listing, now)
        self._liquidate(now)

    def react(self, listing: Listing, now: datetime) -> None:
        """Trigger the stops that new prices have reached."""
        if self.timetable.is_open(listing, now):
            stops.trigger(self.desk, self.store, listing, now)

    def is_anyone_due(self, now: datetime) -> bool:
        """Say whether some position's mark has come to its liquidation price; at the broker's none has one."""
        if self.rules.kind is not ContractKind.INVERSE:
            return False
        names = self.clearing.names()
        return any(view.is_due for name in names for view in self.clearing.position_views(name, now))

    def _liquidate(self, now: datetime) -> None:
        if not self.rules.liquidates:
            return
        for account in self.clearing.names():
            if self.rules.kind is ContractKind.INVERSE:
                self.liquidator.check(account, now)
            else:
                self.broker.check(account, now)
