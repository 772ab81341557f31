"""Holding the ledger against the venues.

The venue is right about orders, positions and cash; the ledger about intent, approval and cause. What the
venues have and the ledger lacks (fills, fees, flows) is fed to the engine as if it had just arrived; what then
still differs is asked twice and reported, never adopted in silence.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.errors import Unreachable, VenueError
from adapters.venue import Venue
from bot.engine import Engine
from bot.model.actions import Ask
from bot.model.differences import Difference, content_hash
from bot.model.ids import UNWRITTEN_HEDGES, Role
from bot.model.inputs import AdoptDifferences, Compared, Done, MeetAccount, SpendAttempts, Warn
from bot.orders.state import LegState
from bot.reconcile.adoption import adoption
from bot.reconcile.differences import Snapshot, differences, snapshot
from bot.reconcile.settlement import settlements
from bot.reconcile.venue_delta import venue_delta
from risk.approval import Denied
from risk.orders import Fill

_OVERLAP = timedelta(minutes=10)
_ASK_AGAIN_AFTER = 0.5
_TRIES = 10
# The broker refreshes its account values every three minutes: the cash of a settlement may come after the position
# has gone.
_SETTLED_AFTER = timedelta(minutes=4)


class Reconciler:
    """Feeds the engine what the venues have and it lacks, then compares. One run at a time.

    A venue counts from its ``recover`` on; before that it has not been reached since the start. ``settled_after``:
    for how long an account must say the same before an expired position that is gone is booked as settled.
    """

    def __init__(
        self, engine: Engine, venues: Mapping[str, Venue], settled_after: timedelta = _SETTLED_AFTER
    ) -> None:
        self._engine = engine
        self._venues = venues
        self._reached: dict[str, Venue] = {}
        self._running = asyncio.Lock()
        # By venue: the last thing heard when nothing before it could be missing. What is heard later does not
        # prove that nothing was missed in between.
        self._complete = dict(engine.state.last_heard)
        # What the last comparison told: to see it again once is to have seen it twice.
        self._told: tuple[Difference, ...] = ()
        self._settled_after = settled_after
        # By venue: the settlements that explain what it shows, and since when they do.
        self._settling: dict[str, tuple[tuple[Fill, ...], datetime]] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """The venues not reached since the start."""
        return tuple(name for name in self._venues if name not in self._reached)

    async def recover(self, *names: str) -> None:
        """Ask the venues (all, or those named) about every order and reserved id a crash may have left behind.

        Only hedges are sent before they are on the disk; every other order is in the ledger, and asked about
        with all that is not settled. So only hedge legs lose ids here: those to unwind with are kept. Nothing may
        be sent to a venue before. Raises VenueError.
        """
        state = self._engine.state
        for name in names or self._venues:
            for order in list(state.unsettled.values()):
                if order.request.instrument.venue == name:
                    await self._engine.ask(Ask(order.request.instrument, order.request.client_order_id))
            for plan in state.active_plans():
                tranche = plan.hedges_unwritten
                if tranche is not None and tranche.legs[Role.HEDGE].instrument.venue == name:
                    await self._ask_reserved(tranche.legs[Role.HEDGE])
            self._reached[name] = self._venues[name]

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

    async def looks_right(self) -> bool | None:
        """Look at cash and positions only, two questions a venue, and say whether the ledger agrees.

        None while something is on its way: that is not the moment to compare. Raises VenueError.
        """
        async with self._running:
            state, before = self._engine.state, self._movements()
            if self._in_motion():
                return None
            taken = {}
            for name, venue in self._reached.items():
                account, positions = await asyncio.gather(venue.account(), venue.positions())
                taken[name] = Snapshot(account, tuple(positions), ())
            await self._meet(taken)
            if self._movements() != before or self._in_motion():
                return None
            return not differences(state, taken)

    async def _agree(self) -> tuple[tuple[Difference, ...], dict[str, Snapshot]]:
        """Compare at every venue that has been reached, and tell the engine; raises the first VenueError after that."""
        seen = self._told
        for _ in range(_TRIES):
            before, links = self._movements(), self._engine.market.link_changes
            heard = dict(self._engine.state.last_heard)
            found, snapshots, error = await self._ask_all()
            if self._engine.market.link_changes != links:
                # What was answered before a link went down does not speak of what happened while it was.
                self._engine.market.reconciled = False
                await asyncio.sleep(_ASK_AGAIN_AFTER)
                continue
            if found and (seen != found or self._movements() != before):
                seen = found
                # Nothing new goes out meanwhile: the books come to rest, and a true difference costs nothing.
                self._engine.market.reconciled = False
                await asyncio.sleep(_ASK_AGAIN_AFTER)
                continue
            break
        else:
            raise Unreachable("reconciliation", "compare", "the books never stood still long enough")
        self._told = found
        if snapshots.keys() == self._venues.keys():
            market = self._engine.market
            prices = {str(key): mid for key, mid in market.last_mids.items()}
            market.delta_venues = venue_delta(self._engine.state, snapshots, prices)
            market.delta_venues_at = max(taken.account.at for taken in snapshots.values())
        for name in snapshots:
            if name in heard and not any(name == one.venue for one in found):
                self._complete[name] = heard[name]
        self._engine.hear(
            Compared(tuple(map(str, found)), tuple(sorted(self._venues.keys() - snapshots.keys())))
        )
        await self._engine.drained()
        if error is not None:
            raise error
        return found, snapshots

    async def _ask_all(self) -> tuple[tuple[Difference, ...], dict[str, Snapshot], VenueError | None]:
        """Catch up and look, venue by venue: one that does not answer does not hide what another says."""
        error: VenueError | None = None
        snapshots = {}
        for name in self._venues:
            try:
                if name not in self._reached:
                    raise Unreachable(name, "reconcile", "not reached since the start")
                await self._catch_up(name)
                snapshots[name] = await snapshot(self._venues[name])
            except VenueError as failed:
                error = error or failed
        await self._meet(snapshots)
        for name, taken in snapshots.items():
            await self._settle(name, taken)
        return differences(self._engine.state, snapshots), snapshots, error

    async def _settle(self, name: str, taken: Snapshot) -> None:
        """Book positions that ended with their contracts, once the venue has shown the same for long enough."""
        fills = settlements(self._engine.state, taken, self._engine.market.last_mids.values())
        before, since = self._settling.get(name, ((), taken.account.at))
        if not fills:
            self._settling.pop(name, None)
        elif fills != before:
            self._settling[name] = fills, taken.account.at
            for fill in fills:
                text = (
                    f"{fill.instrument} has expired and is gone at the venue; its cash is explained by {fill.price}, "
                    f"booked if the venue says the same for {self._settled_after}"
                )
                self._engine.hear(Warn("SETTLED_LEG", text))
        elif taken.account.at - since >= self._settled_after:
            del self._settling[name]
            for fill in fills:
                self._engine.hear(fill)
            await self._engine.drained()

    async def _meet(self, snapshots: Mapping[str, Snapshot]) -> None:
        # What arrived while the venues answered is decided on before it is compared.
        await self._engine.drained()
        for taken in snapshots.values():
            self._engine.hear(MeetAccount(taken.account))
        await self._engine.drained()

    def _in_motion(self) -> bool:
        """Say whether an order is on its way; one that rests moves nothing before it fills."""
        return not all(order.is_at_rest for order in self._engine.state.unsettled.values())

    def _movements(self) -> int:
        state = self._engine.state
        booked = len(state.orders) + len(state.executions) + len(state.flows) + len(state.commissions)
        return booked + state.corrections + state.moves.steps

    async def _catch_up(self, name: str) -> None:
        state, venue = self._engine.state, self._venues[name]
        if name not in state.opened_at:
            self._engine.hear(MeetAccount(await venue.account()))
            await self._engine.drained()
            return
        opened = state.opened_at[name]
        adopted = state.adopted_as_of.get(name, opened)
        since = max(opened, adopted, self._complete.get(name, opened) - _OVERLAP)
        for order in list(state.unsettled.values()):
            if order.request.instrument.venue == name:
                await self._engine.ask(Ask(order.request.instrument, order.request.client_order_id))
        for fill in await venue.fills(since):
            self._engine.hear(fill)
        for bust in await venue.busts(since):
            self._engine.hear(bust)
        for report in await venue.commissions(since):
            self._engine.hear(report)
        for flow in await venue.cash_flows(since):
            self._engine.hear(flow)
        await self._engine.drained()
