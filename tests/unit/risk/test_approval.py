from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from risk.approval import Approved, Denied, Envelope, NotApproved, Purpose, Usage, authorize
from risk.instruments import InstrumentId
from risk.orders import OrderRequest, Side, TimeInForce
from tests.unit.risk.contracts import D, inverse, linear

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
INVERSE, LINEAR = inverse(tick="0.5"), linear()
EVERY_PURPOSE = tuple(Purpose)
UNUSED = Usage()

ENVELOPE = Envelope(
    approval_id="a1",
    instrument=INVERSE.id,
    side=Side.BUY,
    reduce_only=False,
    quantity=D(10),
    price_low=D(7_000),
    price_high=D(9_000),
    execute_by=NOW + timedelta(minutes=5),
    approved_by="somebody",
    approved_at=NOW,
    purposes=EVERY_PURPOSE,
)
REQUEST = OrderRequest("p-1-h-1", INVERSE.id, Side.BUY, 40_000, D(8_000))


def outcome(
    request: OrderRequest = REQUEST,
    envelope: Envelope = ENVELOPE,
    purpose: Purpose = Purpose.WORK,
    usage: Usage = UNUSED,
    at: datetime = NOW,
    basis: Decimal | None = None,
) -> str:
    """The refusal's code, or "approved"."""
    answer = authorize(request, purpose, envelope, INVERSE, usage, at, basis)
    return answer.code if isinstance(answer, Denied) else "approved"


def test_what_the_envelope_contains_is_approved() -> None:
    assert outcome() == "approved"
    assert outcome(usage=Usage(committed=D(5))) == "approved"
    assert outcome(replace(REQUEST, quantity=80_000)) == "approved"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"instrument": InstrumentId("inverse", "OTHER")}, "APPROVAL_INSTRUMENT"),
        ({"quantity": 40_050}, "ORDER_LOT"),
        ({"price": D("8000.3")}, "ORDER_TICK"),
        ({"price": D("6999.5")}, "APPROVAL_PRICE"),
        ({"price": D("9000.5")}, "APPROVAL_PRICE"),
        ({"side": Side.SELL}, "APPROVAL_SIDE"),
        ({"quantity": 80_100}, "APPROVAL_QUANTITY"),
    ],
)
def test_a_request_outside_the_envelope(change: dict[str, Any], code: str) -> None:
    assert outcome(replace(REQUEST, **change)) == code


def test_the_band_includes_its_ends() -> None:
    assert (
        outcome(replace(REQUEST, price=D(7_000))) == outcome(replace(REQUEST, price=D(9_000))) == "approved"
    )


def test_quantity_of_an_inverse_leg_is_xbt_at_the_limit() -> None:
    """40,000 at 8,000 are 5 XBT: after 5 they fit, after 5.0001 they do not."""
    assert outcome(usage=Usage(committed=D(5))) == "approved"
    assert outcome(usage=Usage(committed=D("5.0001"))) == "APPROVAL_QUANTITY"


def test_quantity_of_a_linear_leg_is_contracts() -> None:
    envelope = replace(ENVELOPE, instrument=LINEAR.id, quantity=D(2))
    request = replace(REQUEST, instrument=LINEAR.id, quantity=2)
    assert isinstance(authorize(request, Purpose.WORK, envelope, LINEAR, Usage(), NOW), Approved)
    over = authorize(replace(request, quantity=3), Purpose.WORK, envelope, LINEAR, Usage(), NOW)
    assert over == Denied("APPROVAL_QUANTITY", "2 left of 2", "3")


def test_a_whole_envelope_can_be_used_up_in_slices() -> None:
    """Thirds of 10 XBT do not add up to 10 in 28 digits; the last slice must not be refused for it."""
    envelope = replace(ENVELOPE, quantity=INVERSE.xbt(300, D(7_001)))
    used = Decimal(0)
    for _ in range(3):
        request = replace(REQUEST, quantity=100, price=D(7_001))
        assert outcome(request, envelope, usage=Usage(committed=used)) == "approved"
        used += INVERSE.xbt(100, D(7_001))
    assert (
        outcome(replace(REQUEST, quantity=100), envelope, usage=Usage(committed=used)) == "APPROVAL_QUANTITY"
    )


def test_the_instrument_is_the_envelopes() -> None:
    answer = authorize(REQUEST, Purpose.WORK, ENVELOPE, LINEAR, Usage(), NOW)
    assert isinstance(answer, Denied)
    assert answer.code == "APPROVAL_INSTRUMENT"


def test_purposes() -> None:
    for purpose in (Purpose.HEDGE, Purpose.FLATTEN, Purpose.CONTINGENCY):
        assert outcome(envelope=replace(ENVELOPE, purposes=(Purpose.WORK,)), purpose=purpose) == (
            "APPROVAL_PURPOSE"
        )


