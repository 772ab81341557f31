"""How an order begins, and how it is cut short."""

from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange.orders import NewOrder, SimOrder


def new_order(
    account: str, request: NewOrder, order_id: str, number: int, now: datetime, *, held: bool
) -> SimOrder:
    return SimOrder(
        order_id=order_id,
        number=number,
        account=account,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        price=request.price,
        tif=request.tif,
        client_id=request.client_id,
        created_at=now,
        updated_at=now,
        post_only=request.post_only,
        reduce_only=request.reduce_only or request.close_on_trigger,
        expires_at=request.expires_at,
        ref=request.ref,
        leaves=request.quantity,
        held=held,
        is_market=request.is_market,
        stop=request.stop,
        trigger=request.trigger,
        if_touched=request.if_touched,
        close_on_trigger=request.close_on_trigger,
    )


def cut(order: SimOrder, leaves: int, now: datetime) -> SimOrder:
    return replace(order, quantity=order.cum + leaves, leaves=leaves, updated_at=now)
