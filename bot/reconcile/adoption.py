"""What adopting the differences comes to: the venues' word, beside the ledger's it replaces. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.model.differences import (
    CashDiffers,
    Difference,
    OrderDiffers,
    OrderFault,
    PositionDiffers,
    content_hash,
)
from bot.model.events import AcknowledgedOrder, Adopted, AdoptedCash, AdoptedPosition
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.reconcile.differences import Snapshot, cash_and_cost, counts
from risk.approval import Denied
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.portfolio import Position

_CENT = Decimal("0.01")


def adoption(
    state: BotState,
    market: Market,
    snapshots: Mapping[str, Snapshot],
    found: Sequence[Difference],
    by: str,
    reason: str,
) -> Adopted | Denied:
    """Return the event that takes the venues' word over for what ``found`` names, and for nothing else."""
    positions: list[AdoptedPosition] = []
    cash: list[AdoptedCash] = []
    aside: list[AdoptedPosition] = []
    for name, taken in sorted(snapshots.items()):
        differing = [
            one for one in found if isinstance(one, PositionDiffers) and one.instrument.venue == name
        ]
        aside += [
            AdoptedPosition(one.instrument, one.booked, one.told)
            for one in differing
            if not counts(state, one.instrument)
        ]
        differing = [one for one in differing if counts(state, one.instrument)]
        money = any(isinstance(one, CashDiffers) and one.venue == name for one in found)
        if not differing and not money:
            continue
        coming = _under_way(state, name, taken, found)
        if coming is not None:
            return Denied("ADOPT_UNDER_WAY", name, coming)
        told = cash_and_cost(state, name, taken)
        if told is not None:
            positions += _with_costs(state, name, taken)
            after = told
        else:
            priced = [_priced(state, market, taken, one) for one in differing]
            refused = next((one for one in priced if isinstance(one, Denied)), None)
            if refused is not None:
                return refused
            at_price = [one for one in priced if isinstance(one, AdoptedPosition)]
            positions += at_price
            after = state.cash_and_cost[name].units + sum(_settled(state, one) for one in at_price)
        before = state.cash_and_cost[name]
        cash.append(AdoptedCash(name, before, Money(before.currency, after), taken.account.at))
    orders = [one for one in found if isinstance(one, OrderDiffers)]
    texts = tuple(map(str, found))
    return Adopted(
        content_hash=content_hash(texts),
        by=by,
        reason=reason,
        differences=texts,
        positions=tuple(positions),
        cash=tuple(cash),
        left_aside=tuple(aside),
        acknowledged=tuple(
            AcknowledgedOrder(one.instrument, one.venue_order_id, one.contracts)
            for one in orders
            if one.fault is OrderFault.FOREIGN
        ),
        written_off=tuple(one.name for one in orders if one.fault is OrderFault.LOST),
        revived=tuple(one.name for one in orders if one.fault is OrderFault.REVIVED),
    )


def _under_way(state: BotState, venue: str, taken: Snapshot, found: Sequence[Difference]) -> str | None:
    """Return an order of ours whose fills may still be told: adopted now, they would be nobody's to hedge."""
    resting = {update.client_order_id for update in taken.open_orders}
    lost = {one.name for one in found if isinstance(one, OrderDiffers)}
    return next(
        (
            name
            for name, order in state.unsettled.items()
            if order.request.instrument.venue == venue and name not in resting | lost
        ),
        None,
    )


def _with_costs(state: BotState, venue: str, taken: Snapshot) -> list[AdoptedPosition]:
    """Every position of a venue that states what its contracts cost: then cash comes out right by itself."""
    told = {position.instrument: position for position in taken.positions}
    keys = {key for key in told if counts(state, key)}
    keys |= {key for key, contracts in state.positions.items() if key.venue == venue and contracts}
    return [
        AdoptedPosition(
            key, state.positions[key], _contracts(told.get(key)), cost=_cost(state, key, told.get(key))
        )
        for key in sorted(keys)
    ]


def _contracts(position: Position | None) -> int:
    return 0 if position is None else position.contracts


def _cost(state: BotState, key: InstrumentId, position: Position | None) -> Money:
    units = 0 if position is None or position.cost_units is None else position.cost_units
    return Money(state.instruments[key].terms.settlement, units)


def _priced(
    state: BotState, market: Market, taken: Snapshot, one: PositionDiffers
) -> AdoptedPosition | Denied:
    """A position of a venue that does not say what its contracts cost: the change is booked at the price of now."""
    quote = market.quotes.get(one.instrument)
    price = None if quote is None else quote.mid
    if price is None:
        held = next((position for position in taken.positions if position.instrument == one.instrument), None)
        price = None if held is None else held.entry
    if price is None:
        return Denied("ADOPT_PRICE", f"a two-sided quote of {one.instrument}", "none yet")
    return AdoptedPosition(
        one.instrument, state.positions[one.instrument], one.told, price=price.quantize(_CENT)
    )


def _settled(state: BotState, item: AdoptedPosition) -> int:
    """Return what the change of a position moves in its settlement currency, in units."""
    instrument = state.instruments[item.instrument]
    if item.price is None:
        return 0
    value = instrument.value_units(item.after - item.before, item.price)
    return value if instrument.terms.settlement is Currency.XBT else -value
