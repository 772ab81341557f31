"""From BitMEX's rows to the project's values, and back."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.bitmex.account import account, key_fault, may_order, position, wallet_flow
from adapters.bitmex.executions import execution_event
from adapters.bitmex.orders import order_fields, order_update
from adapters.bitmex.terms import NotUnderstood, instrument
from adapters.bitmex.wire import Malformed
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import (
    CashFlow,
    CashFlowKind,
    Cause,
    Fill,
    Liquidity,
    OrderRequest,
    OrderStatus,
    Side,
    TimeInForce,
)
from risk.terms import Kind
from tests.unit.adapters.bitmex_rows import DEPOSIT, FUNDING, INSTRUMENT, MARGIN, ORDER, TRADE

XBTUSD = InstrumentId("bitmex", "XBTUSD")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def request(**changes: Any) -> OrderRequest:
    given: dict[str, Any] = {
        "client_order_id": "p1-t1-inv-1",
        "instrument": XBTUSD,
        "side": Side.SELL,
        "quantity": 20_000,
        "price": Decimal("60000.5"),
    }
    return OrderRequest(**(given | changes))


def test_an_order_in_the_venue_words() -> None:
    assert order_fields(request()) == {
        "symbol": "XBTUSD",
        "clOrdID": "p1-t1-inv-1",
        "side": "Sell",
        "orderQty": 20_000,
        "ordType": "Limit",
        "price": Decimal("60000.5"),
        "timeInForce": "ImmediateOrCancel",
    }


@pytest.mark.parametrize(
    ("reduce_only", "post_only", "expected"),
    [
        (True, False, "ReduceOnly"),
        (False, True, "ParticipateDoNotInitiate"),
        (True, True, "ParticipateDoNotInitiate,ReduceOnly"),
    ],
)
def test_instructions(reduce_only: bool, post_only: bool, expected: str) -> None:
    fields = order_fields(
        request(side=Side.BUY, time_in_force=TimeInForce.GTC, reduce_only=reduce_only, post_only=post_only)
    )
    assert (fields["execInst"], fields["side"], fields["timeInForce"]) == (expected, "Buy", "GoodTillCancel")


def test_an_order_row() -> None:
    update = order_update("bitmex", ORDER)
    assert update.instrument == XBTUSD
    assert update.client_order_id == "p1-t1-inv-1"
    assert update.status is OrderStatus.PARTIALLY_FILLED
    assert (update.side, update.quantity, update.filled, update.leaves) == (Side.SELL, 20_000, 5_000, 15_000)
    assert update.price == Decimal("60000.5")
    assert update.at == datetime(2026, 11, 22, 3, 0, 1, 250_000, UTC)
    assert update.reason == ""


@pytest.mark.parametrize(
    ("word", "filled", "expected"),
    [
        ("New", 0, OrderStatus.NEW),
        ("New", 100, OrderStatus.PARTIALLY_FILLED),
        ("PendingCancel", 0, OrderStatus.NEW),
        ("Untriggered", 0, OrderStatus.NEW),
        ("Filled", 20_000, OrderStatus.FILLED),
        ("Canceled", 5_000, OrderStatus.CANCELED),
        ("Expired", 0, OrderStatus.CANCELED),
        ("Rejected", 0, OrderStatus.REJECTED),
    ],
)
def test_order_states(word: str, filled: int, expected: OrderStatus) -> None:
    assert order_update("bitmex", ORDER | {"ordStatus": word, "cumQty": filled}).status is expected


@pytest.mark.parametrize(
    ("row", "stop", "reduces"),
    [
        ({"stopPx": 15_500, "execInst": "Close,MarkPrice", "triggered": ""}, Decimal(15_500), True),
        ({"stopPx": 15_500, "execInst": "ReduceOnly", "triggered": "StopOrderTriggered"}, None, True),
        ({"stopPx": 15_500, "execInst": "LastPrice", "triggered": ""}, Decimal(15_500), False),
        ({"execInst": "ReduceOnly"}, None, True),
        ({}, None, False),
    ],
)
def test_a_stop_protects_while_it_waits_and_can_only_reduce(
    row: dict[str, Any], stop: Decimal | None, reduces: bool
) -> None:
    update = order_update("bitmex", ORDER | {"ordStatus": "New"} | row)
    assert (update.stop, update.reduce_only) == (stop, reduces)
    assert update.is_protective is (stop is not None and reduces)


def test_a_cancelled_order_says_why_and_an_order_without_id_has_none() -> None:
    text = "Canceled: Order had execInst of ParticipateDoNotInitiate"
    update = order_update("bitmex", ORDER | {"ordStatus": "Canceled", "text": text, "clOrdID": ""})
    assert (update.reason, update.client_order_id) == (text, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ordStatus": "Dreaming"},
        {"side": ""},
        {"cumQty": "5000"},
        {"price": Decimal(-1)},
        {"timestamp": None},
        {"orderID": None},
    ],
)
def test_an_order_row_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        order_update("bitmex", ORDER | wrong)


def test_a_trade_is_a_fill_with_its_fee() -> None:
    assert execution_event("bitmex", TRADE) == Fill(
        execution_id="5c000000-0000-4000-8000-000000000001",
        instrument=XBTUSD,
        client_order_id="p1-t1-inv-1",
        venue_order_id="0f1e2d3c-0000-4000-8000-000000000001",
        side=Side.SELL,
        quantity=5_000,
        price=Decimal("60000.5"),
        at=datetime(2026, 11, 22, 3, 0, 1, 250_000, UTC),
        fee=Money(Currency.XBT, 4_167),
        liquidity=Liquidity.TAKER,
    )


def test_a_maker_rebate_is_a_negative_fee() -> None:
    fill = execution_event("bitmex", TRADE | {"execComm": -4_167, "lastLiquidityInd": "AddedLiquidity"})
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.liquidity) == (Money(Currency.XBT, -4_167), Liquidity.MAKER)


def test_funding_looks_like_a_fill_and_is_cash() -> None:
    """A short that is paid funding: the venue writes what it charges, so −33,333 is received."""
    flow = execution_event("bitmex", FUNDING)
    assert flow == CashFlow(
        flow_id="5c000000-0000-4000-8000-0000000000f1",
        venue="bitmex",
        kind=CashFlowKind.FUNDING,
        amount=Money(Currency.XBT, 33_333),
        at=datetime(2026, 11, 22, 3, 0, 1, 250_000, UTC),
        instrument=XBTUSD,
    )


@pytest.mark.parametrize("kind", ["New", "Canceled", "Replaced", "Surprise"])
def test_what_is_neither_trade_nor_funding_is_no_fill(kind: str) -> None:
    assert execution_event("bitmex", TRADE | {"execType": kind}) is None


def test_settlement_closes_the_position_at_its_price() -> None:
    fill = execution_event("bitmex", TRADE | {"execType": "Settlement", "clOrdID": "", "realisedPnl": -1_234})
    assert isinstance(fill, Fill)
    assert (fill.cause, fill.client_order_id, fill.side, fill.quantity) == (
        Cause.SETTLEMENT,
        None,
        Side.SELL,
        5_000,
    )
    assert execution_event("bitmex", TRADE | {"execType": "Settlement", "lastPx": None}) is None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"execType": "Settlement", "clOrdID": "", "text": "Settlement"}, Cause.SETTLEMENT),
        ({"execType": "Liquidation", "clOrdID": ""}, Cause.LIQUIDATION),
        ({"execType": "Deleverage", "clOrdID": ""}, Cause.DELEVERAGE),
        ({"execType": "Liquidation", "clOrdID": "", "text": "Auto-Deleveraging"}, Cause.DELEVERAGE),
        ({"execType": "Trade", "clOrdID": "", "text": "Deleverage"}, Cause.DELEVERAGE),
        ({"execType": "Trade", "clOrdID": "mine", "text": "my deleveraging plan"}, Cause.TRADE),
    ],
)
def test_what_the_venue_does_to_a_position_is_a_fill_with_its_cause(
    changes: dict[str, Any], cause: Cause
) -> None:
    told = execution_event("bitmex", TRADE | changes)
    assert isinstance(told, Fill)
    assert told.cause is cause
    assert (told.quantity, told.price) == (TRADE["lastQty"], Decimal(str(TRADE["lastPx"])))


def test_somebody_elses_trade_in_another_currency_is_left_out() -> None:
    assert execution_event("bitmex", TRADE | {"settlCurrency": "USDt"}) is None


@pytest.mark.parametrize("wrong", [{"lastQty": 0}, {"lastPx": None}, {"execComm": None}, {"execID": ""}])
def test_a_fill_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        execution_event("bitmex", TRADE | wrong)


def test_an_inverse_contract() -> None:
    contract = instrument("bitmex", INSTRUMENT)
    terms = contract.terms
    assert contract.id == XBTUSD
    assert terms.kind is Kind.INVERSE
    assert (terms.lot, terms.rounding_unit, terms.multiplier) == (100, 100, Decimal(1))
    assert (terms.tick, terms.taker_fee) == (Decimal("0.1"), Decimal("0.0005"))
    assert (terms.initial_margin, terms.maintenance_margin) == (Decimal("0.01"), Decimal("0.005"))
    assert terms.expiry is None


def test_a_dated_contract() -> None:
    terms = instrument(
        "bitmex", INSTRUMENT | {"symbol": "XBTH27", "expiry": "2027-03-26T12:00:00.000Z"}
    ).terms
    assert terms.expiry == datetime(2027, 3, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "other",
    [
        {"isInverse": False},
        {"isQuanto": True},
        {"settlCurrency": "USDt"},
        {"quoteCurrency": "EUR"},
        {"multiplier": 100_000_000},
        {"state": "Settled"},
    ],
)
def test_a_contract_that_is_not_understood_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood, match="XBTUSD"):
        instrument("bitmex", INSTRUMENT | other)


@pytest.mark.parametrize("wrong", [{"lotSize": 0}, {"tickSize": 0}, {"takerFee": None}, {"isInverse": None}])
def test_terms_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        instrument("bitmex", INSTRUMENT | wrong)


def test_margin() -> None:
    told = account("bitmex", MARGIN, NOW)
    assert told.wallet == Money(Currency.XBT, 1_750_000_000)
    assert told.equity == Money(Currency.XBT, 1_749_998_000)
    assert told.available == Money(Currency.XBT, 1_700_000_000)
    assert (told.initial_margin.units, told.maintenance_margin.units) == (297_400, 42_975)
    assert told.at == NOW
    with pytest.raises(Malformed):
        account("bitmex", MARGIN | {"currency": "USDt"}, NOW)
    with pytest.raises(Malformed):
        account("bitmex", MARGIN | {"walletBalance": None}, NOW)


@pytest.mark.parametrize(
    ("contracts", "venue_cost", "cost"),
    [
        # A real position: 500 short at 6,725 cost 7,435,000 satoshi, which the venue writes positive.
        (-500, 7_435_000, -7_435_000),
        (500, -7_435_000, 7_435_000),
    ],
)
def test_a_positions_cost_has_the_sign_of_the_position(contracts: int, venue_cost: int, cost: int) -> None:
    row = {
        "symbol": "XBTUSD",
        "currency": "XBt",
        "currentQty": contracts,
        "posCost": venue_cost,
        "avgEntryPrice": 6725,
    }
    told = position("bitmex", row, NOW)
    assert told is not None
    assert (told.contracts, told.cost_units, told.entry) == (contracts, cost, Decimal(6725))


def test_a_flat_position_is_none() -> None:
    assert position("bitmex", {"symbol": "XBTUSD", "currency": "XBt", "currentQty": 0}, NOW) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (CashFlowKind.DEPOSIT, 500_000_000)),
        ({"transactType": "Withdrawal", "amount": -1_000_000}, (CashFlowKind.WITHDRAWAL, -1_000_000)),
        ({"transactType": "Transfer", "amount": -7}, (CashFlowKind.WITHDRAWAL, -7)),
        ({"transactType": "AffiliatePayout", "amount": 9}, (CashFlowKind.ADJUSTMENT, 9)),
        ({"transactStatus": "Pending"}, None),
        ({"transactType": "RealisedPNL"}, None),
        ({"transactType": "Funding"}, None),
        ({"currency": "USDt"}, None),
    ],
)
def test_wallet_rows(change: dict[str, Any], expected: tuple[CashFlowKind, int] | None) -> None:
    flow = wallet_flow("bitmex", DEPOSIT | change)
    if expected is None:
        assert flow is None
    else:
        assert flow is not None
        assert (flow.kind, flow.amount.units) == expected
        assert flow.flow_id == DEPOSIT["transactID"]


def test_a_withdrawal_counts_when_it_is_done_not_when_it_is_asked() -> None:
    flow = wallet_flow("bitmex", DEPOSIT | {"timestamp": "2026-11-22T09:00:00.000Z"})
    assert flow is not None
    assert flow.at == datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("permissions", "enabled", "fault"),
    [
        (["order"], True, None),
        (["order", "withdraw"], True, "withdraw"),
        (["orderCancel"], True, "may not order"),
        ([], True, "may not order"),
        (["order"], False, "disabled"),
    ],
)
def test_what_the_key_may_do(permissions: list[str], enabled: bool, fault: str | None) -> None:
    rows = [
        {"id": "another", "permissions": ["withdraw"], "enabled": True},
        {"id": "ours", "permissions": permissions, "enabled": enabled},
    ]
    found = key_fault(rows, "ours")
    assert (found is None) if fault is None else (found is not None and fault in found)
    assert may_order(rows, "ours") is ("order" in permissions)


def test_a_key_the_venue_does_not_list_cannot_be_checked() -> None:
    assert "does not list" in str(key_fault([], "ours"))
