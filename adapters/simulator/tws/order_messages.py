"""Outgoing messages about orders and executions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from adapters.simulator.tws.contracts import CURRENCY, EXCHANGE, SEC_TYPE, IbContract
from adapters.simulator.tws.hours import stamp
from adapters.simulator.tws.messages import Fields
from adapters.simulator.tws.versions import Gate
from adapters.simulator.tws.wire import UNSET_DOUBLE, UNSET_INTEGER, Value


@dataclass(frozen=True, slots=True)
class OrderFace:
    """An order as clients are shown it. ``tif``: DAY, GTC, GTD, IOC, FOK. Prices in USD per XBT, 0 for none."""

    order_id: int
    client_id: int
    perm_id: int
    contract: IbContract
    action: str
    quantity: int
    limit: Decimal
    tif: str
    good_till: str
    account: str
    order_ref: str
    outside_rth: bool
    status: str
    filled: int
    remaining: int
    average: Decimal
    last: Decimal
    why_held: str = ""
    order_type: str = "LMT"
    stop: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class MarginState:
    """The margin an order leads to (what-if), USD: initial, maintenance and equity before, change, after."""

    before: tuple[Decimal, Decimal, Decimal]
    change: tuple[Decimal, Decimal, Decimal]
    commission: Decimal

    @property
    def after(self) -> tuple[Decimal, Decimal, Decimal]:
        initial, maintenance, equity = (b + c for b, c in zip(self.before, self.change, strict=True))
        return initial, maintenance, equity


@dataclass(frozen=True, slots=True)
class ExecutionFace:
    """One execution as clients are shown it; ``order`` is the order's face, for its identity and contract."""

    exec_id: str
    order: OrderFace
    at: datetime
    bought: bool
    quantity: int
    price: Decimal
    cumulative: int
    average: Decimal
    added_liquidity: bool
    liquidation: bool = False


def order_status(order: OrderFace) -> Fields:
    fields: Fields = [3, order.order_id, order.status, order.filled, order.remaining, order.average]
    return [*fields, order.perm_id, 0, order.last, order.client_id, order.why_held, 0]


def open_order(version: int, order: OrderFace, what_if: MarginState | None = None) -> Fields:
    fields: Fields = [5, order.order_id, *_contract(order.contract), *_head(order)]
    fields += [order.client_id, order.perm_id, order.outside_rth, 0, 0, ""]
    fields.append(f"{order.perm_id}/{order.account}/100")  # sharesAllocation, deprecated and ignored
    fields += _allocation(version)
    fields += ["", order.good_till, "", "", "", 0, "", -1, 0, "", "", "", "", "", UNSET_INTEGER]
    fields += [0, 0, 0, "", 3, 0, 0, "", 0, 0]  # blockOrder … triggerMethod
    fields += ["", 0, "None", "", 0, "", "", "", "?", 0, 0, ""]  # volatility, delta neutral
    fields += [0, 0, "", "", "", "", ""]  # continuousUpdate … comboLegsDescrip
    fields += _legs_scale_hedge()
    fields += [0, "", "IB", 0, 0, ""]  # optOutSmartRouting … algoStrategy
    fields += [0, what_if is not None, order.status, *_margins(what_if)]
    fields += [0, 0, 0]  # randomizeSize, randomizePrice, conditions
    fields += ["None", UNSET_DOUBLE, "", UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, 0]
    fields += ["", "", "", 0, 0, 0, 0, 0]  # soft dollar tier … usePriceMgmtAlgo
    if version >= Gate.DURATION:
        fields.append(UNSET_INTEGER)
    if version >= Gate.POST_TO_ATS:
        fields.append(UNSET_INTEGER)
    if version >= Gate.AUTO_CANCEL_PARENT:
        fields.append(0)
    return fields + _peg_offsets(version)


