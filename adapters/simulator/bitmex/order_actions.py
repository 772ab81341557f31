"""What a client can do with orders, carried out on the exchange core and answered in the venue's words."""

from dataclasses import dataclass
from datetime import datetime

from adapters.simulator.bitmex.errors import ApiError, invalid
from adapters.simulator.bitmex.order_entry import OrderEntry, cents, client_id, read_order
from adapters.simulator.bitmex.order_rows import SIDES, STATUSES
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.tags import Tag
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import NewOrder, Side, SimOrder
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode

MOST_OPEN_ORDERS = 200
VIA_API = "Canceled via API."
_PLAIN = {
    RefusalCode.UNKNOWN_SYMBOL: "Invalid symbol",
    RefusalCode.EXPIRED_CONTRACT: "Instrument expired",
    RefusalCode.PRICE: "Invalid price",
    RefusalCode.TICK: "Invalid price tickSize",
    RefusalCode.DUPLICATE_CLIENT_ID: "Duplicate clOrdID",
    RefusalCode.TOO_MANY_ORDERS: "Too many open orders",
    RefusalCode.SESSION_CLOSED: "Market is not open",
    RefusalCode.ORDER_FINAL: "Invalid ordStatus",
    RefusalCode.UNKNOWN_ORDER: "Invalid orderID",
    RefusalCode.NO_POSITION: "Position is not isolated, or there is none",
}
_VALIDATION = {
    RefusalCode.LEVERAGE: "Invalid leverage",
    RefusalCode.STOP_PRICE: "Invalid stopPx for ordType",
    RefusalCode.PRICE_BAND: "Order price is outside the allowed band",
    RefusalCode.QUANTITY: "Invalid orderQty",
    RefusalCode.NOT_SUPPORTED: "Invalid ordType or timeInForce for execInst",
}


@dataclass(frozen=True, slots=True)
class LoggedOrder:
    """One accepted order. ``monotonic``: when it was accepted, seconds on the server's monotonic clock."""

    client_id: str
    order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    at: datetime
    monotonic: float


def refusal(error: ExchangeRefusal) -> ApiError:
    """Say a refusal of the core as the venue would."""
    if error.code is RefusalCode.INSUFFICIENT_MARGIN:
        return invalid(f"Account has insufficient Available Balance, {error.data['required']} XBt required")
    if error.code is RefusalCode.LOT:
        return invalid(f"Order quantity must be a multiple of lot size: {error.data['lot']}")
    if error.code is RefusalCode.RISK_LIMIT:
        return invalid("Value of position and orders exceeds position Risk Limit")
    if error.code in _VALIDATION:
        return invalid(_VALIDATION[error.code])
    return ApiError(400, _PLAIN.get(error.code, error.message))


