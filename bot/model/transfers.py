"""Money that people move: into a venue, out of it, through a wallet of ours beside them; and what they buy there.

The bot moves no funds. It is told (these events), it counts what is on its way, and it matches that with what the
venues say has left or arrived.
"""

from dataclasses import dataclass
from enum import StrEnum

from risk.money import Money

OUTSIDE = "outside"
"""Not ours, or not in these books."""
SPOT = "spot"
"""A wallet, bank account or spot exchange of ours that is none of the venues."""

_ONE_PART_OF = 200


def is_close(units: int, to: int) -> bool:
    """Say whether two amounts may be the same money, a network's fee apart: they differ by half a per cent or less."""
    return abs(units - to) * _ONE_PART_OF <= abs(to)


def is_negligible(rest: int, of: int) -> bool:
    """Say whether what is missing of an amount may be a fee: half a per cent or less."""
    return is_close(of - rest, of)


class TransferStatus(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TransferRecorded:
    """A person says that ``amount`` (positive) is on its way. ``source``, ``target``: a venue, SPOT or OUTSIDE.

    What comes from OUTSIDE or SPOT has left it with this event; what comes from a venue when the venue says so
    (``TransferMatched``).
    """

    transfer_id: str
    amount: Money
    source: str
    target: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransferMatched:
    """``amount`` of a flow that is booked was this transfer: positive, it has arrived; negative, it has left."""

    transfer_id: str
    venue: str
    flow_id: str
    amount: Money
    by: str


@dataclass(frozen=True, slots=True)
class TransferDone:
    """Nothing more is expected. ``arrived``: at ``place``, SPOT or OUTSIDE (what arrives at a venue was matched);
    ``cost``: the rest of what was on its way, lost to fees."""

    transfer_id: str
    arrived: Money
    place: str
    cost: Money
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TransferCancelled:
    """It did not take place, or no further. ``returned``: what was on its way is at ``place``, SPOT or OUTSIDE."""

    transfer_id: str
    returned: Money
    place: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConversionRecorded:
    """XBT bought for USD or sold, at SPOT. ``fee`` was paid beside it. ``brought_in``: so much of what was sold came
    from OUTSIDE for it, in the currency sold."""

    conversion_id: str
    sold: Money
    bought: Money
    fee: Money
    brought_in: Money
    by: str
    reason: str


TransferEvent = TransferRecorded | TransferMatched | TransferDone | TransferCancelled | ConversionRecorded
