"""Approval as a type: an order can only be submitted wrapped in the approval that contains it.

A person approves an *envelope*: which instrument, which side, how much, at which prices, until when.
``authorize`` holds one request against it and yields ``Approved`` — the only thing a venue's ``submit``
takes — or ``Denied``, a value that says which limit, and which input broke it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from risk.instruments import Instrument, InstrumentId, positive
from risk.orders import OrderRequest, Side
from risk.terms import NOISE, Kind


class Purpose(StrEnum):
    """Why an order is sent. WORK starts exposure; PROTECT is a stop that rests for the worst case, and only takes off
    what is held; all others answer something that has already happened.

    CONTINGENCY unwinds what an envelope's own fills made; it may trade against the envelope's side, never
    beyond what was filled under it.
    """

    WORK = "work"
    HEDGE = "hedge"
    CONTINGENCY = "contingency"
    FLATTEN = "flatten"
    PROTECT = "protect"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a person allowed.

    ``quantity`` is in XBT for an inverse contract (its contracts follow the price) and in contracts for a
    linear one. ``price_low`` and ``price_high`` (USD per XBT) are the sanity band of this leg's price.
    ``min_basis`` and ``max_basis`` bound the pair's basis (linear − inverse, USD) for WORK orders only: once
    something is filled, the right to hedge it does not depend on the basis any more. ``execute_by`` likewise
    ends new work and new stops, not the hedging of what has filled.
    """

    approval_id: str
    instrument: InstrumentId
    side: Side
    reduce_only: bool
    quantity: Decimal
    price_low: Decimal
    price_high: Decimal
    execute_by: datetime
    approved_by: str
    approved_at: datetime
    purposes: tuple[Purpose, ...] = (Purpose.WORK,)
    min_basis: Decimal | None = None
    max_basis: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.quantity.is_finite() or self.quantity <= 0:
            raise ValueError(f"an envelope's quantity must be positive, not {self.quantity}")
        if positive(self.price_low) > positive(self.price_high):
            raise ValueError(f"not a price band: {self.price_low} to {self.price_high}")
        for limit in (self.min_basis, self.max_basis):
            if limit is not None and not limit.is_finite():
                raise ValueError(f"a basis limit must be a number, not {limit}")
        if self.min_basis is not None and self.max_basis is not None and self.min_basis > self.max_basis:
            raise ValueError(f"no basis is at least {self.min_basis} and at most {self.max_basis}")
        if self.execute_by.tzinfo is None or self.approved_at.tzinfo is None:
            raise ValueError("an envelope's times must be aware")


@dataclass(frozen=True, slots=True)
class Usage:
    """What an envelope has been used for so far; none of it negative.

    ``committed``: filled plus still open on the envelope's side, at worst, in the envelope's unit (XBT or
    contracts). ``filled``: filled on that side, ``unwound``: filled plus still open against it, by
    contingency, both in **contracts** of either kind: when the price has fallen since the fill, the same
    inverse contracts count more XBT, and a limit in XBT would forbid to unwind the last of them.
    """

    committed: Decimal = Decimal(0)
    filled: Decimal = Decimal(0)
    unwound: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("committed", "filled", "unwound"):
            used = getattr(self, name)
            if not used.is_finite() or used < 0:
                raise ValueError(f"an envelope's {name} quantity must not be {used}")


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal of ours: stable ``code`` (CATEGORY_CONDITION), the limit, and the input that broke it."""

    code: str
    limit: str
    given: str

    def __str__(self) -> str:
        return f"{self.code}: limit {self.limit}, given {self.given}"


class NotApproved(Exception):
    """Raised when ``Approved`` is built from a request its envelope does not contain."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(str(denied))
        self.denied = denied


@dataclass(frozen=True, slots=True)
class Approved:
    """A request inside its envelope. Construction checks; there is no other way to an order.

    Raises NotApproved.
    """

    request: OrderRequest
    purpose: Purpose
    envelope: Envelope
    instrument: Instrument
    usage: Usage
    at: datetime
    basis: Decimal | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("the time of an approval check must be aware")
        denied = violation(self)
        if denied is not None:
            raise NotApproved(denied)


