"""Orders: what we ask for in BitMEX's words, and BitMEX's order rows in ours."""

from adapters.bitmex import wire
from adapters.bitmex.wire import Malformed, Row
from risk.instruments import InstrumentId
from risk.orders import OrderRequest, OrderStatus, OrderUpdate, Side, TimeInForce

_TIME_IN_FORCE = {TimeInForce.IOC: "ImmediateOrCancel", TimeInForce.GTC: "GoodTillCancel"}

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}

# Resting, in one way or another: whether NEW or PARTIALLY_FILLED is for its quantities to say.
_RESTING = frozenset(
    {
        "New",
        "PartiallyFilled",
        "PendingNew",
        "PendingCancel",
        "PendingReplace",
        "Replaced",
        "Triggered",
        "Untriggered",
    }
)
_REDUCING = frozenset({"ReduceOnly", "Close"})
_FINAL = {
    "Filled": OrderStatus.FILLED,
    "Canceled": OrderStatus.CANCELED,
    "Expired": OrderStatus.CANCELED,
    "DoneForDay": OrderStatus.CANCELED,
    "Rejected": OrderStatus.REJECTED,
}


def is_supported(request: OrderRequest) -> bool:
    """Return whether BitMEX has the order's time in force (it has no GTD)."""
    return request.time_in_force in _TIME_IN_FORCE


def order_fields(request: OrderRequest) -> dict[str, object]:
    """Return the body of POST /order."""
    fields: dict[str, object] = {
        "symbol": request.instrument.symbol,
        "clOrdID": request.client_order_id,
        "side": "Buy" if request.side is Side.BUY else "Sell",
        "orderQty": request.quantity,
        "ordType": "Limit" if request.trigger is None else "StopLimit",
        "price": request.price,
        "timeInForce": _TIME_IN_FORCE[request.time_in_force],
    }
    instructions = []
    if request.post_only:
        instructions.append("ParticipateDoNotInitiate")
    if request.reduce_only:
        instructions.append("ReduceOnly")
    if request.trigger is not None:
        fields["stopPx"] = request.trigger
        instructions.append("MarkPrice")
    if instructions:
        fields["execInst"] = ",".join(instructions)
    return fields


def order_update(venue: str, row: Row) -> OrderUpdate:
    """Read a whole row of the ``order`` table; an ``execution`` row that has an order holds the same fields.

    Raises Malformed.
    """
    filled, leaves = wire.whole_or_none(row, "cumQty") or 0, wire.whole_or_none(row, "leavesQty") or 0
    status = _status(wire.text(row, "ordStatus"), filled)
    quantity = wire.whole_or_none(row, "orderQty")
    return OrderUpdate(
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
        client_order_id=wire.text_or_none(row, "clOrdID"),
        venue_order_id=wire.text(row, "orderID"),
        status=status,
        side=side(row),
        quantity=filled + leaves if quantity is None else quantity,
        filled=filled,
        leaves=leaves,
        at=wire.moment(row, "timestamp"),
        price=wire.price_or_none(row, "price"),
        reason=_reason(row, status),
        stop=None if wire.text_or_none(row, "triggered") else wire.price_or_none(row, "stopPx"),
        reduce_only=not _REDUCING.isdisjoint((wire.text_or_none(row, "execInst") or "").split(",")),
    )


def side(row: Row) -> Side:
    word = wire.text(row, "side")
    if word not in _SIDES:
        raise Malformed(f"side should be Buy or Sell, not {word!r}")
    return _SIDES[word]


def _status(word: str, filled: int) -> OrderStatus:
    if word in _FINAL:
        return _FINAL[word]
    if word not in _RESTING:
        raise Malformed(f"unknown ordStatus {word!r}")
    return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.NEW


def _reason(row: Row, status: OrderStatus) -> str:
    if status not in (OrderStatus.CANCELED, OrderStatus.REJECTED):
        return ""
    return wire.text_or_none(row, "ordRejReason") or wire.text_or_none(row, "text") or ""