def test_reduce_only() -> None:
    closing = replace(ENVELOPE, reduce_only=True)
    assert outcome(envelope=closing) == "APPROVAL_REDUCE_ONLY"
    assert outcome(replace(REQUEST, reduce_only=True), closing) == "approved"


def test_time_ends_new_work_but_not_the_hedge() -> None:
    late = ENVELOPE.execute_by
    assert outcome(at=late - timedelta(microseconds=1)) == "approved"
    assert outcome(at=late) == "APPROVAL_EXPIRED"
    assert outcome(at=late + timedelta(days=1), purpose=Purpose.HEDGE) == "approved"


def test_basis_binds_new_work_but_not_the_hedge() -> None:
    limited = replace(ENVELOPE, min_basis=D(100), max_basis=D(200))
    for basis, code in (
        (D(100), "approved"),
        (D(200), "approved"),
        (D("99.5"), "BASIS_LIMIT"),
        (D("200.5"), "BASIS_LIMIT"),
        (None, "BASIS_UNKNOWN"),
        (D("NaN"), "BASIS_UNKNOWN"),
    ):
        assert outcome(envelope=limited, basis=basis) == code
        assert outcome(envelope=limited, basis=basis, purpose=Purpose.HEDGE) == "approved"


def test_contingency_unwinds_what_was_filled_and_no_more() -> None:
    """1,000 contracts bought at 8,000 may all be sold at 7,000, where they count more XBT than when bought."""
    unwind = replace(REQUEST, side=Side.SELL, quantity=1_000, price=D(7_000))
    filled = Usage(committed=INVERSE.xbt(1_000, D(8_000)), filled=D(1_000))
    assert outcome(unwind, purpose=Purpose.CONTINGENCY, usage=filled) == "approved"
    more = replace(unwind, quantity=1_100)
    assert outcome(more, purpose=Purpose.CONTINGENCY, usage=filled) == "APPROVAL_QUANTITY"
    begun = replace(filled, unwound=D(100))
    assert outcome(unwind, purpose=Purpose.CONTINGENCY, usage=begun) == "APPROVAL_QUANTITY"
    same_side = replace(unwind, side=Side.BUY)
    assert outcome(same_side, purpose=Purpose.CONTINGENCY, usage=filled) == "APPROVAL_SIDE"
    assert outcome(unwind, purpose=Purpose.CONTINGENCY) == "APPROVAL_QUANTITY"


def test_there_is_no_other_way_to_approved() -> None:
    with pytest.raises(NotApproved, match="APPROVAL_SIDE: limit buy, given sell") as caught:
        Approved(replace(REQUEST, side=Side.SELL), Purpose.WORK, ENVELOPE, INVERSE, Usage(), NOW)
    assert caught.value.denied == Denied("APPROVAL_SIDE", "buy", "sell")
    approved = Approved(REQUEST, Purpose.WORK, ENVELOPE, INVERSE, Usage(), NOW)
    with pytest.raises(NotApproved):
        replace(approved, request=replace(REQUEST, side=Side.SELL))


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": D(0)},
        {"quantity": D("NaN")},
        {"quantity": D("Infinity")},
        {"price_low": D(9_001)},
        {"price_low": D("NaN")},
        {"price_high": D("Infinity")},
        {"min_basis": D("NaN")},
        {"min_basis": D(2), "max_basis": D(1)},
        {"execute_by": datetime(2026, 11, 22)},  # noqa: DTZ001 a naive time is the point
        {"approved_at": datetime(2026, 11, 22)},  # noqa: DTZ001
    ],
)
def test_envelopes_that_limit_nothing_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|not a price band|basis"):
        replace(ENVELOPE, **change)


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity"])
def test_usage_cannot_make_an_envelope_larger(value: str) -> None:
    for name in ("committed", "filled", "unwound"):
        with pytest.raises(ValueError, match=f"{name} quantity must not be"):
            Usage(**{name: D(value)})


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="must be aware"):
        outcome(at=datetime(2026, 11, 22))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"client_order_id": ""}, "1 to 36 characters"),
        ({"client_order_id": "x" * 37}, "1 to 36 characters"),
        ({"quantity": 0}, "quantity must be positive"),
        ({"price": D(0)}, "price must be positive"),
        ({"price": D("NaN")}, "price must be positive"),
        ({"time_in_force": TimeInForce.GTD}, "GTD, and only GTD"),
        ({"expires_at": NOW}, "GTD, and only GTD"),
        (
            {"time_in_force": TimeInForce.GTD, "expires_at": datetime(2026, 11, 22)},  # noqa: DTZ001
            "must be an aware time",
        ),
        ({"post_only": True}, "cannot be post-only"),
    ],
)
def test_orders_that_cannot_be(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(REQUEST, **change)