def authorize(
    request: OrderRequest,
    purpose: Purpose,
    envelope: Envelope,
    instrument: Instrument,
    usage: Usage,
    at: datetime,
    basis: Decimal | None = None,
) -> Approved | Denied:
    """Hold a request against an envelope; WORK under a basis limit needs the pair's ``basis`` now (USD)."""
    try:
        return Approved(request, purpose, envelope, instrument, usage, at, basis)
    except NotApproved as error:
        return error.denied


def envelope_quantity(instrument: Instrument, contracts: int, price: Decimal) -> Decimal:
    """Return ``contracts`` in an envelope's unit: XBT at ``price`` if inverse, contracts if linear."""
    if instrument.terms.kind is Kind.LINEAR:
        return Decimal(contracts)
    return instrument.xbt(contracts, price)


def envelope_xbt(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Return an envelope's ``quantity`` in XBT, whatever its unit."""
    return quantity * instrument.terms.multiplier if instrument.terms.kind is Kind.LINEAR else quantity


def violation(order: Approved) -> Denied | None:
    """Return the first limit of the envelope that the request breaks, None if it is contained."""
    request, envelope, terms = order.request, order.envelope, order.instrument.terms
    if request.instrument != envelope.instrument or order.instrument.id != envelope.instrument:
        return Denied("APPROVAL_INSTRUMENT", str(envelope.instrument), str(request.instrument))
    if order.purpose not in envelope.purposes:
        return Denied("APPROVAL_PURPOSE", ", ".join(sorted(envelope.purposes)), order.purpose)
    if request.quantity % terms.lot:
        return Denied("ORDER_LOT", f"whole lots of {terms.lot}", str(request.quantity))
    for price in (request.price,) if request.trigger is None else (request.price, request.trigger):
        if not terms.on_tick(price):
            return Denied("ORDER_TICK", f"ticks of {terms.tick}", str(price))
        if not envelope.price_low <= price <= envelope.price_high:
            return Denied("APPROVAL_PRICE", f"{envelope.price_low} to {envelope.price_high}", str(price))
    if (order.purpose is Purpose.PROTECT) is (request.trigger is None):
        return Denied("APPROVAL_PURPOSE", "a stop, and nothing else, to protect", order.purpose)
    if order.purpose is Purpose.CONTINGENCY:
        if request.side is not envelope.side.opposite:
            return Denied("APPROVAL_SIDE", f"{envelope.side.opposite} (contingency)", request.side)
        room = order.usage.filled - order.usage.unwound
        if request.quantity > room:
            return Denied(
                "APPROVAL_QUANTITY", f"{room} contracts filled and not yet unwound", str(request.quantity)
            )
        return None
    if request.side is not envelope.side:
        return Denied("APPROVAL_SIDE", envelope.side, request.side)
    if envelope.reduce_only and not request.reduce_only:
        return Denied("APPROVAL_REDUCE_ONLY", "reduce-only", "an order that may open")
    asked = envelope_quantity(order.instrument, request.quantity, request.price)
    room = envelope.quantity - order.usage.committed
    if asked > room + NOISE:
        return Denied("APPROVAL_QUANTITY", f"{room} left of {envelope.quantity}", str(asked))
    return _working_limits(order) if order.purpose in (Purpose.WORK, Purpose.PROTECT) else None


def _working_limits(order: Approved) -> Denied | None:
    envelope = order.envelope
    if order.at >= envelope.execute_by:
        return Denied("APPROVAL_EXPIRED", f"execute by {envelope.execute_by:%F %T}Z", f"{order.at:%F %T}Z")
    if envelope.min_basis is None and envelope.max_basis is None:
        return None
    if order.basis is None or not order.basis.is_finite():
        return Denied("BASIS_UNKNOWN", "a basis from two fresh quotes", str(order.basis).lower())
    if envelope.min_basis is not None and order.basis < envelope.min_basis:
        return Denied("BASIS_LIMIT", f"at least {envelope.min_basis}", str(order.basis))
    if envelope.max_basis is not None and order.basis > envelope.max_basis:
        return Denied("BASIS_LIMIT", f"at most {envelope.max_basis}", str(order.basis))
    return None
