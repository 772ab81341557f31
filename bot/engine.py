"""The engine: one inbox, one loop — decide → append → act → wake the writer.

A fill's way: socket → adapter → ``hear`` → ``decide`` → event appended in memory (sequence, hash) → hedge
written to the socket → writer thread woken → journal. Read ``run`` and ``_take``; the rest carries things out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from adapters.clock import Clock
from adapters.errors import NotSent, OutcomeUnknown, Refused, Throttled, VenueError
from adapters.venue import Capabilities, Venue, VenueEvent
from bot.automation.watch import watch
from bot.model.actions import Action, Ask, AskMargin, Cancel, StandDown, Submit
from bot.model.describe import describe
from bot.model.events import AttemptsSpent, Event, OrderIntended, Recorded, TicketApproved
from bot.model.ids import FLATTEN_PREFIX, UNWRITTEN_HEDGES, LegKey, parse_client_order_id
from bot.model.inputs import (
    Command,
    Done,
    Input,
    MarginAnswer,
    OrderAnswer,
    SubmitRefused,
    SubmitUnknown,
    Tick,
)
from bot.model.policy import Policy
from bot.orders.decide import decide
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose
from risk.orders import Fill, OrderRequest, OrderUpdate, TimeInForce

log = structlog.get_logger("engine")

# What a turn decides is written to its socket in this time, and the disk can wait that long: what may not go before it
# is on the disk wakes the writer by itself. Else its thread takes the processor from the fill that comes right behind
# the word on its order.
_WAKE_AFTER = 0.002
# So many events are told at the latest, however full the inbox is.
_MOST_UNTOLD = 200
# Fills are asked for from a little before the order was intended: the venue's clock is not ours.
_CLOCK_SLACK = timedelta(minutes=1)
# How long a run that must end waits for the hedges it sends as its last act.
_LAST_RESORT = 5.0
_MILLISECOND = timedelta(milliseconds=1)


def _can_rest(capabilities: Capabilities) -> bool:
    return capabilities.dead_mans_switch and capabilities.post_only


class Store(Protocol):
    """The ledger, as the engine needs it."""

    def append_all(self, events: Sequence[Event], at: datetime) -> list[Recorded]: ...
    def wake(self) -> None: ...
    async def durable(self, seq: int) -> None: ...


class Engine:
    """Takes inputs one at a time. ``gate`` returns why nothing may be sent (the flatten latch), else None."""

    def __init__(
        self,
        store: Store,
        venues: Mapping[str, Venue],
        policy: Policy,
        clock: Clock,
        state: BotState,
        gate: Callable[[], str | None],
        tick: float = 0.1,
    ) -> None:
        self.state = state
        self.market = Market(
            what_ifs=frozenset(name for name, venue in venues.items() if venue.capabilities.what_if),
            switches=frozenset(name for name, venue in venues.items() if _can_rest(venue.capabilities)),
            stops=frozenset(name for name, venue in venues.items() if venue.capabilities.stops),
        )
        self.policy = policy
        self._store = store
        self._venues = venues
        self._clock = clock
        self._gate = gate
        self._tick = tick
        self._inbox: asyncio.Queue[tuple[Input, asyncio.Future[Done | Denied] | None, float]] = (
            asyncio.Queue()
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[str] = set()
        self._last_seq = 0
        self._durable = 0
        self._authority: dict[LegKey, int] = {}
        self._hedges: dict[str, int] = {}
        self._waking: asyncio.TimerHandle | None = None
        self._armed: set[str] = set()
        self._switching = {name: asyncio.Lock() for name in venues}
        self._broken: BaseException | None = None
        self._unwritten = False
        self._untold: list[Recorded] = []
        self._has_ended = False
        self.adopt: Callable[[], None] = lambda: None
        "Takes in what the emergency command has written down of its orders."
        self.listeners: list[Callable[[Recorded], None]] = []
        self._heard_at = clock.monotonic()
        self.on_input: Callable[[float], None] = lambda seconds: None
        "Told of each input how many seconds it waited."
        self.on_hedge: Callable[[float], None] = lambda seconds: None
        "Told of each hedge: the seconds from hearing what called for it to handing it to the venue's client."

    def hear(self, given: VenueEvent | Input) -> None:
        """Take an input. Never blocks; call it on the loop's thread."""
        if isinstance(given, Fill | OrderUpdate) and (given.client_order_id or "").startswith(FLATTEN_PREFIX):
            # Whoever tells it, a stream or an answer: its order's intent comes before it, or it would be a stranger's.
            self.adopt()
        self._inbox.put_nowait((given, None, self._clock.monotonic()))

    async def command(self, command: Command) -> Done | Denied:
        """Carry out a person's command. Answers when what it did is durable."""
        answer = await self._asked(command)
        await self._store.durable(self._last_seq)
        return answer

    async def drained(self) -> None:
        """Return when everything heard so far has been decided on."""
        await self._asked(Tick())

    async def _asked(self, given: Input) -> Done | Denied:
        reply: asyncio.Future[Done | Denied] = asyncio.get_running_loop().create_future()
        if self._has_ended:
            reply.cancel()
        self._inbox.put_nowait((given, reply, self._clock.monotonic()))
        return await reply

    async def run(self) -> None:
        """Decide for ever. An error in a decision, or one nobody foresaw in carrying it out, ends the bot: a restart
        rebuilds from the ledger and asks the venues. So does a ledger that fails, once what is out is hedged."""
        self._spawn(self._ticking())
        waiting: asyncio.Future[Done | Denied] | None = None
        try:
            while True:
                given, reply, heard_at = await self._inbox.get()
                waiting = reply
                self._heard_at = heard_at
                self.on_input(self._clock.monotonic() - heard_at)
                if self._broken is not None:
                    raise self._broken
                answer = self._take(given)
                if reply is not None:
                    self._tell()
                    if not reply.done():
                        reply.set_result(answer or Done(""))
                # A full inbox must not keep back what was just decided: let the orders reach their sockets.
                await asyncio.sleep(0)
                # Whoever only listens can wait until what else has been heard, a fill perhaps, is decided on.
                if self._inbox.empty() or len(self._untold) > _MOST_UNTOLD:
                    self._tell()
        except Exception:
            if self._unwritten:
                await self._stand_by()
            raise
        finally:
            self._tell()
            tasks = [*self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._waking is not None:
                self._waking.cancel()
            self._abandon(waiting)

    def _abandon(self, waiting: "asyncio.Future[Done | Denied] | None") -> None:
        """Nobody decides any more: let go of whoever waits for an answer."""
        self._has_ended = True
        replies = [waiting]
        while not self._inbox.empty():
            replies.append(self._inbox.get_nowait()[1])
        for reply in replies:
            if reply is not None and not reply.done():
                reply.cancel()

    async def _stand_by(self) -> None:
        """For a moment yet, hedge what fills of the orders that are out: the ledger takes nothing any more, and the
        next start may be far away."""
        self.market.reconciled = False  # nothing new is worked
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_RESORT):
                while self.state.is_moving:
                    given, reply, _ = await self._inbox.get()
                    if reply is not None:
                        reply.cancel()
                        continue
                    turn = self._turn()
                    decide(turn, given)
                    self._hedge_regardless(turn)

    async def _ticking(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            # A ledger that has failed says so, although nothing is appended.
            await self._written(0)
            self.hear(Tick())

    async def _written(self, seq: int) -> None:
        """Return once event ``seq`` is on the disk."""
        try:
            await self._store.durable(seq)
        except Exception:
            self._unwritten = True
            raise

    def _turn(self) -> Turn:
        self.market.latched = self._gate()
        for name, venue in self._venues.items():
            left = venue.rate_left
            if left is not None:
                self.market.rates_left[name] = left
            self.market.order_waits[name] = venue.order_wait
        return Turn(self.state, self.market, self.policy, self._clock.now())

    def _take(self, given: Input) -> Done | Denied | None:
        turn = self._turn()
        answer = decide(turn, given)
        if isinstance(given, Tick):
            watch(turn)
        try:
            recorded = self._store.append_all(turn.events, turn.now) if turn.events else []
        except Exception:
            self._unwritten = True
            self._hedge_regardless(turn)
            raise
        for entry in recorded:
            self._last_seq = entry.seq
            if isinstance(entry.event, TicketApproved | AttemptsSpent):
                self._authority[entry.event.leg] = entry.seq
        intents = {
            entry.event.request.client_order_id: entry.seq
            for entry in recorded
            if isinstance(entry.event, OrderIntended)
        }
        for action in turn.actions:
            if isinstance(action, Submit):
                self._spawn(self._submit(action, self._first(action, intents), self._heard_at))
            else:
                self._spawn(self._carry_out(action))
        if recorded and self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(_WAKE_AFTER, self._wake)
        self._untold += recorded
        return answer

    def _tell(self) -> None:
        """Tell log and listeners what has been decided."""
        untold, self._untold = self._untold, []
        for entry in untold:
            log.info(describe(entry.event), seq=entry.seq, kind=type(entry.event).__name__)
            for listener in self.listeners:
                listener(entry)

    def _wake(self) -> None:
        self._waking = None
        self._store.wake()

    def _first(self, action: Submit, intents: Mapping[str, int]) -> int:
        """Return the event that must be on the disk before the order goes: its intent; of a hedge, what reserved its
        id and the intent of the hedge so many before it, which nearly always are there long since."""
        client_id = action.order.request.client_order_id
        parsed = parse_client_order_id(client_id)
        if action.wait_durable or parsed is None:
            return intents[client_id]
        leg, attempt = parsed
        self._hedges[client_id] = intents.get(client_id, self._last_seq)
        earlier = attempt - UNWRITTEN_HEDGES
        written = self._hedges.pop(leg.client_order_id(earlier), 0) if earlier > 0 else 0
        return max(self._authority.get(leg, 0), written)

    def _hedge_regardless(self, turn: Turn) -> None:
        """The ledger has failed, and with it this run. What has filled is hedged all the same where the hedge's id is
        known to be on the disk: the next start asks about it."""
        lost = {event.leg for event in turn.events if isinstance(event, TicketApproved | AttemptsSpent)}
        for action in turn.actions:
            if isinstance(action, Cancel):
                self._spawn(self._carry_out(action))
            if not isinstance(action, Submit) or action.wait_durable:
                continue
            parsed = parse_client_order_id(action.order.request.client_order_id)
            if parsed is not None and parsed[0] in lost:
                continue  # its authority is of this very turn, which was not written down
            if self._first(action, {}) <= self._durable:
                log.error(
                    "the ledger has failed: hedging regardless", order=action.order.request.client_order_id
                )
                self._spawn(self._submit(action, 0, self._heard_at))

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self._broken is None:
            self._broken = error
            self.hear(Tick())  # wakes the loop, which ends upon it

    async def _submit(self, action: Submit, first: int, heard_at: float) -> None:
        """Send an order once event ``first`` is on the disk (0: at once). ``heard_at``: what called for it."""
        request = action.order.request
        client_id = request.client_order_id
        if first > self._durable:
            try:
                await self._written(first)
            except Exception:
                detail = "the ledger has failed"
                self.hear(SubmitRefused(client_id, "NOT_SENT", detail, reached_venue=False))
                raise
            self._durable = max(self._durable, first)
        closed = self._gate()
        if closed is not None and action.order.purpose is not Purpose.FLATTEN:
            self.hear(SubmitRefused(client_id, "FLATTEN_LATCH", closed, reached_venue=False))
            return
        if not action.wait_durable:
            self.on_hedge(self._clock.monotonic() - heard_at)
        try:
            if request.time_in_force is TimeInForce.GTC:
                await self.guard(request)
        except VenueError as error:
            # What would outlive the bot is not sent.
            self.hear(SubmitRefused(client_id, "NOT_SENT", str(error), reached_venue=False))
            return
        try:
            self.hear(await self._venues[request.instrument.venue].submit(action.order))
        except Throttled as error:
            self.hear(SubmitRefused(client_id, error.code, error.detail, reached_venue=False))
        except Refused as error:
            self.hear(SubmitRefused(client_id, error.code, error.detail, reached_venue=True))
        except NotSent as error:
            self.hear(SubmitRefused(client_id, "NOT_SENT", error.detail, reached_venue=False))
        except OutcomeUnknown as error:
            self.hear(SubmitUnknown(client_id, error.detail))
        except VenueError as error:
            # Nothing else says the order does not exist.
            self.hear(SubmitUnknown(client_id, str(error)))

    async def guard(self, request: OrderRequest) -> None:
        """Have the venue cancel what rests there if we fall silent; but the switch takes every order of the account,
        and is never armed where a stop rests. Raises VenueError."""
        async with self._switching[request.instrument.venue]:
            await self._guard(request)

    async def _guard(self, request: OrderRequest) -> None:
        venue = request.instrument.venue
        if request.trigger is not None:
            # Also one that an earlier run has left armed: it would fire within its time, and take the stop.
            self._armed.discard(venue)
            if self._venues[venue].capabilities.dead_mans_switch:
                await self._venues[venue].disarm_dead_mans_switch()
            return
        if self.state.stops_at(venue):
            detail = "protective stops rest there, and the dead man's switch would cancel them"
            raise NotSent(venue, f"rest {request.client_order_id}", detail)
        if venue not in self._armed:
            await self._venues[venue].arm_dead_mans_switch(self.policy.switch_after // _MILLISECOND)
            self._armed.add(venue)

    async def _carry_out(self, action: Action) -> None:
        try:
            match action:
                case Ask():
                    if action.client_order_id not in self._asking:
                        self._asking.add(action.client_order_id)
                        try:
                            await self.ask(action)
                        finally:
                            self._asking.discard(action.client_order_id)
                case Cancel():
                    await self._venues[action.instrument.venue].cancel(
                        action.instrument, action.client_order_id
                    )
                case AskMargin():
                    await self._ask_margin(action)
                case StandDown():
                    await self.stand_down(action.venue)
                case Submit():
                    raise TypeError("a submit is carried out with its sequence number")
        except VenueError as error:
            log.warning(str(error))

    async def stand_down(self, venue: str) -> None:
        """Let the switch of a venue go, unless something rests there again. Raises VenueError."""
        async with self._switching[venue]:
            if venue in self.market.armed:
                return  # something rests there again: its own going called for the switch meanwhile
            self._armed.discard(venue)
            await self._venues[venue].disarm_dead_mans_switch()

    async def _ask_margin(self, action: AskMargin) -> None:
        request = action.request
        try:
            impact = await self._venues[request.instrument.venue].what_if(request)
        except VenueError as error:
            log.warning(str(error))
            self.hear(MarginAnswer(request, None, str(error)))
        else:
            self.hear(MarginAnswer(request, impact))

    async def ask(self, action: Ask) -> None:
        """Ask a venue what became of an order, and for the fills it speaks of. Raises VenueError."""
        venue = self._venues[action.instrument.venue]
        update = await venue.order(action.instrument, action.client_order_id)
        order = self.state.orders.get(action.client_order_id)
        if update is not None and (order is None or update.filled > order.filled):
            since = self._clock.now() if order is None else order.intended_at
            fills = await venue.fills(since - _CLOCK_SLACK)
            # The order first: its fills are then recognised as ours, even after a crash.
            self.hear(OrderAnswer(action.instrument, action.client_order_id, update))
            for fill in fills:
                self.hear(fill)
            return
        self.hear(OrderAnswer(action.instrument, action.client_order_id, update))
