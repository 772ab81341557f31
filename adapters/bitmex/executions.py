"""Rows of the ``execution`` table: trades are fills, funding is cash.

Liquidation and Bankruptcy are fills too, of no order of ours: the venue closes a position or takes it over. So is
Settlement, which closes an expired contract's position at the settlement price. Auto-deleveraging tells the account
its "closeout price and size", and the venue's list of user events names a ``deleverageExecution``; what the row's
execType is it does not document, so a row that says so in its execType or its text is taken for one.
TradeCorrect and TradeCancel restate a trade and take one back. The venue says its words are FIX's; it documents
neither of the two and has no ExecRefID, so that the trade meant is the one of the same match (``trdMatchID``) and
order. The rest say something of an order (New, Canceled …) and nothing of money.
"""

from collections.abc import Iterable

import structlog

from adapters.bitmex import wire
from adapters.bitmex.orders import side
from adapters.bitmex.wire import Row
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Bust, CashFlow, CashFlowKind, Cause, Fill, Liquidity

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
TRADE, CORRECT, CANCEL = "Trade", "TradeCorrect", "TradeCancel"
_SETTLEMENT = "Settlement"
_CAUSES = {
    TRADE: Cause.TRADE,
    "Liquidation": Cause.LIQUIDATION,
    "Bankruptcy": Cause.LIQUIDATION,
    "Deleverage": Cause.DELEVERAGE,
    _SETTLEMENT: Cause.SETTLEMENT,
}
_DELEVERAGING = "deleverag"
TRADED = (*_CAUSES, CORRECT, CANCEL)
"""The kinds of execution that move a position."""
_LIQUIDITY = {"AddedLiquidity": Liquidity.MAKER, "RemovedLiquidity": Liquidity.TAKER}

_log = structlog.get_logger("adapters.bitmex")


Match = tuple[str, str]
"""A match and the order of ours in it: what a trade and its corrections have in common."""


def is_correction(row: Row) -> bool:
    """Return whether a row restates a trade or takes one back."""
    return row.get("execType") in (CORRECT, CANCEL)


def match_of(row: Row) -> Match:
    """Return what a trade's corrections name as well; of a row that names no match, its own id. Raises Malformed."""
    match = wire.text_or_none(row, "trdMatchID")
    return (
        (wire.text(row, "execID"), "") if match is None else (match, wire.text_or_none(row, "orderID") or "")
    )


def execution_event(venue: str, row: Row, original: str = "") -> Fill | Bust | CashFlow | None:
    """Return what an execution row means for the books, None if nothing. Raises Malformed.

    ``original``: of a correction, the id of the trade it is about; without it, it means nothing.
    A row settled in another currency than XBT is somebody else's trade on the account: logged, and left out.
    """
    kind = wire.text(row, "execType")
    if kind in _OF_AN_ORDER:
        return None
    settled_in = wire.text(row, "settlCurrency")
    if settled_in != SATOSHI:
        _log.warning("bitmex.foreign_execution", execID=row.get("execID"), settlCurrency=settled_in)
        return None
    if kind == _SETTLEMENT and not (row.get("lastQty") and row.get("lastPx")):
        _log.error("bitmex.settlement_without_a_price", row=dict(row))
        return None
    if kind in _CAUSES:
        return _fill(venue, row, wire.text(row, "execID"), 0, _cause(row, kind))
    if is_correction(row):
        return _corrected(venue, row, original) if original else None
    if kind == "Funding":
        return _cash(venue, row, CashFlowKind.FUNDING, -wire.whole(row, "execComm"))
    _log.error("bitmex.execution_not_understood", execType=kind, row=dict(row))
    return None


def _cause(row: Row, kind: str) -> Cause:
    """Return why contracts changed hands; an order of the account's own is never deleveraging, whatever its text."""
    told = str(row.get("text") or "").lower()
    if not wire.text_or_none(row, "clOrdID") and _DELEVERAGING in told:
        return Cause.DELEVERAGE
    return _CAUSES[kind]


def has_order(row: Row) -> bool:
    """Return whether an execution row belongs to an order (funding, settlement and takeovers do not)."""
    return wire.text(row, "execType") in _OF_AN_ORDER | {TRADE, CORRECT, CANCEL}


def as_they_stand(venue: str, rows: Iterable[Row]) -> list[Fill | Bust]:
    """Return each trade of ``rows`` once, as corrected since. Raises Malformed."""
    trades: dict[Match, Row] = {}
    latest: dict[Match, Row] = {}
    others: list[Row] = []
    for row in rows:
        if is_correction(row):
            before = latest.get(match_of(row))
            if before is None or _revision(before) < _revision(row):
                latest[match_of(row)] = row
        elif row.get("execType") == TRADE:
            trades[match_of(row)] = row
        else:
            others.append(row)
    told = [execution_event(venue, row) for row in others]
    for match, row in trades.items():
        told.append(execution_event(venue, latest.get(match, row), wire.text(row, "execID")))
    return [event for event in told if isinstance(event, Fill | Bust)]


def _corrected(venue: str, row: Row, original: str) -> Fill | Bust:
    if row.get("execType") == CORRECT:
        return _fill(venue, row, original, _revision(row), Cause.TRADE)
    return Bust(
        execution_id=original,
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
        client_order_id=wire.text_or_none(row, "clOrdID"),
        revision=_revision(row),
        at=wire.moment(row, "timestamp"),
    )


def _revision(row: Row) -> int:
    """Return a number that rises from correction to correction: its time in milliseconds, as the venue tells it."""
    return round(wire.moment(row, "timestamp").timestamp() * 1000)


def _fill(venue: str, row: Row, execution_id: str, revision: int, cause: Cause) -> Fill:
    return Fill(
        execution_id=execution_id,
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
        client_order_id=wire.text_or_none(row, "clOrdID"),
        venue_order_id=wire.text(row, "orderID"),
        side=side(row),
        quantity=_positive(row, "lastQty"),
        price=wire.price(row, "lastPx"),
        at=wire.moment(row, "timestamp"),
        fee=Money(Currency.XBT, wire.whole(row, "execComm")),
        liquidity=_LIQUIDITY.get(str(row.get("lastLiquidityInd")), Liquidity.UNKNOWN),
        revision=revision,
        cause=cause,
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
