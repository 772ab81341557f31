"""Order and execution rows, in the venue's columns, signs and words.

Signs are the venue's: a buy's ``execCost`` is negative, its ``homeNotional`` (XBT) positive and its
``foreignNotional`` (USD) negative.
"""

import uuid
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from adapters.simulator.bitmex.schema import EXECUTION, ORDER
from adapters.simulator.bitmex.tags import Tag
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.order_desk import REDUCE_ONLY
from adapters.simulator.exchange.orders import ExecKind, Execution, Liquidity, Side, SimOrder, Status

NO_ID = str(uuid.UUID(int=0))
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
STATUSES = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
    Status.CANCELED: "Canceled",
}
EXEC_TYPES = {
    ExecKind.TRADE: "Trade",
    ExecKind.FUNDING: "Funding",
    ExecKind.LIQUIDATION: "Liquidation",
    ExecKind.DELEVERAGE: "Deleverage",
    ExecKind.SETTLEMENT: "Settlement",
    ExecKind.CORRECTION: "TradeCorrect",
    ExecKind.BUST: "TradeCancel",
}
"""Deleverage: the venue tells a deleveraged account its closeout price and size; the word for it is ours."""
# The venue's words for what the core cancels by itself.
_REASONS = {
    "Immediate or cancel": "Order had timeInForce of ImmediateOrCancel",
    "Fill or kill": "Order had timeInForce of FillOrKill",
    REDUCE_ONLY: "Order had execInst of Close or ReduceOnly but current position leaves nothing to reduce",
    "cancelAllAfter expired": "Canceled via cancelAllAfter.",
}


def usd(cents: int) -> Decimal:
    return Decimal(cents) / 100


def xbt(satoshi: int) -> Decimal:
    return Decimal(satoshi).scaleb(-8)


def ppm(rate: int) -> Decimal:
    return Decimal(rate).scaleb(-6)


def guid(*parts: str) -> str:
    """Return an id of the venue's form, the same for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(parts)))


def average_price(spec: ContractSpec, contracts: int, cost: int) -> Decimal:
    """Return the price (USD, four decimals) at which ``contracts`` cost ``cost`` satoshi."""
    exact = Decimal(10**8 * spec.multiplier * contracts) / abs(cost)
    return exact.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def order_text(order: SimOrder, tag: Tag) -> str:
    """Return the client's annotation, below why the order was canceled if it was."""
    if order.status is not Status.CANCELED:
        return tag.text
    reason = _REASONS.get(order.reason, order.reason) or "Canceled via API."
    return f"Canceled: {reason}\n{tag.text}"


def order_row(order: SimOrder, tag: Tag, number: int, average: Decimal | None) -> Row:
    """Return an order's row; ``number`` is the account's, ``average`` its average price."""
    return ORDER.row(**_common(order, tag, number, average))


def order_event_row(order: SimOrder, tag: Tag, number: int, average: Decimal | None, kind: str) -> Row:
    """Return the execution row of an order event that is no trade: ``kind`` New, Replaced or Canceled."""
    exec_id = guid("event", kind, order.order_id, order.updated_at.isoformat(), str(order.cum))
    return EXECUTION.row(
        **_common(order, tag, number, average), execID=exec_id, execType=kind, trdMatchID=NO_ID
    )


def trade_row(
    execution: Execution, order: SimOrder, tag: Tag, number: int, average: Decimal | None, spec: ContractSpec
) -> Row:
    """Return the execution row of one fill; a corrected one has the match of the first telling, and nothing else of it.

    Its figures are those that stand; a bust's are of the trade it takes back, its money the other way round.
    """
    taker = execution.liquidity is Liquidity.TAKER
    values = {
        **_common(order, tag, number, average),
        **_money(execution),
        "execType": EXEC_TYPES[execution.kind],
        "lastLiquidityInd": "RemovedLiquidity" if taker else "AddedLiquidity",
        "commission": ppm(spec.taker_fee if taker else spec.maker_fee),
        "tradePublishIndicator": "PublishTrade" if taker else "DoNotPublishTrade",
        "trdMatchID": guid("match", execution.first.exec_id),
        "transactTime": execution.at,
        "timestamp": execution.at,
    }
    return EXECUTION.row(**values)


def orderless_row(execution: Execution, number: int, rate: Decimal) -> Row:
    """Return the execution row of what no order did: funding, settlement, deleveraging, a takeover.

    It looks like a fill in all but its execType. ``rate``: what was charged, of the value.
    """
    price, name = usd(execution.price), EXEC_TYPES[execution.kind]
    return EXECUTION.row(
        **_money(execution),
        orderID=NO_ID,
        account=number,
        symbol=execution.symbol,
        side=SIDES[execution.side],
        orderQty=execution.quantity,
        price=price,
        currency="USD",
        settlCurrency="XBt",
        execType=name,
        ordType="Limit",
        timeInForce="AtTheClose",
        ordStatus="Filled",
        workingIndicator=False,
        leavesQty=0,
        cumQty=execution.quantity,
        avgPx=price,
        commission=rate,
        text=name,
        trdMatchID=guid("match", execution.exec_id),
        transactTime=execution.at,
        timestamp=execution.at,
        strategy="OneWay",
    )


def _money(execution: Execution) -> dict[str, Any]:
    shown, sign = execution, execution.side.sign
    if execution.kind is ExecKind.BUST and execution.was is not None:
        was = execution.was
        shown, sign = replace(was, cost=-was.cost, fee=-was.fee), -sign
    return {
        "execID": execution.exec_id,
        "lastQty": shown.quantity,
        "lastPx": usd(shown.price),
        "execCost": -shown.cost,
        "execComm": shown.fee,
        "realisedPnl": execution.realised if execution.kind.moves_position else None,
        "homeNotional": xbt(shown.cost),
        "foreignNotional": Decimal(-sign * shown.quantity),
        **({"feeType": "Funding"} if execution.kind is ExecKind.FUNDING else {}),
    }


def _common(order: SimOrder, tag: Tag, number: int, average: Decimal | None) -> dict[str, Any]:
    return {
        "orderID": order.order_id,
        "clOrdID": tag.client_id,
        "clOrdLinkID": tag.link_id,
        "account": number,
        "symbol": order.symbol,
        "side": SIDES[order.side],
        "orderQty": order.quantity,
        "price": None if order.is_market else usd(order.price),
        "stopPx": None if order.stop is None else usd(order.stop),
        "triggered": "StopOrderTriggered" if order.triggered else "",
        "currency": "USD",
        "settlCurrency": "XBt",
        "ordType": tag.ord_type,
        "timeInForce": tag.time_in_force,
        "execInst": tag.exec_inst,
        "ordStatus": STATUSES[order.status],
        "workingIndicator": not (order.status.is_final or order.held or order.is_waiting),
        "leavesQty": order.leaves,
        "cumQty": order.cum,
        "avgPx": average,
        "text": order_text(order, tag),
        "transactTime": order.created_at,
        "timestamp": order.updated_at,
        "strategy": "OneWay",
    }