def completed_order(version: int, order: OrderFace, at: datetime) -> Fields:
    fields: Fields = [101, *_contract(order.contract), *_head(order)]
    fields += [order.perm_id, order.outside_rth, 0, 0, "", *_allocation(version)]
    fields += ["", order.good_till, "", "", "", 0, "", -1, "", "", "", "", "", UNSET_INTEGER]
    fields += [0, 0, "", 3, 0]  # sweepToFill … triggerMethod
    fields += ["", 0, "None", "", 0, 0, 0, ""]  # volatility, delta neutral
    fields += [0, 0, "", "", ""]  # continuousUpdate … comboLegsDescrip
    fields += _legs_scale_hedge()
    fields += ["", "IB", 0, 0, ""]  # clearingAccount … algoStrategy
    fields += [0, order.status, 0, 0, 0]  # solicited, status, randomize, conditions
    fields += [
        "",
        "",
        0,
        1,
        0,
        "",
        order.filled,
        UNSET_INTEGER,
        0,
        "Not an insider or substantial shareholder",
    ]
    zoned = version >= Gate.INSTRUMENT_TIMEZONE
    fields += [0, 0, "9223372036854775807", stamp(at, with_zone=zoned)]
    fields.append(f"Filled Size: {order.filled}" if order.status == "Filled" else "Cancelled by Trader")
    return fields + _peg_offsets(version)


def execution(version: int, req_id: int, fill: ExecutionFace) -> Fields:
    """``req_id``: -1 for one that just happened, else the request it answers."""
    order = fill.order
    when = stamp(fill.at, with_zone=version >= Gate.INSTRUMENT_TIMEZONE)
    fields: Fields = [
        11,
        req_id,
        order.order_id,
        *_contract(order.contract),
        fill.exec_id,
        when,
        order.account,
    ]
    fields += [EXCHANGE, "BOT" if fill.bought else "SLD", fill.quantity, fill.price, order.perm_id]
    fields += [order.client_id, fill.liquidation, fill.cumulative, fill.average, order.order_ref, "", "", ""]
    fields.append(1 if fill.added_liquidity else 2)
    if version >= Gate.PENDING_PRICE_REVISION:
        fields.append(0)
    return fields


def commission_report(exec_id: str, commission: Decimal, realised: Decimal | None) -> Fields:
    """``realised``: net of all commissions, USD; None for an execution that closed nothing."""
    return [59, 1, exec_id, commission, CURRENCY, UNSET_DOUBLE if realised is None else realised, "", ""]


def _contract(contract: IbContract) -> Fields:
    head: Fields = [contract.con_id, contract.symbol, SEC_TYPE, contract.last_trade_date, 0, ""]
    tail: Fields = [EXCHANGE, CURRENCY, contract.local_symbol, contract.trading_class]
    return [*head, contract.multiplier, *tail]


def _head(order: OrderFace) -> Fields:
    """Action to orderRef."""
    prices: Fields = [order.order_type, order.limit, order.stop]
    return [order.action, order.quantity, *prices, order.tif, "", order.account, "", 0, order.order_ref]


def _allocation(version: int) -> Fields:
    """faGroup, faMethod, faPercentage and, once, faProfile."""
    return ["", "", "", ""] if version < Gate.NO_FA_PROFILE else ["", "", ""]


def _legs_scale_hedge() -> Fields:
    """comboLegs, orderComboLegs, routing parameters, scale, hedge: none."""
    return [0, 0, 0, UNSET_INTEGER, UNSET_INTEGER, "", ""]


def _peg_offsets(version: int) -> Fields:
    return ["", "", "", "", ""] if version >= Gate.PEG_OFFSETS else []


def _margins(what_if: MarginState | None) -> Fields:
    """Nine margin figures, commission, its bounds and currency, warning."""
    if what_if is None:
        unset: list[Value] = [UNSET_DOUBLE] * 9
        return [*unset, "", "", "", "", ""]
    figures: Fields = [*what_if.before, *what_if.change, *what_if.after]
    return [*figures, what_if.commission, "", "", CURRENCY, ""]
