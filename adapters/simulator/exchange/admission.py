"""Which orders the exchange takes. Each check raises ``ExchangeRefusal`` and nothing else."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import NewOrder, Side, SimOrder, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.rules import VenueRules
from adapters.simulator.exchange.value import PPM, ceil_div

MAX_PRICE = 100_000_000
"""Cents: the inverse venue's 1,000,000 USD."""


def check_terms(spec: ContractSpec, request: NewOrder, mark: int | None, now: datetime) -> None:
    """Check an order against its contract; ``mark`` (cents) is what a price band hangs on."""
    check_life(spec, now)
    check_quantity(spec, request.quantity)
    if request.stop is not None:
        check_stop(spec, request.stop)
    if not request.is_market:
        check_price(spec, request.price)
        if request.stop is None:
            check_band(spec, request.side, request.price, mark)


def check_life(spec: ContractSpec, now: datetime) -> None:
    if spec.expiry is not None and now >= spec.expiry:
        raise ExchangeRefusal(RefusalCode.EXPIRED_CONTRACT, f"{spec.symbol} expired at {spec.expiry:%F %R}Z")


def check_quantity(spec: ContractSpec, quantity: int) -> None:
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


def check_price(spec: ContractSpec, price: int) -> None:
    if not 0 < price <= MAX_PRICE:
        raise ExchangeRefusal(RefusalCode.PRICE, "Invalid price", maximum=MAX_PRICE)
    check_tick(spec, price)


def check_stop(spec: ContractSpec, stop: int) -> None:
    if not 0 < stop <= MAX_PRICE:
        raise ExchangeRefusal(RefusalCode.STOP_PRICE, "Invalid stopPx", maximum=MAX_PRICE)
    check_tick(spec, stop)


def check_tick(spec: ContractSpec, price: int) -> None:
    if price % spec.tick:
        raise ExchangeRefusal(
            RefusalCode.TICK,
            f"Price must be a multiple of the tick size: {Decimal(spec.tick) / 100}",
            tick=spec.tick,
        )


def check_band(spec: ContractSpec, side: Side, price: int, mark: int | None) -> None:
    """Refuse a limit that would take far beyond the mark: a buy above it, a sell below it."""
    if mark is None or not spec.price_band:
        return
    low, high = band(spec, mark)
    if price > high if side is Side.BUY else price < low:
        raise ExchangeRefusal(
            RefusalCode.PRICE_BAND,
            f"Price {Decimal(price) / 100} is outside the band {Decimal(low) / 100} to {Decimal(high) / 100}",
            low=low,
            high=high,
        )


def band(spec: ContractSpec, mark: int) -> tuple[int, int]:
    """Return the lowest sell and the highest buy, on tick, that the price band allows."""
    width = mark * spec.price_band // PPM
    return max(ceil_div(mark - width, spec.tick), 1) * spec.tick, (mark + width) // spec.tick * spec.tick


def check_features(rules: VenueRules, request: NewOrder, *, is_open: bool, now: datetime) -> None:
    reduces = request.reduce_only or request.close_on_trigger
    if (request.post_only and not rules.post_only) or (reduces and not rules.reduce_only):
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "This venue has no post-only or reduce-only orders")
    if (request.tif is Tif.GTD) != (request.expires_at is not None):
        raise ExchangeRefusal(RefusalCode.EXPIRES_AT, "A GTD order, and no other, needs an expiry time")
    if request.expires_at is not None and request.expires_at <= now:
        raise ExchangeRefusal(RefusalCode.EXPIRES_AT, "The expiry time has passed")
    immediate = request.tif in (Tif.IOC, Tif.FOK)
    if request.post_only and (immediate or request.is_market):
        raise ExchangeRefusal(RefusalCode.NOT_SUPPORTED, "An immediate order cannot be post-only")
    if request.is_market and request.price:
        raise ExchangeRefusal(RefusalCode.PRICE, "A market order has no price")
    if request.if_touched and request.stop is None:
        raise ExchangeRefusal(RefusalCode.STOP_PRICE, "An if-touched order needs a stop price")
    if not is_open and request.stop is None and (immediate or not rules.hold_when_closed):
        raise ExchangeRefusal(RefusalCode.SESSION_CLOSED, "The session is closed")


def check_count(spec: ContractSpec, request: NewOrder, live: Sequence[SimOrder]) -> None:
    """Refuse one order too many beside ``live``, the account's own in the contract."""
    side = request.side
    if request.stop is not None:
        if sum(order.is_waiting for order in live) >= spec.max_stops:
            raise ExchangeRefusal(
                RefusalCode.TOO_MANY_ORDERS,
                f"At most {spec.max_stops} stop orders in {spec.symbol}",
                maximum=spec.max_stops,
            )
        return
    if sum(order.side is side and not order.is_waiting for order in live) >= spec.max_open_orders:
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
