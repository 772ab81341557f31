"""What became of an order, out of the pieces the broker answers."""

from decimal import Decimal

import pytest
from ib_async.order import Order, OrderState
from ib_async.util import UNSET_DOUBLE

from adapters.ibkr.endings import ending
from adapters.ibkr.executions import Booked
from adapters.ibkr.orders import OrderRecord, Word
from risk.orders import Fill, OrderStatus, Side
from tests.unit.adapters.ibkr_words import MBT, NOON, PERM_ID


def known(word: Word = Word.WORKING) -> OrderRecord:
    return OrderRecord(MBT, "p1", 7, Side.BUY, 5, Decimal(100_000), perm_id=PERM_ID, word=word)


def executed(*quantities: int) -> list[Booked]:
    return [
        Booked(Fill(f"e{n}", MBT, "p1", str(PERM_ID), Side.BUY, q, Decimal(100_000), NOON), PERM_ID, 1)
        for n, q in enumerate(quantities)
    ]


def row(status: str, total: float, filled: float) -> tuple[Order, OrderState]:
    order = Order(
        action="BUY",
        totalQuantity=total,
        lmtPrice=100000.0,
        orderRef="p1",
        permId=PERM_ID,
        filledQuantity=filled,
    )
    return order, OrderState(status=status, completedStatus="Cancelled by Trader")


@pytest.mark.parametrize(
    ("record", "fills", "completed", "status", "quantity", "filled"),
    [
        # The broker writes a total of 0 for what was filled.
        (None, (2, 3), row("Filled", 0, 5), OrderStatus.FILLED, 5, 5),
        (None, (), row("Filled", 0, 5), OrderStatus.FILLED, 5, 5),
        (known(), (), row("Filled", 0, UNSET_DOUBLE), OrderStatus.FILLED, 5, 5),
        (None, (), row("Cancelled", 5, 0), OrderStatus.CANCELED, 5, 0),
        (None, (2,), row("Cancelled", 5, UNSET_DOUBLE), OrderStatus.CANCELED, 5, 2),
        (known(), (2,), row("Cancelled", 3, 0), OrderStatus.CANCELED, 5, 2),
        (None, (), row("Inactive", 5, 0), OrderStatus.REJECTED, 5, 0),
        # Without a row: our own record and the executions.
        (known(), (2,), None, OrderStatus.CANCELED, 5, 2),
        (known(), (2, 3), None, OrderStatus.FILLED, 5, 5),
        (None, (2,), None, OrderStatus.FILLED, 2, 2),
        (known(Word.REFUSED), (), None, OrderStatus.REJECTED, 5, 0),
    ],
)
def test_endings(
    record: OrderRecord | None,
    fills: tuple[int, ...],
    completed: tuple[Order, OrderState] | None,
    status: OrderStatus,
    quantity: int,
    filled: int,
) -> None:
    found = ending(MBT, "p1", record, executed(*fills), completed)
    assert found is not None
    update = found.update(NOON)
    assert update is not None
    assert (update.status, update.quantity, update.filled, update.leaves) == (status, quantity, filled, 0)
    assert (update.client_order_id, update.venue_order_id) == ("p1", str(PERM_ID))


@pytest.mark.parametrize("record", [None, known(), known(Word.SILENT)])
def test_no_trace_is_no_ending(record: OrderRecord | None) -> None:
    assert ending(MBT, "p1", record, [], None) is None
