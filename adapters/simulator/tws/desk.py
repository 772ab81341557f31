"""The order desk: the broker's rules about orders, and what clients are told of them.

An order is known by the client that placed it and that client's order id; only that client can change or
cancel it. Client 0 can also handle orders placed by hand once they are bound to it, under negative ids.
"""

from dataclasses import dataclass, field

from adapters.clock import Clock
from adapters.simulator.exchange.events import OrderChanged
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import Status
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.faults import FaultKind
from adapters.simulator.tws import api_errors, messages, order_messages
from adapters.simulator.tws.admission import MARKET, Admitted, admit
from adapters.simulator.tws.api_errors import ApiError, Refuse, of_refusal
from adapters.simulator.tws.contracts import Catalogue
from adapters.simulator.tws.faults import Faults
from adapters.simulator.tws.gateway_order import (
    BY_HAND,
    CENTS,
    REFUSED_PERM_BASE,
    GatewayOrder,
    OrderStatus,
    recover,
    status_of,
)
from adapters.simulator.tws.hours import next_open, stamp
from adapters.simulator.tws.lane import Lane
from adapters.simulator.tws.links import Link, Links
from adapters.simulator.tws.order_voice import OrderVoice, answer_completed, answer_open
from adapters.simulator.tws.place_order import OrderTicket
from adapters.simulator.tws.whatif import margin_state

READ_ONLY = api_errors.invalid("The API interface is currently in Read-Only mode.")


