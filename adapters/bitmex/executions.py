"""Rows of the ``execution`` table. Only ``Trade`` is a fill; funding and settlement are cash.

The rest say something of an order (New, Canceled …) and nothing of money, but for Liquidation and Bankruptcy:
there the venue takes a position over, which neither a fill nor a cash flow of ours describes. They are told
loudly in the log, and the position that no longer agrees stops the bot when it reconciles.
"""

import structlog

from adapters.bitmex import wire
from adapters.bitmex.orders import side
from adapters.bitmex.wire import Row
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind, Fill, Liquidity

SATOSHI = "XBt"

_OF_AN_ORDER = frozenset(
    {
        "New",
        "Canceled",
        "Rejected",
        "Replaced",
        "Restated",
        "Triggered",
        "TriggeredOrActivatedBySystem",
        "Suspended",
        "Released",
    }
)
_LIQUIDITY = {"AddedLiquidity": Liquidity.MAKER, "RemovedLiquidity": Liquidity.TAKER}

_log = structlog.get_logger("adapters.bitmex")


def execution_event(venue: str, row: Row) -> Fill | CashFlow | None:
    """Return what an execution row means for the books, None if nothing. Raises Malformed.

    A row settled in another currency than XBT is somebody else's trade on the account: logged, and left out.
    """
    kind = wire.text(row, "execType")
    if kind in _OF_AN_ORDER:
        return None
    settled_in = wire.text(row, "settlCurrency")
    if settled_in != SATOSHI:
        _log.warning("bitmex.foreign_execution", execID=row.get("execID"), settlCurrency=settled_in)
        return None
    if kind == "Trade":
        return _fill(venue, row)
    if kind == "Funding":
        return _cash(venue, row, CashFlowKind.FUNDING, -wire.whole(row, "execComm"))
    if kind == "Settlement" and row.get("realisedPnl") is not None:
        return _cash(venue, row, CashFlowKind.SETTLEMENT, wire.whole(row, "realisedPnl"))
    _log.error("bitmex.execution_not_understood", execType=kind, row=dict(row))
    return None


def has_order(row: Row) -> bool:
    """Return whether an execution row belongs to an order (funding and settlement do not)."""
    return wire.text(row, "execType") in _OF_AN_ORDER | {"Trade"}


def _fill(venue: str, row: Row) -> Fill:
    return Fill(
        execution_id=wire.text(row, "execID"),
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
        client_order_id=wire.text_or_none(row, "clOrdID"),
        venue_order_id=wire.text(row, "orderID"),
        side=side(row),
        quantity=_positive(row, "lastQty"),
        price=wire.price(row, "lastPx"),
        at=wire.moment(row, "timestamp"),
        fee=Money(Currency.XBT, wire.whole(row, "execComm")),
        liquidity=_LIQUIDITY.get(str(row.get("lastLiquidityInd")), Liquidity.UNKNOWN),
    )


def _cash(venue: str, row: Row, kind: CashFlowKind, received: int) -> CashFlow:
    return CashFlow(
        flow_id=wire.text(row, "execID"),
        venue=venue,
        kind=kind,
        amount=Money(Currency.XBT, received),
        at=wire.moment(row, "timestamp"),
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
    )


def _positive(row: Row, name: str) -> int:
    value = wire.whole(row, name)
    if value <= 0:
        raise wire.Malformed(f"{name} should be positive, not {value}")
    return value
