"""Reading POST /order: from the venue's parameters to what the exchange core takes.

Pegs, contingencies and hidden quantities are not simulated and are refused, never approximated.
"""

from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.bitmex.errors import ApiError, invalid
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.tags import DEFAULT_TEXT
from adapters.simulator.exchange.orders import Side, Tif, TriggerKind

MAX_CLIENT_ID = 36
_TIFS = {
    "GoodTillCancel": Tif.GTC,
    "ImmediateOrCancel": Tif.IOC,
    "FillOrKill": Tif.FOK,
    "Day": Tif.GTC,
}
_EXEC_INSTS = frozenset({"ParticipateDoNotInitiate", "ReduceOnly", "Close"})
_TRIGGERS = {
    "MarkPrice": TriggerKind.MARK,
    "IndexPrice": TriggerKind.INDEX,
    "LastPrice": TriggerKind.LAST,
}
_ORD_TYPES = frozenset({"Limit", "Market", "Stop", "StopLimit", "MarketIfTouched", "LimitIfTouched"})
_AT_MARKET = frozenset({"Market", "Stop", "MarketIfTouched"})
_IF_TOUCHED = frozenset({"MarketIfTouched", "LimitIfTouched"})
_IMMEDIATE = frozenset({"Limit", "Market"})
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """One order as asked for. ``quantity`` None: a Close of the whole position; ``price`` None: at market.

    ``stop``: cents, None for an order that goes to the book at once.
    """

    symbol: str
    ord_type: str
    side: Side | None
    quantity: int | None
    price: int | None
    stop: int | None
    trigger: TriggerKind
    tif: Tif
    tif_name: str
    exec_inst: str
    client_id: str
    link_id: str
    text: str

    @property
    def if_touched(self) -> bool:
        return self.ord_type in _IF_TOUCHED

    @property
    def closes(self) -> bool:
        return "Close" in self.exec_inst.split(",")

    @property
    def reduce_only(self) -> bool:
        return self.closes or "ReduceOnly" in self.exec_inst.split(",")

    @property
    def post_only(self) -> bool:
        return "ParticipateDoNotInitiate" in self.exec_inst.split(",")


def read_order(params: Params) -> OrderEntry:
    """Read a new order; raise ApiError 400 for what is wrong with it by itself."""
    symbol = params.required("symbol")
    for name in ("pegOffsetValue", "pegPriceType"):
        if name in params:
            raise invalid(f"{name} is not simulated")
    if params.text("contingencyType"):
        raise invalid("Unsupported contingencyType")
    if "displayQty" in params:
        raise invalid("Invalid displayQty")
    price, stop = params.number("price"), params.number("stopPx")
    ord_type = params.text("ordType") or _default_type(price, stop)
    if ord_type not in _ORD_TYPES:
        raise invalid("Unsupported ordType")
    if (ord_type in _AT_MARKET) is not (price is None):
        raise invalid("Invalid price")
    if (ord_type in _IMMEDIATE) is not (stop is None):
        raise invalid("Invalid stopPx for ordType")
    exec_inst, trigger = _exec_inst(params, is_stop=stop is not None)
    tif_name = params.text("timeInForce") or (
        "ImmediateOrCancel" if ord_type == "Market" else "GoodTillCancel"
    )
    if tif_name not in _TIFS:
        raise invalid("Unsupported timeInForce")
    tif = Tif.IOC if ord_type == "Market" and tif_name != "FillOrKill" else _TIFS[tif_name]
    if "ParticipateDoNotInitiate" in exec_inst and tif in (Tif.IOC, Tif.FOK):
        raise invalid("Invalid ordType or timeInForce for execInst")
    side, quantity = _side_and_quantity(params, closes="Close" in exec_inst)
    return OrderEntry(
        symbol=symbol,
        ord_type=ord_type,
        side=side,
        quantity=quantity,
        price=None if price is None else cents(price),
        stop=None if stop is None else cents(stop),
        trigger=trigger,
        tif=tif,
        tif_name=tif_name,
        exec_inst=",".join(exec_inst),
        client_id=client_id(params, "clOrdID"),
        link_id=client_id(params, "clOrdLinkID"),
        text=params.text("text") or DEFAULT_TEXT,
    )


def client_id(params: Params, name: str) -> str:
    text = params.text(name)
    if len(text) > MAX_CLIENT_ID:
        raise invalid(f"Invalid {name}: at most {MAX_CLIENT_ID} characters")
    return text


def cents(price: Decimal) -> int:
    """Return a price (USD) in cents; no contract ticks finer."""
    whole = price * 100
    if whole != whole.to_integral_value():
        raise ApiError(400, "Invalid price tickSize")
    return int(whole)


def _side_and_quantity(params: Params, *, closes: bool) -> tuple[Side | None, int | None]:
    quantity = params.integer("orderQty")
    name = params.text("side")
    if name and name not in _SIDES:
        raise invalid("Invalid side")
    side = _SIDES.get(name)
    if quantity is None:
        if not closes:
            raise invalid("Invalid orderQty")
        return side, None
    if quantity < 0:
        if side is Side.BUY:
            raise invalid("Invalid orderQty")
        return Side.SELL, -quantity
    return side or Side.BUY, quantity


def _default_type(price: Decimal | None, stop: Decimal | None) -> str:
    if stop is None:
        return "Limit"
    return "Stop" if price is None else "StopLimit"


def _exec_inst(params: Params, *, is_stop: bool) -> tuple[list[str], TriggerKind]:
    """Return the instructions, and the price that triggers a stop."""
    parts = params.texts("execInst")
    triggers = [_TRIGGERS[part] for part in parts if part in _TRIGGERS]
    if len(triggers) > 1 or (triggers and not is_stop):
        raise invalid("Invalid ordType for execInst")
    for part in parts:
        if part not in _EXEC_INSTS and part not in _TRIGGERS:
            raise invalid("Unsupported execInst")
    return parts, triggers[0] if triggers else TriggerKind.LAST
