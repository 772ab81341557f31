"""Telling clients of orders: each its own, and nothing of one kept silent or placed by hand and not bound."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adapters.simulator.tws import messages, order_messages
from adapters.simulator.tws.api_errors import ApiError
from adapters.simulator.tws.gateway_order import BY_HAND, GatewayOrder
from adapters.simulator.tws.links import Link, Links
from adapters.simulator.tws.messages import Fields


@dataclass(frozen=True, slots=True)
class OrderVoice:
    links: Links

    def tell(self, order: GatewayOrder, message: Callable[[int], Fields]) -> None:
        """Send the order's client what ``message`` makes for its version."""
        if order.order_id != BY_HAND:
            self.links.tell(order.client_id, message, but=order.silent_on)

    def order(self, order: GatewayOrder) -> None:
        """Show the order and its status."""
        face = order.face()
        self.tell(order, lambda version: order_messages.open_order(version, face))
        self.status(order)

    def status(self, order: GatewayOrder, status: str | None = None) -> None:
        face = order.face(status)
        self.tell(order, lambda _: order_messages.order_status(face))

    def error(self, order: GatewayOrder, error: ApiError) -> None:
        self.tell(order, lambda version: messages.error(version, order.order_id, error))


def answer_open(link: Link, orders: Iterable[GatewayOrder]) -> None:
    """Answer a question about open orders."""
    for order in orders:
        face = order.face()
        link.send(order_messages.open_order(link.version, face))
        link.send(order_messages.order_status(face))
    link.send(messages.open_order_end())


def answer_completed(link: Link, orders: Iterable[GatewayOrder]) -> None:
    """Answer a question about completed orders; those refused on arrival are not among them."""
    for order in orders:
        if order.is_final and order.sim is not None:
            link.send(order_messages.completed_order(link.version, order.face(), order.sim.updated_at))
    link.send(messages.completed_orders_end())
