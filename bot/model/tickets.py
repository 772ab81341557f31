"""A ticket: one leg, put before a person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.model.ids import LegKey
from risk.instruments import InstrumentId
from risk.orders import Side


class TicketStatus(StrEnum):
    """WAITING: nobody is asked before the other leg has filled."""

    WAITING = "waiting"
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Material:
    """What the approval binds to. Whoever changes any of it makes another ticket.

    ``quantity`` is in XBT for an inverse leg, in contracts for a linear one; ``price_low``/``price_high`` the
    sanity band (USD per XBT); ``min_basis``/``max_basis`` bound the pair's basis for working orders (USD).
    """

    leg: LegKey
    instrument: InstrumentId
    side: Side
    reduce_only: bool
    quantity: Decimal
    price_low: Decimal
    price_high: Decimal
    min_basis: Decimal | None
    max_basis: Decimal | None

    def content_hash(self) -> str:
        """Return the first 16 hex digits of SHA-256 over every field."""
        fields = (
            str(self.leg),
            str(self.instrument),
            self.side.value,
            str(self.reduce_only),
            *(
                "none" if number is None else format(number.normalize(), "f")
                for number in (
                    self.quantity,
                    self.price_low,
                    self.price_high,
                    self.min_basis,
                    self.max_basis,
                )
            ),
        )
        return hashlib.sha256("|".join(fields).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the person sees beside the material part: how things stood when the ticket was raised.

    Quotes in USD per XBT with their age in seconds; Δ in XBT; margin as a fraction of the wallet's value used
    before and after; ``delta_both``: with the pair's other leg; ``cost_if_partner_fails``: USD to take back the
    largest working order, ``naked_xbt``, which is naked for at most ``naked_seconds``. ``initial_after``,
    ``maintenance_after``, ``equity_after``, ``commission``: the venue's own word on the whole account, were the leg to
    fill, in its settlement currency; None where it was not asked, or has not said.
    """

    inverse_bid: Decimal | None
    inverse_ask: Decimal | None
    inverse_age: float | None
    linear_bid: Decimal | None
    linear_ask: Decimal | None
    linear_age: float | None
    basis: Decimal | None
    delta_before: Decimal
    delta_after: Decimal
    margin_before: Decimal | None
    margin_after: Decimal | None
    cost_if_partner_fails: Decimal | None
    initial_after: Decimal | None = None
    maintenance_after: Decimal | None = None
    equity_after: Decimal | None = None
    commission: Decimal | None = None
    delta_both: Decimal | None = None
    naked_xbt: Decimal | None = None
    naked_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """``contracts``: how many contracts the leg comes to at the quotes of the moment. ``approve_by``: after it
    the ticket is dead. ``execute_within``: seconds the approval is good for new working orders. ``after_fill``: it is
    asked for only when the other leg has filled, and gets its ``approve_by`` then."""

    material: Material
    contracts: int
    purpose: str
    circumstances: Circumstances
    raised_at: datetime
    approve_by: datetime
    execute_within: float
    after_fill: bool = False

    @property
    def ticket_id(self) -> str:
        return str(self.material.leg)
