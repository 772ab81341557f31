"""What the decisions ask the engine to do."""

from dataclasses import dataclass

from risk.approval import Approved
from risk.instruments import InstrumentId
from risk.orders import OrderRequest


@dataclass(frozen=True, slots=True)
class Submit:
    """Send an order. ``wait_durable``: not before the intent is on disk. A hedge does not wait: its ids were
    reserved, durably, with its approval. One that rests until cancelled goes once the dead man's switch is armed."""

    order: Approved
    wait_durable: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    instrument: InstrumentId
    client_order_id: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the venue what became of an order."""

    instrument: InstrumentId
    client_order_id: str


@dataclass(frozen=True, slots=True)
class AskMargin:
    """Ask the venue what an order would do to the account's margin."""

    request: OrderRequest


@dataclass(frozen=True, slots=True)
class StandDown:
    """Disarm a venue's dead man's switch: nothing of ours rests there any more."""

    venue: str


Action = Submit | Cancel | Ask | AskMargin | StandDown
