"""Between ib_async's values and ours. Pure.

ib_async hands numbers over as floats; the shortest text of such a float is what the broker wrote, so
Decimal(repr(x)) is exact for any price, size or fee. NaN and the largest double mean "no value".
"""

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ib_async.contract import Contract
from ib_async.objects import Execution
from ib_async.order import Order
from ib_async.util import UNSET_DOUBLE

from adapters.ibkr.executions import split_execution_id
from risk.instruments import InstrumentId
from risk.orders import Bust, Cause, Fill, Liquidity, OrderRequest, Side, TimeInForce

_SIDES = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL}
_LIQUIDITY = {1: Liquidity.MAKER, 2: Liquidity.TAKER}


def decimal_of(value: float | Decimal | None) -> Decimal | None:
    """Return a number as it was written, None for "no value"."""
    if value is None or value == UNSET_DOUBLE or not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return value
    return Decimal(int(value)) if value == int(value) else Decimal(repr(value))


def amount_of(text: str) -> Decimal | None:
    """Parse an account value exactly; None if it is no finite number."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def contracts_of(value: float | Decimal) -> int:
    """Return a whole number of contracts. Raises ValueError for a fraction or no value."""
    exact = decimal_of(value)
    if exact is None or exact != exact.to_integral_value():
        raise ValueError(f"not a whole number of contracts: {value}")
    return int(exact)


def price_of(value: float | Decimal | None) -> Decimal | None:
    """Return a price, None where there is none (the broker writes NaN, −1 or 0)."""
    exact = decimal_of(value)
    return exact if exact is not None and exact > 0 else None


def side_of(text: str) -> Side:
    """Read BUY/SELL of an order or BOT/SLD of an execution. Raises ValueError."""
    try:
        return _SIDES[text]
    except KeyError:
        raise ValueError(f"not a side: {text!r}") from None


def good_till(expires_at: datetime) -> str:
    """Write an order's end in the broker's UTC form, whole seconds, never later than asked."""
    return expires_at.astimezone(UTC).strftime("%Y%m%d-%H:%M:%S")


def order_of(request: OrderRequest, account: str) -> Order:
    """Build the limit order for a request; orderRef carries our client order id.

    The price goes out as text of its own digits: str(Decimal("1E+5")) would not be read.
    """
    expires_at = request.expires_at
    return Order(
        action="BUY" if request.side is Side.BUY else "SELL",
        totalQuantity=request.quantity,
        orderType="LMT",
        lmtPrice=Decimal(format(request.price, "f")),
        tif=request.time_in_force.value.upper(),
        goodTillDate=""
        if request.time_in_force is not TimeInForce.GTD or expires_at is None
        else good_till(expires_at),
        outsideRth=True,
        account=account,
        orderRef=request.client_order_id,
        transmit=True,
    )


def execution_of(instrument: InstrumentId, execution: Execution) -> Fill | Bust:
    """Translate an execution; its id becomes the stem, so that a correction keeps the identity.

    A correction to no contracts is a bust. Raises ValueError.
    """
    stem, revision = split_execution_id(execution.execId)
    quantity = contracts_of(execution.shares)
    if quantity <= 0 and revision > 1:
        return Bust(stem, instrument, execution.orderRef or None, revision, execution.time)
    price = price_of(execution.price)
    if price is None:
        raise ValueError(f"execution {execution.execId} at no price: {execution.price}")
    return Fill(
        execution_id=stem,
        instrument=instrument,
        client_order_id=execution.orderRef or None,
        venue_order_id=str(execution.permId),
        side=side_of(execution.side),
        quantity=quantity,
        price=price,
        at=execution.time,
        liquidity=_LIQUIDITY.get(execution.lastLiquidity, Liquidity.UNKNOWN),
        revision=revision,
        cause=Cause.LIQUIDATION if execution.liquidation else Cause.TRADE,
    )


def is_future(contract: Contract) -> bool:
    return contract.secType == "FUT"
