"""What ledger and venues can disagree about, one difference each: shown to a person, and adopted as shown."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Side


@dataclass(frozen=True, slots=True)
class PositionDiffers:
    """Contracts, signed."""

    instrument: InstrumentId
    told: int
    booked: int

    @property
    def venue(self) -> str:
        return self.instrument.venue

    @property
    def subject(self) -> str:
        return f"{self.instrument} position"

    @property
    def at_venue(self) -> str:
        return f"{self.told:+,} contracts"

    @property
    def in_ledger(self) -> str:
        return f"{self.booked:+,} contracts"

    def __str__(self) -> str:
        return f"{self.instrument}: the venue holds {self.told} contracts, the ledger {self.booked}"


@dataclass(frozen=True, slots=True)
class CashDiffers:
    """Cash and the cost of open contracts together, in units: the sum that no average price can disturb."""

    venue: str
    currency: Currency
    told: int
    booked: int

    @property
    def subject(self) -> str:
        return f"{self.venue} cash and cost"

    @property
    def at_venue(self) -> str:
        return str(Money(self.currency, self.told))

    @property
    def in_ledger(self) -> str:
        return str(Money(self.currency, self.booked))

    def __str__(self) -> str:
        return (
            f"{self.venue}: cash and cost come to {self.told} at the venue, {self.booked} in the ledger "
            f"(1e-8 {self.currency})"
        )


class OrderFault(StrEnum):
    """FOREIGN: rests at the venue, from no order of this ledger. REVIVED: ours, over in the ledger, rests at the
    venue. LOST: ours, open in the ledger or with fills nobody has described, and nothing of it at the venue."""

    FOREIGN = "foreign"
    REVIVED = "revived"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class OrderDiffers:
    """``name``: the client order id, or the venue's where there is none. ``contracts``: what may still fill."""

    instrument: InstrumentId
    fault: OrderFault
    name: str
    venue_order_id: str
    side: Side
    contracts: int
    belief: str = ""

    @property
    def venue(self) -> str:
        return self.instrument.venue

    @property
    def subject(self) -> str:
        return f"{self.instrument} order {self.name}"

    @property
    def at_venue(self) -> str:
        return "nothing of it" if self.fault is OrderFault.LOST else f"open, {self.side} {self.contracts:,}"

    @property
    def in_ledger(self) -> str:
        match self.fault:
            case OrderFault.FOREIGN:
                return "not ours"
            case OrderFault.REVIVED:
                return self.belief
            case OrderFault.LOST:
                return f"{self.belief}, {self.side} {self.contracts:,}"

    def __str__(self) -> str:
        what = f"{self.name} ({self.side} {self.contracts})"
        match self.fault:
            case OrderFault.FOREIGN:
                return f"{self.instrument}: open order {what} is not this ledger's"
            case OrderFault.REVIVED:
                return f"{self.instrument}: open order {what} is {self.belief} in the ledger"
            case OrderFault.LOST:
                return f"{self.instrument}: order {what} is {self.belief} in the ledger, and the venue has it no more"


Difference = PositionDiffers | CashDiffers | OrderDiffers


def content_hash(differences: Iterable[str]) -> str:
    """Return what an adoption binds to: the first 16 hex digits of SHA-256 over the differences' lines."""
    return hashlib.sha256("\n".join(differences).encode()).hexdigest()[:16]
