"""An order as the gateway keeps it: whose it is, what was asked, what the exchange made of it."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.exchange.orders import SimOrder, Tif
from adapters.simulator.tws.contracts import IbContract
from adapters.simulator.tws.links import Link
from adapters.simulator.tws.order_messages import OrderFace

BY_HAND = 0
"""The order id of an order nobody placed through the API, until it is bound to client 0."""

REFUSED_PERM_BASE = 100_000_000
"""Below any number of the exchange, which begin with the time of its start."""

ZERO = Decimal(0)
CENTS = 100

_TIFS = {Tif.IOC: "IOC", Tif.FOK: "FOK", Tif.GTC: "GTC", Tif.GTD: "GTD"}


class OrderStatus:
    """The broker's words."""

    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"


FINAL = frozenset({OrderStatus.CANCELLED, OrderStatus.FILLED, OrderStatus.INACTIVE})


@dataclass(slots=True)
class GatewayOrder:
    """``limit``, ``stop`` in cents, 0 where the type has none. ``perm_id`` is 0 until accepted.

    ``sim`` is the exchange's last word, None while on the way or if it was refused. ``silent_on``: the link that
    must not hear of this order (a fault).
    """

    client_id: int
    order_id: int
    contract: IbContract
    account: str
    action: str
    quantity: int
    limit: int
    tif: str
    order_ref: str = ""
    good_till: str = ""
    outside_rth: bool = False
    status: str = OrderStatus.PENDING_SUBMIT
    perm_id: int = 0
    sim: SimOrder | None = None
    cancel_sent: bool = False
    silent_on: Link | None = None
    order_type: str = "LMT"
    stop: int = 0

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def is_by_hand(self) -> bool:
        return self.order_id <= BY_HAND

    @property
    def tag(self) -> str:
        """What goes to the exchange with the order, so that a restarted gateway knows it again."""
        return f"{self.client_id}/{self.order_id}/{self.tif}/{int(self.outside_rth)}/{self.good_till}"

    def take(self, sim: SimOrder) -> None:
        """Accept the exchange's word."""
        self.sim = sim
        self.quantity, self.stop = sim.quantity, sim.stop or 0
        self.limit = 0 if sim.is_market else sim.price
        self.perm_id = sim.number

    def face(self, status: str | None = None) -> OrderFace:
        sim = self.sim
        filled = sim.cum if sim is not None else 0
        average = Decimal(sim.notional) / filled / CENTS if sim is not None and filled else ZERO
        last = sim.last_price if sim is not None else None
        return OrderFace(
            order_id=self.order_id,
            client_id=self.client_id,
            perm_id=self.perm_id,
            contract=self.contract,
            action=self.action,
            quantity=self.quantity,
            order_type=self.order_type,
            limit=Decimal(self.limit) / CENTS,
            stop=Decimal(self.stop) / CENTS,
            tif=self.tif,
            good_till=self.good_till,
            account=self.account,
            order_ref=self.order_ref,
            outside_rth=self.outside_rth,
            status=status or self.status,
            filled=filled,
            remaining=self.quantity - filled,
            average=round(average, 8),
            last=ZERO if last is None else Decimal(last) / CENTS,
            why_held="trigger" if sim is not None and sim.is_waiting else "",
        )


def status_of(sim: SimOrder) -> str:
    """Return the broker's word for an order of the exchange that is past its acceptance."""
    if sim.status.is_final:
        return OrderStatus.FILLED if sim.leaves == 0 and sim.cum == sim.quantity else OrderStatus.CANCELLED
    return OrderStatus.PRE_SUBMITTED if sim.held or sim.is_waiting else OrderStatus.SUBMITTED


def _type_of(sim: SimOrder) -> str:
    if sim.stop is None:
        return "MKT" if sim.is_market else "LMT"
    return "STP" if sim.is_market else "STP LMT"


def recover(sim: SimOrder, contract: IbContract) -> GatewayOrder:
    """Rebuild an order from the exchange: from its tag, or as one placed by hand."""
    client_id, order_id, tif, outside_rth, good_till = 0, BY_HAND, _TIFS[sim.tif], True, ""
    parts = sim.ref.split("/", 4)
    if len(parts) == 5:
        client_id, order_id, tif = int(parts[0]), int(parts[1]), parts[2]
        outside_rth, good_till = parts[3] == "1", parts[4]
    order = GatewayOrder(
        client_id=client_id,
        order_id=order_id,
        contract=contract,
        account=sim.account,
        action=sim.side.name,
        quantity=sim.quantity,
        limit=sim.price,
        order_type=_type_of(sim),
        tif=tif,
        order_ref=sim.client_id,
        good_till=good_till,
        outside_rth=outside_rth,
        status=status_of(sim),
    )
    order.take(sim)
    return order
