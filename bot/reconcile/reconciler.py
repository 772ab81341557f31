"""Holding the ledger against the venues.

The venue is right about orders, positions and cash; the ledger about intent, approval and cause. What the
venues have and the ledger lacks (fills, fees, flows) is fed to the engine as if it had just arrived; what then
still differs is asked twice and reported, never adopted in silence.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from adapters.errors import Unreachable, VenueError
from adapters.venue import Venue
from bot.engine import Engine
from bot.model.actions import Ask
from bot.model.differences import Difference, content_hash
from bot.model.ids import UNWRITTEN_HEDGES, Role
from bot.model.inputs import AdoptDifferences, Compared, Done, MeetAccount, SpendAttempts
from bot.orders.state import LegState
from bot.reconcile.adoption import adoption
from bot.reconcile.differences import Snapshot, differences, snapshot
from risk.approval import Denied

log = structlog.get_logger("reconcile")

_OVERLAP = timedelta(minutes=10)
_ASK_AGAIN_AFTER = 0.5
_ONCE_SETTLED = 1.0
_TRIES = 10


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

    async def run(self) -> tuple[Difference, ...]:
        """Catch up, then compare; a difference counts when it is seen twice with nothing moving in between.

        Raises VenueError.
        """
        async with self._running:
            return (await self._agree())[0]

    async def adopt(self, seen: str, by: str, reason: str) -> Done | Denied:
        """Adopt what is different now, if it is what the person has seen (``seen``: its content hash), and compare
        again. Raises VenueError."""
        async with self._running:
            found, snapshots = await self._agree()
            texts = tuple(map(str, found))
            if not found:
                return Denied("ADOPT_NOTHING", "a difference", "ledger and venues agree")
            if content_hash(texts) != seen:
                return Denied("ADOPT_ALTERED", content_hash(texts), seen)
            adopted = adoption(self._engine.state, self._engine.market, snapshots, found, by, reason)
            if isinstance(adopted, Denied):
                return adopted
            answer = await self._engine.command(AdoptDifferences(adopted))
            if isinstance(answer, Done):
                await self._agree()
            return answer

    async def _agree(self) -> tuple[tuple[Difference, ...], dict[str, Snapshot]]:
        seen: tuple[Difference, ...] | None = None
        for _ in range(_TRIES):
            before = self._movements()
            heard = dict(self._engine.state.last_heard)
            await self._catch_up()
            found, snapshots = await self._compare()
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
        self._engine.hear(Compared(tuple(map(str, found))))
        await self._engine.drained()
        return found, snapshots

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
            adopted = state.adopted_as_of.get(name, opened)
            since = max(opened, adopted, self._complete.get(name, opened) - _OVERLAP)
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

    async def _compare(self) -> tuple[tuple[Difference, ...], dict[str, Snapshot]]:
        snapshots = {name: await snapshot(venue) for name, venue in self._venues.items()}
        # What arrived while the venues answered is decided on before it is compared.
        await self._engine.drained()
        for taken in snapshots.values():
            self._engine.hear(MeetAccount(taken.account))
        await self._engine.drained()
        return differences(self._engine.state, snapshots), snapshots

    async def keep_running(self, every: float) -> None:
        """Reconcile again and again while nothing is in flight; a venue that does not answer is asked later."""
        wait = every
        while True:
            await asyncio.sleep(wait)
            if self._engine.state.unsettled:
                wait = min(
                    every, _ONCE_SETTLED
                )  # put off, not left out: there may be something in flight every time
                continue
            wait = every
            try:
                await self.run()
            except VenueError as error:
                log.warning("reconciliation put off: %s", error)
