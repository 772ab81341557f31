"""What transfers come to: what is on its way, what lies at SPOT, and which flows of the venues nobody has explained."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.transfers import (
    OUTSIDE,
    SPOT,
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferEvent,
    TransferMatched,
    TransferRecorded,
    TransferStatus,
    is_negligible,
)
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind


@dataclass(slots=True)
class Transfer:
    """``in_transit``: units that have left their source and not arrived; ``arrived``: at its target, so far."""

    recorded: TransferRecorded
    at: datetime
    in_transit: int = 0
    arrived: int = 0
    has_left: bool = True
    status: TransferStatus = TransferStatus.OPEN
    flows: list[str] = field(default_factory=list)

    @property
    def currency(self) -> Currency:
        return self.recorded.amount.currency

    @property
    def on_its_way(self) -> Money:
        return Money(self.currency, self.in_transit)

    @property
    def expected(self) -> int:
        """Units that may still arrive: what is on its way, or what is to leave yet."""
        return self.in_transit if self.has_left else self.recorded.amount.units


@dataclass(slots=True)
class LooseFlow:
    """A deposit (> 0) or withdrawal (< 0) of which ``left`` units belong to no transfer."""

    flow: CashFlow
    left: int


@dataclass(slots=True)
class TransferBook:
    transfers: dict[str, Transfer] = field(default_factory=dict)
    spot: Counter[Currency] = field(default_factory=Counter)
    """Units of what lies in wallets of ours beside the venues."""
    loose: dict[tuple[str, str], LooseFlow] = field(default_factory=dict)
    """By venue and flow id."""
    steps: int = 0
    """How many events there have been."""

    def open(self) -> list[Transfer]:
        """Return the transfers not over yet, the oldest first."""
        return [one for one in self.transfers.values() if one.status is TransferStatus.OPEN]

    def held(self, currency: Currency) -> int:
        """Return the units of what is on its way and what lies at SPOT."""
        on_the_way = sum(one.in_transit for one in self.open() if one.currency is currency)
        return self.spot[currency] + on_the_way

    def hear(self, flow: CashFlow) -> None:
        """Take a flow that has been booked."""
        if flow.kind in (CashFlowKind.DEPOSIT, CashFlowKind.WITHDRAWAL):
            self.loose[flow.venue, flow.flow_id] = LooseFlow(flow, flow.amount.units)

    def apply(self, event: TransferEvent, at: datetime) -> None:
        """Take an event. Raises KeyError if it names a transfer or a flow that is not there."""
        self.steps += 1
        match event:
            case TransferRecorded(transfer_id, amount, source, _):
                leaves = source in (OUTSIDE, SPOT)
                self.transfers[transfer_id] = Transfer(event, at, amount.units if leaves else 0, 0, leaves)
                if source == SPOT:
                    self.spot[amount.currency] -= amount.units
            case TransferMatched():
                self._matched(event)
            case TransferDone(transfer_id, arrived, place):
                transfer = self.transfers[transfer_id]
                transfer.status, transfer.in_transit = TransferStatus.DONE, 0
                transfer.arrived += arrived.units
                if place == SPOT:
                    self.spot[arrived.currency] += arrived.units
            case TransferCancelled(transfer_id, returned, place):
                transfer = self.transfers[transfer_id]
                transfer.status, transfer.in_transit = TransferStatus.CANCELLED, 0
                if place == SPOT:
                    self.spot[returned.currency] += returned.units
            case ConversionRecorded(_, sold, bought, fee, brought_in):
                self.spot[sold.currency] += brought_in.units - sold.units
                self.spot[bought.currency] += bought.units
                self.spot[fee.currency] -= fee.units

    def _matched(self, event: TransferMatched) -> None:
        transfer, units = self.transfers[event.transfer_id], event.amount.units
        transfer.in_transit -= units
        transfer.arrived += max(units, 0)
        transfer.has_left = transfer.has_left or units < 0
        transfer.flows.append(event.flow_id)
        loose = self.loose[event.venue, event.flow_id]
        loose.left -= units
        if is_negligible(loose.left, loose.flow.amount.units):
            del self.loose[event.venue, event.flow_id]
