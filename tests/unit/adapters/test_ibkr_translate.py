"""What the broker writes and what we make of it."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from ib_async.objects import Execution
from ib_async.util import UNSET_DOUBLE

from adapters.ibkr import codes
from adapters.ibkr.codes import Meaning
from adapters.ibkr.translate import (
    amount_of,
    contracts_of,
    decimal_of,
    execution_of,
    order_of,
    price_of,
    side_of,
)
from risk.instruments import InstrumentId
from risk.orders import Bust, Cause, Fill, Liquidity, OrderRequest, Side, TimeInForce

MBT = InstrumentId("cme", "MBTZ26")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100005.0, "100005"),
        (0.1, "0.1"),
        (2.47, "2.47"),
        (-1.0, "-1"),
        (1e-08, "1E-8"),
        (100017.5, "100017.5"),
    ],
)
def test_floats_become_the_number_that_was_written(value: float, text: str) -> None:
    assert str(decimal_of(value)) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), UNSET_DOUBLE, None])
def test_no_value_is_none(value: float | None) -> None:
    assert decimal_of(value) is None
    assert price_of(value) is None


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_no_price_is_none(value: float) -> None:
    assert price_of(value) is None


def test_account_values_keep_every_digit() -> None:
    assert amount_of("9999985.12345678901234") == Decimal("9999985.12345678901234")
    assert amount_of("") is None
    assert amount_of("N/A") is None
    assert amount_of("NaN") is None


def test_contracts_are_whole() -> None:
    assert contracts_of(7.0) == 7
    for value in (2.5, float("nan"), UNSET_DOUBLE):
        with pytest.raises(ValueError, match="whole number"):
            contracts_of(value)


def test_sides() -> None:
    assert [side_of(s) for s in ("BUY", "BOT", "SELL", "SLD")] == [Side.BUY, Side.BUY, Side.SELL, Side.SELL]
    with pytest.raises(ValueError, match="not a side"):
        side_of("SSHORT")


def test_an_ioc_order_on_the_wire() -> None:
    order = order_of(OrderRequest("p1-01w-001", MBT, Side.SELL, 3, Decimal("1E+5")), "DU1")
    assert (order.action, order.totalQuantity, order.orderType) == ("SELL", 3, "LMT")
    assert str(order.lmtPrice) == "100000"
    assert (order.tif, order.goodTillDate) == ("IOC", "")
    assert (order.orderRef, order.account) == ("p1-01w-001", "DU1")
    assert order.outsideRth is True
    assert order.transmit is True


def test_gtd_is_written_in_utc_and_never_lives_longer_than_asked() -> None:
    chicago = timezone(timedelta(hours=-6))
    end = datetime(2026, 11, 22, 6, 0, 7, 999_999, tzinfo=chicago)
    request = OrderRequest("p1", MBT, Side.BUY, 1, Decimal(5), TimeInForce.GTD, expires_at=end)
    order = order_of(request, "DU1")
    assert (order.tif, order.goodTillDate) == ("GTD", "20261122-12:00:07")


def test_gtc() -> None:
    assert order_of(OrderRequest("p1", MBT, Side.BUY, 1, Decimal(5), TimeInForce.GTC), "DU1").tif == "GTC"


def execution(**changes: object) -> Execution:
    plain: dict[str, object] = {
        "execId": "0000e1a7.5c46793a.01.02",
        "time": NOON,
        "side": "SLD",
        "shares": 5.0,
        "price": 100005.0,
        "permId": 77,
        "orderRef": "p1-01w-001",
        "lastLiquidity": 1,
    }
    return Execution(**(plain | changes))  # type: ignore[arg-type]


def test_a_fill_is_known_by_the_stem_of_its_execution_id() -> None:
    fill = execution_of(MBT, execution())
    assert isinstance(fill, Fill)
    assert fill.revision == 2
    assert fill.execution_id == "0000e1a7.5c46793a.01"
    assert (fill.client_order_id, fill.venue_order_id) == ("p1-01w-001", "77")
    assert (fill.side, fill.quantity, fill.price, fill.at) == (Side.SELL, 5, Decimal(100005), NOON)
    assert fill.liquidity is Liquidity.MAKER
    assert fill.fee is None


def test_a_execution_of_an_order_made_by_hand_has_no_client_order_id() -> None:
    assert execution_of(MBT, execution(orderRef="")).client_order_id is None


@pytest.mark.parametrize("shares", [0.0, -5.0])
def test_a_correction_to_nothing_is_a_bust(shares: float) -> None:
    taken_back = execution_of(MBT, execution(shares=shares, price=0.0))
    assert taken_back == Bust("0000e1a7.5c46793a.01", MBT, "p1-01w-001", 2, NOON)


def test_the_brokers_own_closing_is_a_liquidation() -> None:
    fill = execution_of(MBT, execution(liquidation=1))
    assert isinstance(fill, Fill)
    assert fill.cause is Cause.LIQUIDATION


def test_an_execution_at_no_price_is_refused() -> None:
    with pytest.raises(ValueError, match="no price"):
        execution_of(MBT, execution(price=0.0))


@pytest.mark.parametrize("code", [103, 104, 110, 163, 200, 201, 321, 391, 434])
def test_refusals(code: int) -> None:
    assert codes.meaning_for_order(code) is Meaning.REFUSED


@pytest.mark.parametrize("code", [399, 2103, 2104, 2106, 2108, 2109, 2158, 10349])
def test_warnings(code: int) -> None:
    assert codes.meaning_for_order(code) is Meaning.INFO


@pytest.mark.parametrize("code", [161, 10147, 10148, 9999])
def test_what_is_neither_is_asked_about(code: int) -> None:
    assert codes.meaning_for_order(code) is Meaning.DOUBT
    assert codes.meaning_for_order(202) is Meaning.CANCELED
