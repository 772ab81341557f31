"""Holding the ledger against the venues.

The venue is right about orders, positions and cash; the ledger about intent, approval and cause. What the
venues have and the ledger lacks (fills, fees, flows) is fed to the engine as if it had just arrived; what then
still differs is asked twice and reported, never adopted in silence.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import structlog

from adapters.errors import Unreachable, VenueError
from adapters.venue import Venue
from bot.engine import Engine
from bot.model.actions import Ask
from bot.model.ids import UNWRITTEN_HEDGES, Role
from bot.model.inputs import Compared, MeetAccount, SpendAttempts
from bot.orders.state import BotState, LegState
from risk.instruments import InstrumentId
from risk.money import Currency, to_units
from risk.orders import OrderUpdate
from risk.portfolio import Account, Position

log = structlog.get_logger("reconcile")

_OVERLAP = timedelta(minutes=10)
_ASK_AGAIN_AFTER = 0.5
_TRIES = 10
_CENT = to_units(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One venue's word on itself."""

    account: Account
    positions: tuple[Position, ...]
    open_orders: tuple[OrderUpdate, ...]


def differences(state: BotState, snapshots: Mapping[str, Snapshot]) -> tuple[str, ...]:
    """Return what ledger and venues disagree about, a line each, empty if nothing. Pure."""
    found: list[str] = []
    for name, snapshot in sorted(snapshots.items()):
        found += _positions(state, name, snapshot.positions)
        found += _orders(state, snapshot.open_orders)
        if not found:
            found += _cash(state, name, snapshot)
    return tuple(found)


def _positions(state: BotState, venue: str, positions: Sequence[Position]) -> list[str]:
    told: dict[InstrumentId, int] = {position.instrument: position.contracts for position in positions}
    booked = {key: contracts for key, contracts in state.positions.items() if key.venue == venue}
    return [
        f"{key}: the venue holds {told.get(key, 0)} contracts, the ledger {booked.get(key, 0)}"
        for key in sorted(told.keys() | booked.keys())
        if told.get(key, 0) != booked.get(key, 0)
    ]


def _orders(state: BotState, open_orders: Sequence[OrderUpdate]) -> list[str]:
    found = []
    for update in open_orders:
        order = state.orders.get(update.client_order_id or "")
        if order is None or order.belief.is_final:
            whose = "is not this ledger's" if order is None else f"is {order.belief} in the ledger"
            name = update.client_order_id or update.venue_order_id
            found.append(f"{update.instrument}: open order {name} ({update.side} {update.leaves}) {whose}")
    return found


def _cash(state: BotState, venue: str, snapshot: Snapshot) -> list[str]:
    if any(key[0] == venue for key in state.awaiting_fee) or venue not in state.cash_and_cost:
        return []
    cost = 0
    for position in snapshot.positions:
        if position.contracts and position.cost_units is None:
            return []  # the venue does not say what its open contracts cost: compared when flat
        cost += position.cost_units or 0
    wallet = snapshot.account.wallet
    told = wallet.units + cost if wallet.currency is Currency.XBT else wallet.units - cost
    booked = state.cash_and_cost[venue].units
    tolerance = 0 if wallet.currency is Currency.XBT else _CENT // 2
    if abs(told - booked) <= tolerance:
        return []
    return [
        f"{venue}: cash and cost come to {told} at the venue, {booked} in the ledger (1e-8 {wallet.currency})"
    ]


async def snapshot(venue: Venue) -> Snapshot:
    """Ask a venue for everything it holds. Raises VenueError: a failed query is not an empty answer."""
    account, positions, orders = await asyncio.gather(venue.account(), venue.positions(), venue.open_orders())
    return Snapshot(account, tuple(positions), tuple(orders))


class Reconciler:
    """Feeds the engine what the venues have and it lacks, then compares. One run at a time."""

    def __init__(self, engine: Engine, venues: Mapping[str, Venue]) -> None:
        self._engine = engine
        self._venues = venues
        self._running = asyncio.Lock()
        # By venue: the last thing heard when nothing before it could be missing. What is heard later does not
        # prove that nothing was missed in between.
        self._complete = dict(engine.state.last_heard)

    async def recover(self) -> None:
        """Ask about every reserved id a crash may have left behind. Raises VenueError.

        Only hedges are sent before they are on the disk; every other order is in the ledger, and asked about
        with all that is not settled. So only hedge legs lose ids here: those to unwind with are kept.
        """
        state = self._engine.state
        for order in list(state.unsettled.values()):
            await self._engine.ask(Ask(order.request.instrument, order.request.client_order_id))
        for plan in state.active_plans():
            if plan.hedges_unwritten is not None:
                await self._ask_reserved(plan.hedges_unwritten.legs[Role.HEDGE])

    async def _ask_reserved(self, leg: LegState) -> None:
        first = leg.next_attempt
        last = min(first + UNWRITTEN_HEDGES - 1, leg.last_attempt)
        for attempt in range(first, last + 1):
            await self._engine.ask(Ask(leg.instrument, leg.key.client_order_id(attempt)))
        if last >= first:
            self._engine.hear(SpendAttempts(leg.key, last))

    async def run(self) -> tuple[str, ...]:
        """Catch up, then compare; a difference counts when it is seen twice with nothing moving in between.

        Raises VenueError.
        """
        async with self._running:
            seen: tuple[str, ...] | None = None
            for _ in range(_TRIES):
                before = self._movements()
                heard = dict(self._engine.state.last_heard)
                await self._catch_up()
                found = await self._compare()
                if found and (seen != found or self._movements() != before):
                    seen = found
                    # Nothing new goes out meanwhile: the books come to rest, and a true difference costs nothing.
                    self._engine.market.reconciled = False
                    await asyncio.sleep(_ASK_AGAIN_AFTER)
                    continue
                break
            else:
                raise Unreachable("reconciliation", "compare", "the books never stood still long enough")
            if not found:
                self._complete = heard
            self._engine.hear(Compared(found))
            await self._engine.drained()
            return found

    def _movements(self) -> int:
        state = self._engine.state
        return len(state.orders) + len(state.executions) + len(state.flows) + len(state.commissions)

    async def _catch_up(self) -> None:
        state = self._engine.state
        for name, venue in self._venues.items():
            if name not in state.opened_at:
                self._engine.hear(MeetAccount(await venue.account()))
                continue
            opened = state.opened_at[name]
            since = max(opened, self._complete.get(name, opened) - _OVERLAP)
            for order in list(state.unsettled.values()):
                if order.request.instrument.venue == name:
                    await self._engine.ask(Ask(order.request.instrument, order.request.client_order_id))
            for fill in await venue.fills(since):
                self._engine.hear(fill)
            for report in await venue.commissions(since):
                self._engine.hear(report)
            for flow in await venue.cash_flows(since):
                self._engine.hear(flow)
        await self._engine.drained()

    async def _compare(self) -> tuple[str, ...]:
        snapshots = {name: await snapshot(venue) for name, venue in self._venues.items()}
        # What arrived while the venues answered is decided on before it is compared.
        await self._engine.drained()
        for taken in snapshots.values():
            self._engine.hear(MeetAccount(taken.account))
        await self._engine.drained()
        return differences(self._engine.state, snapshots)

    async def keep_running(self, every: float) -> None:
        """Reconcile again and again while nothing is in flight; a venue that does not answer is asked later."""
        while True:
            await asyncio.sleep(every)
            if self._engine.state.unsettled:
                continue
            try:
                await self.run()
            except VenueError as error:
                log.warning("reconciliation put off: %s", error)
