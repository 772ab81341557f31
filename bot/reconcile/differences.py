"""What ledger and venues disagree about. Pure."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from adapters.venue import Venue
from bot.model.differences import CashDiffers, Difference, OrderDiffers, OrderFault, PositionDiffers
from bot.orders.state import BotState
from risk.instruments import InstrumentId
from risk.money import Currency, to_units
from risk.orders import OrderUpdate
from risk.portfolio import Account, Position

_CENT = to_units(Decimal("0.01"))
# An order's word, and the fills it speaks of, come within seconds; what has not come by then does not come by itself.
_LOST_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One venue's word on itself."""

    account: Account
    positions: tuple[Position, ...]
    open_orders: tuple[OrderUpdate, ...]


async def snapshot(venue: Venue) -> Snapshot:
    """Ask a venue for everything it holds. Raises VenueError: a failed query is not an empty answer."""
    account, positions, orders = await asyncio.gather(venue.account(), venue.positions(), venue.open_orders())
    return Snapshot(account, tuple(positions), tuple(orders))


def differences(state: BotState, snapshots: Mapping[str, Snapshot]) -> tuple[Difference, ...]:
    """Return what ledger and venues disagree about, empty if nothing."""
    found: list[Difference] = []
    for name, taken in sorted(snapshots.items()):
        found += _positions(state, name, taken)
        found += _orders(state, taken)
        found += _lost(state, name, taken)
        found += _cash(state, name, taken)
    return tuple(found)


def _positions(state: BotState, venue: str, taken: Snapshot) -> Iterator[PositionDiffers]:
    told = {position.instrument: position.contracts for position in taken.positions}
    booked = {key: contracts for key, contracts in state.positions.items() if key.venue == venue}
    for key, contracts in state.left_aside.items():
        if key.venue == venue:
            booked[key] = booked.get(key, 0) + contracts
    for key in sorted(told.keys() | booked.keys()):
        if told.get(key, 0) != booked.get(key, 0):
            yield PositionDiffers(key, told.get(key, 0), booked.get(key, 0))


def _orders(state: BotState, taken: Snapshot) -> Iterator[OrderDiffers]:
    for update in taken.open_orders:
        order = state.orders.get(update.client_order_id or "")
        name = update.client_order_id or update.venue_order_id
        key = (update.instrument.venue, update.venue_order_id)
        if order is None:
            if update.leaves <= state.acknowledged.get(key, 0):
                continue
            fault, belief = OrderFault.FOREIGN, ""
        elif order.belief.is_final or order.written_off:
            fault, belief = OrderFault.REVIVED, order.belief.value
        else:
            continue
        yield OrderDiffers(
            update.instrument, fault, name, update.venue_order_id, update.side, update.leaves, belief
        )


def _lost(state: BotState, venue: str, taken: Snapshot) -> Iterator[OrderDiffers]:
    resting = {update.client_order_id for update in taken.open_orders}
    for name, order in state.unsettled.items():
        key = order.request.instrument
        if key.venue != venue or name in resting or taken.account.at - order.intended_at < _LOST_AFTER:
            continue
        yield OrderDiffers(
            key,
            OrderFault.LOST,
            name,
            order.venue_order_id,
            order.request.side,
            order.outstanding,
            order.belief.value,
        )


def _cash(state: BotState, venue: str, taken: Snapshot) -> Iterator[CashDiffers]:
    told = cash_and_cost(state, venue, taken)
    if told is None or venue not in state.cash_and_cost:
        return
    wallet = taken.account.wallet
    booked = state.cash_and_cost[venue].units
    tolerance = 0 if wallet.currency is Currency.XBT else _CENT // 2
    if abs(told - booked) > tolerance:
        yield CashDiffers(venue, wallet.currency, told, booked)


def cash_and_cost(state: BotState, venue: str, taken: Snapshot) -> int | None:
    """Return the venue's cash with the cost of its open contracts, in units, as ``BotState.cash_and_cost`` counts it.

    None while it cannot be known: a fee is awaited, or the venue does not say what its open contracts cost (then
    it is compared when flat).
    """
    if any(key[0] == venue for key in state.awaiting_fee):
        return None
    cost = 0
    for position in taken.positions:
        if not position.contracts or not counts(state, position.instrument):
            continue
        if position.cost_units is None:
            return None
        cost += position.cost_units
    wallet = taken.account.wallet
    return wallet.units + cost if wallet.currency is Currency.XBT else wallet.units - cost


def counts(state: BotState, instrument: InstrumentId) -> bool:
    """Say whether the books can hold a contract: its terms are known."""
    return instrument in state.instruments
