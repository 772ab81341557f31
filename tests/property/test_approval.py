"""No request outside its envelope can be built, and none inside it is refused.

``contained`` is the rule written a second time, in plain words and exact fractions, from the design's text.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from risk.approval import Approved, Envelope, NotApproved, Purpose, Usage
from risk.instruments import Instrument
from risk.orders import OrderRequest
from risk.terms import Kind
from tests.property.strategies import NOW, instruments, inverse_instruments, lots, near, prices, sides

EXACT = Fraction(0)
NOISE = Fraction(2, 10**12)  # what Decimal's last digits may hide; a ten-thousandth of a satoshi


@dataclass(frozen=True)
class Case:
    request: OrderRequest
    purpose: Purpose
    envelope: Envelope
    instrument: Instrument
    usage: Usage
    seconds: int
    basis: Decimal | None

    def build(self) -> Approved | None:
        at = NOW + timedelta(seconds=self.seconds)
        try:
            return Approved(
                self.request, self.purpose, self.envelope, self.instrument, self.usage, at, self.basis
            )
        except NotApproved:
            return None


def asked(instrument: Instrument, contracts: int, price: Decimal) -> Fraction:
    if instrument.terms.kind is Kind.LINEAR:
        return Fraction(contracts)
    return contracts * Fraction(instrument.terms.multiplier) / Fraction(price)


def contained(case: Case, tolerance: Fraction) -> bool:
    request, envelope, usage, terms = case.request, case.envelope, case.usage, case.instrument.terms
    tradable = (
        request.quantity % terms.lot == 0
        and (Fraction(request.price) / Fraction(terms.tick)).denominator == 1
    )
    place = {request.instrument, case.instrument.id} == {envelope.instrument}
    band = envelope.price_low <= request.price <= envelope.price_high
    if not (tradable and place and band and case.purpose in envelope.purposes):
        return False
    if case.purpose is Purpose.CONTINGENCY:
        return request.side is envelope.side.opposite and usage.unwound + request.quantity <= usage.filled
    if request.side != envelope.side or (envelope.reduce_only and not request.reduce_only):
        return False
    total = Fraction(usage.committed) + asked(case.instrument, request.quantity, request.price)
    if total > Fraction(envelope.quantity) + tolerance:
        return False
    if case.purpose is not Purpose.WORK:
        return True
    low, high = envelope.min_basis, envelope.max_basis
    if low is not None and (case.basis is None or case.basis < low):
        return False
    if high is not None and (case.basis is None or case.basis > high):
        return False
    return NOW + timedelta(seconds=case.seconds) < envelope.execute_by


PURPOSES = [
    purpose for purpose in Purpose if purpose is not Purpose.PROTECT
]  # stops alone; see tests of stops
SPOILT = [
    "instrument",
    "contract",
    "side",
    "reduce-only",
    "lot",
    "tick",
    "price",
    "quantity",
    "purpose",
    "time",
    "basis",
    "no basis",
]


@st.composite
def cases(draw: st.DrawFn, first: str) -> Case:
    """A request its envelope contains, then one or two things about it spoilt (some of them do not matter)."""
    spoilt = {first, draw(st.sampled_from([first] * len(SPOILT) + SPOILT))}
    # only inverse contracts have lots of more than one
    instrument = draw(inverse_instruments() if "lot" in spoilt else instruments)
    other = draw(instruments)
    lot, linear = instrument.terms.lot, instrument.terms.kind is Kind.LINEAR
    price, side, purpose = draw(prices(instrument)), draw(sides), draw(st.sampled_from(PURPOSES))
    filled, wanted = (draw(lots(instrument, 40)) for _ in range(2))
    unwinding = purpose is Purpose.CONTINGENCY
    used = Decimal(filled) if linear else instrument.xbt(filled, draw(near(instrument, price)))
    request_price = draw(near(instrument, price)) + (Decimal("0.01") if "tick" in spoilt else 0)
    if unwinding:
        wanted = min(wanted, filled)
    more = lot if "quantity" in spoilt else 0
    room = Decimal(wanted) if linear else instrument.xbt(wanted, request_price)
    low, high = (Decimal(draw(st.integers(-100, 0))), Decimal(draw(st.integers(0, 100))))
    reduce_only = draw(st.booleans())
    purposes = draw(st.sets(st.sampled_from(list(Purpose)))) - ({purpose} if "purpose" in spoilt else set())
    envelope = Envelope(
        approval_id="a",
        instrument=instrument.id,
        side=side,
        reduce_only=reduce_only,
        # exactly what is asked for, or more: nothing, or one lot too many, is then outside
        quantity=used + room * draw(st.sampled_from([Decimal(1), Decimal(2)])),
        price_low=price * Decimal("0.97"),
        price_high=request_price - 1 if "price" in spoilt else price * Decimal("1.03"),
        execute_by=NOW + timedelta(seconds=60),
        approved_by="somebody",
        approved_at=NOW,
        purposes=tuple(purposes if "purpose" in spoilt else purposes | {purpose}),
        min_basis=draw(st.sampled_from([None, low])),
        max_basis=draw(st.sampled_from([None, high])),
    )
    request = OrderRequest(
        client_order_id="c",
        instrument=other.id if "instrument" in spoilt else instrument.id,
        side=side.opposite if unwinding != ("side" in spoilt) else side,
        quantity=wanted + more + (1 if "lot" in spoilt else 0),
        price=request_price,
        reduce_only=reduce_only != ("reduce-only" in spoilt),
    )
    basis = draw(st.sampled_from([low, high, Decimal(0)]))
    return Case(
        request,
        purpose,
        envelope,
        other if "contract" in spoilt else instrument,
        Usage(
            committed=used,
            filled=Decimal(filled),
            unwound=Decimal(draw(st.integers(0, (filled - wanted) // lot)) * lot if unwinding else 0),
        ),
        draw(st.sampled_from([60, 61, 10**6] if "time" in spoilt else [0, 30, 59])),
        None if "no basis" in spoilt else basis * 2 + 1 if "basis" in spoilt else basis,
    )


@pytest.mark.parametrize("spoilt", ["nothing", *SPOILT])
@settings(max_examples=80)
@given(data=st.data())
def test_approved_is_what_the_envelope_contains(spoilt: str, data: st.DataObject) -> None:
    case = data.draw(cases(spoilt))
    approved = case.build()
    event(f"{case.purpose}: {'approved' if approved else 'denied'}")
    if approved is None:
        assert not contained(case, EXACT)
    else:
        assert contained(case, NOISE)
        assert approved.request is case.request


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Instrument, Envelope, list[OrderRequest]]:
    """Orders that all fit a wide band, and together ask for more than there is."""
    instrument = draw(instruments)
    price = draw(prices(instrument, 5_000, 100_000))
    quantity = draw(lots(instrument, 40, least=3))
    side = draw(sides)
    envelope = Envelope(
        approval_id="a",
        instrument=instrument.id,
        side=side,
        reduce_only=False,
        quantity=Decimal(quantity)
        if instrument.terms.kind is Kind.LINEAR
        else instrument.xbt(quantity, price),
        price_low=price / 2,
        price_high=price * 2,
        execute_by=NOW + timedelta(seconds=60),
        approved_by="somebody",
        approved_at=NOW,
        purposes=(Purpose.WORK, Purpose.HEDGE, Purpose.CONTINGENCY),
    )
    lot = instrument.terms.lot
    requests = [
        OrderRequest(
            client_order_id=f"c{attempt}",
            instrument=instrument.id,
            side=draw(st.sampled_from([side, side, side.opposite])),
            quantity=draw(st.integers(1, quantity // lot)) * lot,
            price=draw(near(instrument, price)),
        )
        for attempt in range(draw(st.integers(2, 10)))
    ]
    return instrument, envelope, requests


@settings(max_examples=200)
@given(sequences())
def test_cumulative_quantity_is_never_exceeded(case: tuple[Instrument, Envelope, list[OrderRequest]]) -> None:
    """Whatever is sent in whatever order, all of it filled: within the quantity, and unwound at most what was
    filled."""
    instrument, envelope, requests = case
    usage = Usage()
    total, filled, unwound = EXACT, 0, 0
    for request in requests:
        against = request.side is not envelope.side
        purpose = Purpose.CONTINGENCY if against else Purpose.HEDGE
        try:
            Approved(request, purpose, envelope, instrument, usage, NOW)
        except NotApproved as refused:
            event(refused.denied.code)
            continue
        if against:
            unwound += request.quantity
        else:
            filled += request.quantity
            total += asked(instrument, request.quantity, request.price)
        spent = Decimal(total.numerator) / Decimal(total.denominator)
        usage = Usage(committed=spent, filled=Decimal(filled), unwound=Decimal(unwound))
        assert total <= Fraction(envelope.quantity) + NOISE
        assert 0 <= unwound <= filled


@given(sequences())
def test_every_lot_that_fits_is_granted(case: tuple[Instrument, Envelope, list[OrderRequest]]) -> None:
    """The whole quantity can be used up lot by lot at one price: no rounding eats the last one."""
    instrument, envelope, requests = case
    price = requests[0].price
    lots_in = (
        instrument.contracts_for(envelope.quantity, price)
        if instrument.terms.kind is Kind.INVERSE
        else int(envelope.quantity)
    )
    if not lots_in:
        return
    parts = [lots_in // 3 // instrument.terms.lot * instrument.terms.lot] * 2
    parts.append(lots_in - sum(parts))
    committed = Decimal(0)
    for part in parts:
        if part:
            request = OrderRequest("c", instrument.id, envelope.side, part, price)
            Approved(request, Purpose.WORK, envelope, instrument, Usage(committed=committed), NOW)
            committed += (
                Decimal(part) if instrument.terms.kind is Kind.LINEAR else instrument.xbt(part, price)
            )
