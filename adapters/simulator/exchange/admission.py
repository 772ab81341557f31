"""Which orders the exchange takes. Each check raises ``ExchangeRefusal`` and nothing else."""

from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import VenueRules

MAX_PRICE = 100_000_000
"""Cents: the inverse venue's 1,000,000 USD."""


def check_terms(spec: ContractSpec, quantity: int, price: int, now: datetime) -> None:
    if spec.expiry is not None and now >= spec.expiry:
        raise ExchangeRefusal(RefusalCode.EXPIRED_CONTRACT, f"{spec.symbol} expired at {spec.expiry:%F %R}Z")
    if not 0 < quantity <= spec.max_quantity:
        raise ExchangeRefusal(
            RefusalCode.QUANTITY,
            f"Order quantity must be 1 to {spec.max_quantity}",
            maximum=spec.max_quantity,
        )
    if quantity % spec.lot:
        raise ExchangeRefusal(
            RefusalCode.LOT, f"Order quantity must be a multiple of lot size: {spec.lot}", lot=spec.lot
        )
    if not 0 < price <= MAX_PRICE:
        raise ExchangeRefusal(RefusalCode.PRICE, "Invalid price", maximum=MAX_PRICE)
    if price % spec.tick:
        raise ExchangeRefusal(
            RefusalCode.TICK,
            f"Price must be a multiple of the tick size: {Decimal(spec.tick) / 100}",
            tick=spec.tick,
        )


def check_features(rules: VenueRules, request: NewOrder, *, is_open: bool, now: datetime) -> None:
    if (request.post_only and not rules.post_only) or (request.reduce_only and not rules.reduce_only):
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue has no post-only or reduce-only orders")
    if (request.tif is Tif.GTD) != (request.expires_at is not None):
        raise ExchangeRefusal(RefusalCode.EXPIRES_AT, "A GTD order, and no other, needs an expiry time")
    if request.expires_at is not None and request.expires_at <= now:
        raise ExchangeRefusal(RefusalCode.EXPIRES_AT, "The expiry time has passed")
    immediate = request.tif in (Tif.IOC, Tif.FOK)
    if request.post_only and immediate:
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "An immediate order cannot be post-only")
    if not is_open and (immediate or not rules.hold_when_closed):
        raise ExchangeRefusal(RefusalCode.SESSION_CLOSED, "The session is closed")


def check_count(spec: ContractSpec, side: Side, live_on_side: int) -> None:
    if live_on_side >= spec.max_open_orders:
        raise ExchangeRefusal(
            RefusalCode.TOO_MANY_ORDERS,
            f"At most {spec.max_open_orders} open {side} orders in {spec.symbol}",
            maximum=spec.max_open_orders,
        )


def check_margin(before: int, after: int, available: int) -> None:
    """Refuse what raises the initial margin from ``before`` by more than is ``available`` (units)."""
    required = after - before
    if required > 0 and required > available:
        raise ExchangeRefusal(
            RefusalCode.INSUFFICIENT_MARGIN,
            f"Account has insufficient Available Balance, {required} required",
            required=required,
            available=available,
        )