class OrderActions:
    def __init__(self, state: VenueState) -> None:
        self._state = state
        self.log: list[LoggedOrder] = []

    def place(self, params: Params) -> Row:
        """POST /order."""
        return self._submit(read_order(params))

    def close_position(self, params: Params) -> Row:
        """POST /order/closePosition: cancel the contract's orders, close the position at market or ``price``."""
        symbol = self._state.contract(params.required("symbol")).symbol
        price = params.number("price")
        self._state.exchange.cancel_all(self._state.account, symbol, VIA_API)
        values = {"symbol": symbol, "execInst": "Close", "ordType": "Market" if price is None else "Limit"}
        return self._submit(read_order(Params({**values, "price": price})))

    def amend(self, params: Params) -> Row:
        """PUT /order: change quantity (total or what is left), price, clOrdID or text of a live order."""
        order = self._named(params)
        stop = params.number("stopPx")
        if (stop is not None and not order.is_waiting) or "pegOffsetValue" in params:
            raise invalid("Invalid stopPx for ordType")
        renamed = self._new_client_id(params)
        quantity, limit = _amended_quantity(params, order), params.number("price")
        if limit is not None and order.is_market:
            raise invalid("Invalid price for ordType")
        price = order.price if limit is None else cents(limit)
        stop_cents = order.stop if stop is None else cents(stop)
        same = (quantity, price, stop_cents) == (order.quantity, order.price, order.stop)
        if same and not renamed:
            raise invalid("Invalid amend: orderQty, leavesQty, price, stopPx unchanged")
        if order.status.is_final:
            raise ApiError(400, "Invalid ordStatus")
        if price <= 0:
            raise ApiError(400, "Invalid price")
        undo = self._state.tags.change(order, renamed, params.text("text"))
        try:
            changed = self._state.exchange.amend(
                self._state.account,
                order.order_id,
                quantity=quantity,
                price=None if order.is_market else price,
                stop=None if stop is None else stop_cents,
            )
        except ExchangeRefusal as error:
            undo()
            raise refusal(error) from error
        return self._state.orders.order(changed)

    def cancel(self, params: Params) -> list[Row]:
        """DELETE /order: cancel by ids; each answers for itself, failures inside the array."""
        order_ids, client_ids = params.texts("orderID"), params.texts("clOrdID")
        if not order_ids and not client_ids:
            raise invalid("orderID or clOrdID must be sent.")
        reason = params.text("text") or VIA_API
        exchange, account = self._state.exchange, self._state.account
        rows = [self._cancel(exchange.order(account, name), {"orderID": name}, reason) for name in order_ids]
        rows += [self._cancel(self._find_client_id(name), {"clOrdID": name}, reason) for name in client_ids]
        return rows

    def cancel_all(self, params: Params) -> list[Row]:
        """DELETE /order/all, of one ``symbol`` or one ``side`` (filter) if asked."""
        symbol = params.text("symbol")
        wanted = self._state.contract(symbol).symbol if symbol else None
        conditions = params.json("filter") or {}
        if not isinstance(conditions, dict) or not conditions.keys() <= {"side", "symbol"}:
            raise ApiError(400, "filter columns are not valid")
        reason = params.text("text") or VIA_API
        chosen = [
            order
            for order in self._state.live_orders()
            if wanted in (None, order.symbol)
            and conditions.get("side", SIDES[order.side]) == SIDES[order.side]
            and conditions.get("symbol", order.symbol) == order.symbol
        ]
        return [self._cancel(order, {}, reason) for order in chosen]

    def _cancel(self, order: SimOrder | None, named: dict[str, str], reason: str) -> Row:
        if order is None:
            return {**named, "error": "Unable to cancel order: Not found or not owned by user"}
        if order.status.is_final:
            state = STATUSES[order.status]
            row = self._state.orders.order(order)
            return {**row, "error": f"Unable to cancel order due to existing state: {state}"}
        canceled = self._state.exchange.cancel(self._state.account, order.order_id, reason)
        return self._state.orders.order(canceled)

    def _submit(self, entry: OrderEntry) -> Row:
        spec = self._state.contract(entry.symbol)
        if entry.client_id and self._state.tags.renamed(entry.client_id) is not None:
            raise ApiError(400, "Duplicate clOrdID")
        self._check_count(spec.symbol)
        side, quantity = self._closing(entry, spec.symbol)
        price = entry.price
        if price is None:
            price = self._market_price(spec, side) if entry.stop is None else 0
        if entry.closes and entry.stop is None:
            self._make_room(spec.symbol, side, quantity)
        tag = Tag(
            client_id=entry.client_id,
            ord_type=entry.ord_type,
            time_in_force=entry.tif_name,
            exec_inst=entry.exec_inst,
            text=entry.text,
            link_id=entry.link_id,
        )
        request = NewOrder(
            symbol=spec.symbol,
            side=side,
            quantity=quantity,
            price=price,
            tif=entry.tif,
            client_id=entry.client_id,
            post_only=entry.post_only,
            reduce_only=entry.reduce_only,
            ref=self._state.tags.add(tag),
            is_market=entry.price is None and entry.stop is not None,
            stop=entry.stop,
            trigger=entry.trigger,
            if_touched=entry.if_touched,
            close_on_trigger=entry.closes and entry.stop is not None,
        )
        try:
            order = self._state.exchange.place(self._state.account, request)
        except ExchangeRefusal as error:
            raise refusal(error) from error
        clock = self._state.clock
        self.log.append(
            LoggedOrder(
                entry.client_id,
                order.order_id,
                spec.symbol,
                side,
                quantity,
                price,
                clock.now(),
                clock.monotonic(),
            )
        )
        return self._state.orders.order(order)

    def _check_count(self, symbol: str) -> None:
        """Refuse the order that would be one too many in the contract, both sides together."""
        live = [order for order in self._state.live_orders() if order.symbol == symbol]
        if len(live) >= MOST_OPEN_ORDERS:
            raise ApiError(400, "Too many open orders")

    def _closing(self, entry: OrderEntry, symbol: str) -> tuple[Side, int]:
        """Return side and quantity, from the position where a Close leaves them open."""
        if entry.side is not None and entry.quantity is not None:
            return entry.side, entry.quantity
        held = self._state.exchange.position(self._state.account, symbol).contracts
        side = entry.side or (Side.SELL if held > 0 else Side.BUY)
        if held * side.sign >= 0:
            raise invalid(
                f"Order had execInst of Close or ReduceOnly and side of {SIDES[side]} "
                f"but current position is {held}"
            )
        return side, entry.quantity or abs(held)

    def _make_room(self, symbol: str, side: Side, quantity: int) -> None:
        """Cancel the same side's orders where they and a Close together exceed the position."""
        held = abs(self._state.exchange.position(self._state.account, symbol).contracts)
        same = [order for order in self._state.live_orders() if (order.symbol, order.side) == (symbol, side)]
        if sum(order.leaves for order in same) + quantity > held:
            for order in same:
                self._state.exchange.cancel(self._state.account, order.order_id, "Canceled by a Close order.")

    def _market_price(self, spec: ContractSpec, side: Side) -> int:
        """Return a limit (cents) that takes the whole other side; the mark's tick if there is none."""
        book = self._state.exchange.book(spec.symbol)
        levels = book.asks if side is Side.BUY else book.bids
        if levels:
            return levels[-1].price
        mark = self._state.exchange.ticker(spec.symbol).mark
        if mark is None:
            raise ApiError(400, "Instrument has no mark price")
        return mark // spec.tick * spec.tick

    def _named(self, params: Params) -> SimOrder:
        order_id, name = params.text("orderID"), params.text("origClOrdID")
        if not order_id and not name:
            raise invalid("orderID or origClOrdID must be sent.")
        exchange, account = self._state.exchange, self._state.account
        order = exchange.order(account, order_id) if order_id else self._find_client_id(name)
        if order is None:
            raise ApiError(400, "Invalid orderID" if order_id else "Invalid origClOrdID")
        return order

    def _new_client_id(self, params: Params) -> str:
        """Return the clOrdID an amend gives its order; empty if it keeps its own."""
        name = client_id(params, "clOrdID")
        if name and not params.text("origClOrdID"):
            raise invalid("origClOrdID required when sending clOrdID.")
        if name and self._find_client_id(name) is not None:
            raise ApiError(400, "Duplicate clOrdID")
        return name

    def _find_client_id(self, name: str) -> SimOrder | None:
        """Return the order that carries a clOrdID now."""
        exchange, account = self._state.exchange, self._state.account
        renamed = self._state.tags.renamed(name)
        order = exchange.order_by_client_id(account, name)
        if renamed is not None:
            order = exchange.order(account, renamed)
        if order is None or self._state.tags.of(order).client_id != name:
            return None
        return order


def _amended_quantity(params: Params, order: SimOrder) -> int:
    """Return the total quantity an amend asks for: orderQty, or what has filled and ``leavesQty``."""
    quantity, leaves = params.integer("orderQty"), params.integer("leavesQty")
    if quantity is not None and leaves is not None:
        raise invalid("Invalid orderQty")
    if leaves is not None:
        if leaves <= 0:
            raise invalid("Invalid leavesQty")
        return order.cum + leaves
    if quantity is not None and quantity <= 0:
        raise invalid("Invalid orderQty")
    return order.quantity if quantity is None else quantity