@dataclass(slots=True)
class OrderDesk:
    """``lane`` is the way to the exchange; ``first_order_id`` the lowest id a client is ever given.

    ``forget_ids``: start knowing only the ids of live orders (a gateway restarted badly).
    """

    exchange: Exchange
    clock: Clock
    account: str
    catalogue: Catalogue
    links: Links
    faults: Faults
    lane: Lane
    first_order_id: int = 1
    forget_ids: bool = False
    _orders: list[GatewayOrder] = field(default_factory=list)
    _by_key: dict[tuple[int, int], GatewayOrder] = field(default_factory=dict)
    _by_exchange_id: dict[str, GatewayOrder] = field(default_factory=dict)
    _highest: dict[int, int] = field(default_factory=dict)
    _arriving: GatewayOrder | None = None
    _bound: int = 0
    _binds: bool = False
    _refused: int = 0
    _voice: OrderVoice = field(init=False)

    def __post_init__(self) -> None:
        self._voice = OrderVoice(self.links)
        for sim in self.exchange.orders(self.account):
            self._file(recover(sim, self.catalogue.of_spec(sim.symbol)))

    # What clients ask

    def next_id(self, client_id: int) -> int:
        return max(self.first_order_id, self._highest.get(client_id, 0) + 1)

    def knows(self, client_id: int, order_id: int) -> bool:
        return (client_id, order_id) in self._by_key

    def submit(self, link: Link, ticket: OrderTicket) -> None:
        """Place an order, change the one that has its id already, or tell its margin. Raises Refuse."""
        if self.faults.read_only:
            raise Refuse(READ_ONLY)
        admitted = admit(ticket, self.catalogue, self.exchange.rules.sessions, self.account, self.clock.now())
        if ticket.what_if:
            self._tell_margin(link, ticket, admitted)
            return
        known = self._by_key.get((link.client_id, ticket.order_id))
        if known is not None:
            self._modify(link, known, ticket, admitted)
            return
        if ticket.order_id < self.next_id(link.client_id):
            raise Refuse(api_errors.DUPLICATE_ID)
        order = self._ordered(link, ticket, admitted)
        if self.faults.take_silent():
            order.silent_on = link
        self._file(order)
        if self.faults.preset_tif and not ticket.tif:
            self._voice.error(order, api_errors.PRESET_TIF)
        if order.outside_rth and order.order_type == MARKET:
            self._voice.error(order, api_errors.OUTSIDE_RTH_IGNORED)
        self.lane.run(lambda: self._place(order, admitted))

    def cancel(self, link: Link, order_id: int) -> None:
        """Ask the exchange to cancel. Raises Refuse (10147, 10148, 161, 321)."""
        if self.faults.read_only:
            raise Refuse(READ_ONLY)
        order = self._by_key.get((link.client_id, order_id))
        if order is None:
            raise Refuse(api_errors.cancel_not_found(order_id))
        if order.is_final:
            raise Refuse(api_errors.cancel_too_late(order_id, order.status))
        if order.cancel_sent:
            raise Refuse(api_errors.not_cancellable(order.perm_id))
        order.cancel_sent = True
        self._voice.status(order, OrderStatus.PENDING_CANCEL)
        self.lane.run(lambda: self._cancel(order))

    def cancel_everything(self) -> None:
        """Cancel every order of the account, whoever placed it."""
        if self.faults.read_only:
            raise Refuse(READ_ONLY)
        self.lane.run(self._cancel_all)

    def bind(self, link: Link, *, on: bool) -> None:
        """Bind orders placed by hand to client 0, from now on (reqAutoOpenOrders). Raises Refuse (321)."""
        if link.client_id != 0:
            raise Refuse(api_errors.invalid("Only client 0 can bind orders placed by hand"))
        self._binds = on

    def open_orders(self, link: Link) -> None:
        """Tell a client its open orders; client 0 is also given those placed by hand, and they are bound."""
        if link.client_id == 0:
            for order in self._live():
                if order.order_id == BY_HAND:
                    self._bind(order)
        answer_open(link, (o for o in self._live() if o.client_id == link.client_id))

    def all_open_orders(self, link: Link) -> None:
        answer_open(link, self._live())

    def completed_orders(self, link: Link, *, api_only: bool) -> None:
        answer_completed(link, (o for o in self._orders if not (api_only and o.is_by_hand)))

    def of_exchange(self, order_id: str) -> GatewayOrder | None:
        """Return the order the exchange knows as ``order_id``."""
        return self._by_exchange_id.get(order_id)

    # What the exchange says

    def on_order(self, event: OrderChanged) -> None:
        sim = event.order
        order = self._by_exchange_id.get(sim.order_id)
        arriving = self._arriving
        if order is None and arriving is not None and arriving.sim is None and arriving.tag == sim.ref:
            order = arriving
            order.take(sim)
            self._by_exchange_id[sim.order_id] = order
        elif order is None:
            order = recover(sim, self.catalogue.of_spec(sim.symbol))
            self._file(order)
            if self._binds and order.order_id == BY_HAND:
                self._bind(order)
        accepting = order is arriving and sim.status is Status.NEW
        had_ended = order.is_final
        order.take(sim)
        order.status = OrderStatus.PRE_SUBMITTED if accepting else status_of(sim)
        if had_ended:
            return  # a fill of it was restated: the execution says so, and the order is not open any more
        if order.status != OrderStatus.CANCELLED:
            self._voice.order(order)
            return
        self._voice.status(order)
        self._voice.error(order, api_errors.canceled(sim.reason))

    # Inside

    def _live(self) -> list[GatewayOrder]:
        return [order for order in self._orders if not order.is_final]

    def _file(self, order: GatewayOrder) -> None:
        self._orders.append(order)
        if order.sim is not None:
            self._by_exchange_id[order.sim.order_id] = order
        if order.is_by_hand:
            return
        recovered = order.sim is not None
        if recovered and self.forget_ids and order.is_final:
            return
        self._by_key[order.client_id, order.order_id] = order
        self._highest[order.client_id] = max(self._highest.get(order.client_id, 0), order.order_id)

    def _bind(self, order: GatewayOrder) -> None:
        self._bound += 1
        order.order_id = -self._bound
        self._by_key[0, order.order_id] = order
        self.links.tell(0, lambda _: messages.order_bound(order.perm_id, 0, order.order_id))

    def _ordered(self, link: Link, ticket: OrderTicket, admitted: Admitted) -> GatewayOrder:
        return GatewayOrder(
            client_id=link.client_id,
            order_id=ticket.order_id,
            contract=admitted.contract,
            account=self.account,
            action=ticket.action,
            quantity=admitted.quantity,
            order_type=admitted.order_type,
            limit=admitted.limit or 0,
            stop=admitted.stop or 0,
            tif=admitted.tif,
            order_ref=ticket.order_ref,
            good_till=ticket.good_till if admitted.tif == "GTD" else "",
            outside_rth=ticket.outside_rth,
        )

    def _place(self, order: GatewayOrder, admitted: Admitted) -> None:
        if order.order_type == MARKET and not self.exchange.is_open(order.contract.spec.symbol):
            self._refuse(order, api_errors.MARKET_RESERVED)
            return
        if self.faults.plan.strikes(FaultKind.REFUSED):
            self._refuse(order, api_errors.BUSY)
            return
        self._arriving = order
        try:
            sim = self.exchange.place(self.account, admitted.request(order.order_ref, order.tag))
        except ExchangeRefusal as refusal:
            self._refuse(order, of_refusal(refusal))
            return
        finally:
            self._arriving = None
        if sim.held:
            self._voice.error(order, self._held_warning(order))
        elif not (sim.status.is_final or sim.is_waiting) and order.status == OrderStatus.PRE_SUBMITTED:
            order.status = OrderStatus.SUBMITTED
            self._voice.order(order)
        self.faults.meet_placed()

    def _refuse(self, order: GatewayOrder, error: ApiError) -> None:
        """A new order is dead: with the error alone, or (201) shown as inactive as well."""
        order.status = OrderStatus.INACTIVE
        self._voice.error(order, error)
        if error.code != api_errors.REJECTED:
            del self._by_key[order.client_id, order.order_id]
            return
        self._refused += 1
        order.perm_id = REFUSED_PERM_BASE + self._refused
        self._voice.order(order)

    def _modify(self, link: Link, order: GatewayOrder, ticket: OrderTicket, admitted: Admitted) -> None:
        if order.status == OrderStatus.FILLED:
            raise Refuse(api_errors.FILLED)
        if order.is_final:
            raise Refuse(api_errors.DUPLICATE_ID)
        if admitted.order_type != order.order_type:
            raise Refuse(api_errors.OTHER_TYPE)
        if admitted.contract is not order.contract or ticket.action != order.action:
            raise Refuse(api_errors.OTHER_ORDER)
        if admitted.tif != order.tif or (order.tif == "GTD" and ticket.good_till != order.good_till):
            raise Refuse(api_errors.invalid("This simulator cannot change an order's time in force"))
        self.lane.run(lambda: self._amend(order, admitted))

    def _amend(self, order: GatewayOrder, admitted: Admitted) -> None:
        if order.sim is None:
            return  # refused on arrival, and its sender has been told
        try:
            self.exchange.amend(
                self.account,
                order.sim.order_id,
                quantity=admitted.quantity,
                price=admitted.limit,
                stop=admitted.stop if admitted.stop != order.stop else None,
            )
        except ExchangeRefusal as refusal:
            if refusal.code is RefusalCode.ORDER_FINAL:
                filled = order.status == OrderStatus.FILLED
                self._voice.error(order, api_errors.FILLED if filled else api_errors.DUPLICATE_ID)
                return
            self._voice.error(order, of_refusal(refusal))
            self._voice.order(order)  # it lives on, unchanged

    def _cancel(self, order: GatewayOrder) -> None:
        order.cancel_sent = False
        if order.sim is None:
            return  # refused on arrival, and its sender has been told
        try:
            self.exchange.cancel(self.account, order.sim.order_id)
        except ExchangeRefusal:
            self._voice.error(order, api_errors.cancel_too_late(order.order_id, order.status))

    def _cancel_all(self) -> None:
        self.exchange.cancel_all(self.account)

    def _held_warning(self, order: GatewayOrder) -> ApiError:
        opens = next_open(self.exchange.rules.sessions, self.clock.now())
        at = f"@ {order.limit / CENTS:.2f}" if order.limit else order.order_type
        name = f"{order.action} {order.quantity} {order.contract.local_symbol} {at}"
        return api_errors.held(name, "further notice" if opens is None else stamp(opens))

    def _tell_margin(self, link: Link, ticket: OrderTicket, admitted: Admitted) -> None:
        try:
            state = margin_state(self.exchange, self.account, admitted.request(ticket.order_ref, ""))
        except ExchangeRefusal as refusal:
            raise Refuse(of_refusal(refusal)) from None
        face = self._ordered(link, ticket, admitted).face(OrderStatus.PRE_SUBMITTED)
        link.send(order_messages.open_order(link.version, face, state))
