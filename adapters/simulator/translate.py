"""Between the exchange core's integers and the value types every venue speaks."""

from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange import orders as core
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.sessions import Sessions
from adapters.simulator.exchange.views import AccountView, BookView, CashEntry, CashKind, PositionView, Ticker
from adapters.simulator.tws.order_messages import MarginState
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import (
    Bust,
    CashFlow,
    CashFlowKind,
    Cause,
    CommissionReport,
    Fill,
    Liquidity,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    Side,
    TimeInForce,
)
from risk.portfolio import Account, Funding, Level, MarginImpact, Position, Quote
from risk.sessions import Span, TradingHours
from risk.terms import Kind, Terms

_PPM = 1_000_000
_SATOSHI = 100_000_000
_LIQUIDITY = {
    core.Liquidity.MAKER: Liquidity.MAKER,
    core.Liquidity.TAKER: Liquidity.TAKER,
    None: Liquidity.UNKNOWN,
}
_TIF = {TimeInForce.IOC: core.Tif.IOC, TimeInForce.GTC: core.Tif.GTC, TimeInForce.GTD: core.Tif.GTD}
_CAUSES = {
    core.ExecKind.TRADE: Cause.TRADE,
    core.ExecKind.LIQUIDATION: Cause.LIQUIDATION,
    core.ExecKind.DELEVERAGE: Cause.DELEVERAGE,
    core.ExecKind.SETTLEMENT: Cause.SETTLEMENT,
}
_CASH = {
    CashKind.DEPOSIT: CashFlowKind.DEPOSIT,
    CashKind.WITHDRAWAL: CashFlowKind.WITHDRAWAL,
    CashKind.FUNDING: CashFlowKind.FUNDING,
}


def trading_hours(sessions: Sessions) -> TradingHours:
    """Return all the sessions of an exchange, which are known for ever."""
    always = TradingHours.always()
    if sessions.intervals is None:
        return always
    return TradingHours(tuple(Span(one.opens, one.closes) for one in sessions.intervals), always.known)


def price(cents: int) -> Decimal:
    return Decimal(cents) / 100


def cents(amount: Decimal) -> int | None:
    """Return a price in cents, None if it has a fraction of one."""
    scaled = amount * 100
    return int(scaled) if scaled == scaled.to_integral_value() else None


def instrument(venue: str, spec: ContractSpec) -> Instrument:
    """Return a contract's terms; where long and short need different margin, the dearer."""
    unit = 1 if spec.is_inverse else _SATOSHI
    terms = Terms(
        kind=Kind(spec.kind),
        lot=spec.lot,
        tick=price(spec.tick),
        multiplier=Decimal(spec.multiplier) / unit,
        rounding_unit=spec.rounding_unit,
        maker_fee=Decimal(spec.maker_fee) / _PPM,
        taker_fee=Decimal(spec.taker_fee) / _PPM,
        initial_margin=Decimal(max(spec.initial_margin_long, spec.initial_margin_short)) / _PPM,
        maintenance_margin=Decimal(max(spec.maintenance_margin_long, spec.maintenance_margin_short)) / _PPM,
        expiry=spec.expiry,
    )
    return Instrument(InstrumentId(venue, spec.symbol), terms)


def new_order(request: OrderRequest, in_cents: int) -> core.NewOrder:
    """Raises ValueError for a trigger with a fraction of a cent."""
    stop = None if request.trigger is None else cents(request.trigger)
    if request.trigger is not None and stop is None:
        raise ValueError(f"{request.trigger} is no price in cents")
    return core.NewOrder(
        symbol=request.instrument.symbol,
        side=core.Side(request.side),
        quantity=request.quantity,
        price=in_cents,
        tif=_TIF[request.time_in_force],
        client_id=request.client_order_id,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        expires_at=request.expires_at,
        stop=stop,
        trigger=core.TriggerKind.MARK,
    )


