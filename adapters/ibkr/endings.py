"""What became of an order that is not open any more. Pure.

The broker answers in pieces: a completed order states no fills that can be trusted to be all, an execution
states no order quantity, and both are forgotten with the broker's day.
"""

from ib_async.order import Order, OrderState

from adapters.ibkr.executions import Booked
from adapters.ibkr.orders import OrderRecord, Word
from adapters.ibkr.translate import contracts_of, decimal_of, price_of, side_of
from risk.instruments import InstrumentId
from risk.orders import Fill


def ending(
    instrument: InstrumentId,
    client_order_id: str,
    known: OrderRecord | None,
    executed: list[Booked],
    completed: tuple[Order, OrderState] | None,
) -> OrderRecord | None:
    """Return the order's record at its end, None if there is no trace of it.

    ``known``: our own record; ``executed``: its executions; ``completed``: the broker's row for it.
    """
    if known is not None and known.is_final:
        return known
    if completed is not None:
        return _completed(instrument, known, executed, *completed)
    traded = next((booked.word for booked in executed if isinstance(booked.word, Fill)), None)
    if traded is None:
        return None
    filled = sum(booked.quantity for booked in executed)
    return OrderRecord(
        instrument,
        client_order_id,
        known.client_id if known else -1,
        traded.side,
        known.quantity if known else filled,
        known.price if known else None,
        perm_id=executed[0].perm_id,
        word=Word.CANCELED,
        counted=filled,
        reason="not open any more; known by its executions",
    )


def _completed(
    instrument: InstrumentId,
    known: OrderRecord | None,
    executed: list[Booked],
    order: Order,
    state: OrderState,
) -> OrderRecord:
    own = [booked for booked in executed if booked.perm_id == order.permId]
    filled = sum(booked.quantity for booked in own)
    stated, corrected = decimal_of(order.filledQuantity), any(booked.revision > 1 for booked in own)
    if stated is not None and not corrected:
        filled = max(filled, int(stated))
    # The broker writes 0 for the total of an order that was filled.
    total = max(known.quantity if known else contracts_of(order.totalQuantity), filled)
    return OrderRecord(
        instrument,
        order.orderRef,
        known.client_id if known else -1,
        side_of(order.action),
        total,
        price_of(order.lmtPrice) or (known.price if known else None),
        perm_id=order.permId,
        word=Word.REFUSED if state.status == "Inactive" else Word.CANCELED,
        counted=total if state.status == "Filled" and not corrected else filled,
        reason=(known.reason if known else "") or state.completedStatus,
    )
