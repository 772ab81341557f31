"""What the venue remembers of an order that the exchange core does not: the client's own words."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from adapters.simulator.exchange.orders import SimOrder, Tif

TIF_NAMES = {Tif.GTC: "GoodTillCancel", Tif.IOC: "ImmediateOrCancel", Tif.FOK: "FillOrKill", Tif.GTD: "Day"}
DEFAULT_TEXT = "Submitted via API."


@dataclass(frozen=True, slots=True)
class Tag:
    """Fields of an order row as the client sent them."""

    client_id: str
    ord_type: str
    time_in_force: str
    exec_inst: str
    text: str = DEFAULT_TEXT
    link_id: str = ""


class Tags:
    """Tags by order, through the ``ref`` the core hands back; and the client ids changed by an amend."""

    def __init__(self) -> None:
        self._tags: dict[str, Tag] = {}
        self._renamed: dict[str, str] = {}

    def add(self, tag: Tag) -> str:
        """Keep a tag; return the ``ref`` to send with the order."""
        ref = str(len(self._tags) + 1)
        self._tags[ref] = tag
        return ref

    def of(self, order: SimOrder) -> Tag:
        """Return an order's tag, one made from its own state if it was placed past this server."""
        tag = self._tags.get(_ref(order))
        if tag is not None:
            return tag
        flags = [("ParticipateDoNotInitiate", order.post_only), ("ReduceOnly", order.reduce_only)]
        return Tag(
            client_id=order.client_id,
            ord_type="Limit",
            time_in_force=TIF_NAMES[order.tif],
            exec_inst=",".join(name for name, is_set in flags if is_set),
            text="Liquidation" if order.forced else DEFAULT_TEXT,
        )

    def change(self, order: SimOrder, client_id: str, text: str) -> Callable[[], None]:
        """Change the client's words on an order (empty: as they are); return what takes it back."""
        before, ref = self.of(order), _ref(order)
        self._tags[ref] = replace(before, client_id=client_id or before.client_id, text=text or before.text)
        if client_id:
            self._renamed[client_id] = order.order_id

        def undo() -> None:
            self._tags[ref] = before
            self._renamed.pop(client_id, None)

        return undo

    def renamed(self, client_id: str) -> str | None:
        """Return the id of the order that was given ``client_id`` by an amend."""
        return self._renamed.get(client_id)


def _ref(order: SimOrder) -> str:
    return order.ref or f"order {order.order_id}"