def order_update(venue: str, order: core.SimOrder) -> OrderUpdate:
    return OrderUpdate(
        instrument=InstrumentId(venue, order.symbol),
        client_order_id=order.client_id or None,
        venue_order_id=order.order_id,
        status=OrderStatus(order.status),
        side=Side(order.side),
        quantity=order.quantity,
        filled=order.cum,
        leaves=order.leaves,
        at=order.updated_at,
        price=price(order.price),
        reason=order.reason,
        stop=price(order.stop) if order.stop is not None and order.is_waiting else None,
        reduce_only=order.reduce_only,
    )


def fill(venue: str, execution: core.Execution, currency: Currency, *, with_fee: bool) -> Fill:
    """Translate what moved a position, or restates it; ``with_fee`` False leaves the fee to a commission report."""
    return Fill(
        execution_id=execution.first.exec_id,
        instrument=InstrumentId(venue, execution.symbol),
        client_order_id=execution.client_id or None,
        venue_order_id=execution.order_id,
        side=Side(execution.side),
        quantity=execution.quantity,
        price=price(execution.price),
        at=execution.first.at,
        fee=Money(currency, execution.fee) if with_fee else None,
        liquidity=_LIQUIDITY[execution.liquidity],
        cause=_CAUSES[execution.first.kind],
        revision=execution.revision,
    )


def bust(venue: str, execution: core.Execution) -> Bust:
    return Bust(
        execution_id=execution.first.exec_id,
        instrument=InstrumentId(venue, execution.symbol),
        client_order_id=execution.client_id or None,
        revision=execution.revision,
        at=execution.at,
    )


def commission(venue: str, execution: core.Execution, currency: Currency) -> CommissionReport:
    return CommissionReport(
        execution_id=execution.first.exec_id,
        instrument=InstrumentId(venue, execution.symbol),
        fee=Money(currency, execution.fee),
        at=execution.at,
        revision=execution.revision,
    )


def cash_flow(venue: str, entry: CashEntry, currency: Currency) -> CashFlow:
    return CashFlow(
        flow_id=entry.entry_id,
        venue=venue,
        kind=_CASH[entry.kind],
        amount=Money(currency, entry.amount),
        at=entry.at,
        instrument=None if entry.symbol is None else InstrumentId(venue, entry.symbol),
    )


def quote(venue: str, book: BookView, mark: int | None, at: datetime) -> Quote:
    return Quote(
        instrument=InstrumentId(venue, book.symbol),
        bids=tuple(Level(price(level.price), level.quantity) for level in book.bids),
        asks=tuple(Level(price(level.price), level.quantity) for level in book.asks),
        at=at,
        mark=None if mark is None else price(mark),
    )


def funding(ticker: Ticker) -> Funding | None:
    """Return the next payment, None for a contract without."""
    if ticker.next_funding is None or ticker.funding_rate is None:
        return None
    return Funding(ticker.next_funding, Decimal(ticker.funding_rate) / _PPM)


def impact(state: MarginState) -> MarginImpact:
    """Return a what-if's dollars as money."""

    def usd(amount: Decimal) -> Money:
        return Money.of(Currency.USD, amount)

    (initial, maintenance, equity), after = state.before, state.after
    return MarginImpact(
        usd(initial),
        usd(after[0]),
        usd(maintenance),
        usd(after[1]),
        usd(equity),
        usd(after[2]),
        usd(state.commission),
    )


def position(venue: str, view: PositionView) -> Position:
    return Position(
        instrument=InstrumentId(venue, view.symbol),
        contracts=view.contracts,
        at=view.at,
        entry=view.entry,
        cost_units=view.cost,
    )


def account(venue: str, view: AccountView) -> Account:
    currency = Currency(view.currency)
    return Account(
        venue=venue,
        wallet=Money(currency, view.wallet),
        equity=Money(currency, view.balance),
        available=Money(currency, view.available),
        initial_margin=Money(currency, view.initial),
        maintenance_margin=Money(currency, view.maintenance),
        at=view.at,
    )
