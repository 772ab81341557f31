"""Two venues that misbehave at random, a person, and the decisions between them. Time is the test's.

The venues know the truth: what exists, what has filled. What they tell comes late, twice, in another order, or
not at all before it is asked for. Everything random is drawn from one ``random.Random``.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from adapters.venue import ClockSeen, HoursAnnounced, Link, LinkState
from bot.model.actions import Cancel, Submit
from bot.model.events import FillBooked, OrderIntended, TicketApproved
from bot.model.ids import Role
from bot.model.inputs import (
    CancelPlan,
    Compared,
    Input,
    LoadInstrument,
    OrderAnswer,
    SetTradingState,
    SpendAttempts,
    SubmitRefused,
    SubmitUnknown,
    Tick,
)
from bot.model.plans import PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.fold import apply
from risk.approval import Purpose
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import Fill, OrderRequest, OrderStatus, OrderUpdate, Side, TimeInForce
from risk.portfolio import Level, Quote, Skew
from risk.sessions import TradingHours
from risk.terms import Kind
from tests.unit.bot.desk import INSTRUMENTS, MBT, POLICY, XBTUSD, D, Desk, spec

NAMES = {"bitmex": XBTUSD, "cme": MBT}
# Reserved ids asked about after a crash, as the reconciler does.
LOOK_AHEAD = 5
TICKS = {"bitmex": D("0.1"), "cme": D(5)}

FATES = {
    "good": 60,  # acknowledged and matched
    "refused": 8,
    "lost": 6,  # a timeout, and it never arrived
    "unheard": 10,  # a timeout; it was matched, and nothing of that is told before somebody asks
    "late": 6,  # a timeout, and it arrives a little later
    "slow": 6,  # no answer for seconds: it is still on its way while it is asked about
    "false_cancel": 5,  # "cancelled", it says, and then it fills
    "forgotten": 2,  # acknowledged, cancelled unheard, and the venue knows nothing of it any more
    "very_late": 1,  # a timeout, and it arrives when nobody believes in it any more
}

OF_RESTING = ("left in the book", "pulled")
"""What may happen to those that rest."""


@dataclass
class Placed:
    """The truth about one order."""

    request: OrderRequest
    purpose: Purpose
    exists: bool = False
    is_final: bool = False
    arrives: datetime | None = None
    is_slow: bool = False
    false_cancel: bool = False
    very_late: bool = False
    rests: bool = False
    executions: list[Fill] = field(default_factory=list)

    @property
    def filled(self) -> int:
        return sum(fill.quantity for fill in self.executions)


class World:
    """``kind``: of the plan's direction and purpose. ``calm``: everything from now on goes well."""

    def __init__(self, rng: Random, **plan: object) -> None:
        self.rng = rng
        self.calm = False
        self.mid = {"bitmex": D(80_000), "cme": D(80_700)}
        self.up = {"bitmex": True, "cme": True}
        self.told_up = dict(self.up)
        self.clocks = {"bitmex": 0.0, "cme": 0.0}
        """By venue: seconds its clock was last told to be ahead of ours."""
        self.placed: dict[str, Placed] = {}
        self.mail: list[tuple[str, Input]] = []
        self.heard: dict[tuple[str, str], Fill] = {}
        self.fates: Counter[str] = Counter()
        self.late_xbt = D(0)
        self.asked = 0
        self.sent: list[Submit] = []
        self.uncontained: list[str] = []
        self.spent: list[tuple[str, int]] = []
        self.durable = 0
        self.executions = 0
        policy = replace(POLICY, max_inverse_margin=D(9))
        self.desk = Desk.ready(policy)
        self.desk.market.switches = frozenset({"bitmex"})
        self.held: Counter[InstrumentId] = Counter()
        self.wanted = spec(**plan)

    def hold(self, inverse: int, linear: int) -> None:
        """Start from positions (of foreign fills)."""
        self.desk.hold(inverse, linear)
        for event, _ in self.desk.events:
            if isinstance(event, FillBooked):
                self.heard[event.fill.instrument.venue, event.fill.execution_id] = event.fill
                self.held[event.fill.instrument] += event.fill.signed_quantity

    # --- time and the market -----------------------------------------------------------------------------

    def give(self, given: Input) -> None:
        if isinstance(given, Link):
            self.told_up[given.venue] = given.state is LinkState.UP
        if isinstance(given, ClockSeen):
            self.clocks[given.venue] = abs(given.skew.least.total_seconds())
        if isinstance(given, Fill):
            self.heard[given.instrument.venue, given.execution_id] = given
        before, others = len(self.desk.sent), len(self.desk.other)
        self.desk.give(given)
        for submit in self.desk.sent[before:]:
            self._accept(submit)
        for action in self.desk.other[others:]:
            if isinstance(action, Cancel):
                self._cancel(action)

    def quote(self, venue: str) -> None:
        move = 0 if self.calm else self.rng.choice((-3, -1, 0, 0, 1, 3))
        self.mid[venue] += self.mid[venue].quantize(D(1)) * move / 10_000
        book = self.book(venue)
        if self.up[venue]:
            self.give(book)
        for placed in list(self.placed.values()):
            if placed.rests and placed.request.instrument.venue == venue:
                self._trade_through(placed)

    def book(self, venue: str) -> Quote:
        tick = TICKS[venue]
        bid = (self.mid[venue] // tick) * tick
        level = 10**7
        return Quote(NAMES[venue].id, (Level(bid, level),), (Level(bid + tick, level),), self.desk.now)

    def tick(self, seconds: float) -> None:
        self.desk.now += timedelta(seconds=seconds)
        for placed in self.placed.values():
            if placed.arrives is not None and placed.arrives <= self.desk.now:
                placed.arrives = None
                self._arrive(placed, tell=True)
            until = placed.request.expires_at
            if placed.rests and until is not None and until <= self.desk.now:
                self._end(placed)
        self.give(Tick())
        self._hear_questions()

    # --- orders at the venue -----------------------------------------------------------------------------

    def _accept(self, submit: Submit) -> None:
        request, venue = submit.order.request, submit.order.request.instrument.venue
        self.sent.append(submit)
        problem = contained(self, submit) or forbidden(self, submit)
        if problem is not None:
            self.uncontained.append(f"{request}: {problem}")
        if submit.wait_durable:
            self.durable = len(self.desk.events)
        placed = self.placed.setdefault(request.client_order_id, Placed(request, submit.order.purpose))
        if not self.up[venue]:
            self._post(venue, SubmitRefused(request.client_order_id, "NOT_SENT", "no link", False))
            return
        fate = "good" if self.calm else self.rng.choices(list(FATES), list(FATES.values()))[0]
        self.fates[fate] += 1
        if fate == "refused":
            self._post(venue, SubmitRefused(request.client_order_id, "OVERLOADED", "busy", True))
            return
        if fate == "forgotten":
            placed.is_final = True
            self._tell(placed, OrderStatus.NEW, 0)
            self._post(venue, SubmitUnknown(request.client_order_id, "timeout"))
            return
        if fate in ("lost", "unheard", "late", "very_late"):
            self._post(venue, SubmitUnknown(request.client_order_id, "timeout"))
        if fate in ("late", "slow"):
            placed.is_slow = fate == "slow"
            seconds = self.rng.uniform(0, 8 if placed.is_slow else 2)
            placed.arrives = self.desk.now + timedelta(seconds=seconds)
        if fate == "very_late":
            placed.very_late = True
            placed.arrives = self.desk.now + timedelta(seconds=self.rng.uniform(15, 60))
        if fate in ("good", "unheard"):
            self._arrive(placed, tell=fate == "good")
        if fate == "false_cancel":
            placed.false_cancel = True
            self._tell(placed, OrderStatus.CANCELED, 0)
            self._arrive(placed, tell=True)

    def _arrive(self, placed: Placed, *, tell: bool) -> None:
        """Match an order against the book as it stands; one that rests stays in it."""
        placed.exists = True
        request = placed.request
        if request.time_in_force is not TimeInForce.IOC and not (placed.false_cancel or placed.very_late):
            self._rest(placed, tell=tell)
            return
        venue, lot = request.instrument.venue, NAMES[request.instrument.venue].terms.lot
        if tell and (placed.is_slow or self.rng.random() < 0.5):
            self._tell(placed, OrderStatus.NEW, 0)
        level = self.book(venue).take(request.side)
        assert level is not None
        reaches = (request.price - level.price) * request.side.sign >= 0
        share = 1.0 if self.calm else self.rng.choice((1.0, 1.0, 1.0, 0.5, 0.3, 0.0))
        lots = int(request.quantity // lot * share) if reaches else 0
        while lots > 0:
            part = lots if self.calm else self.rng.randint(1, lots)
            lots -= part
            self._execute(placed, part * lot, level.price, tell=tell)
        placed.is_final = True
        whole = placed.filled == request.quantity
        if tell and not placed.false_cancel:
            self._tell(placed, OrderStatus.FILLED if whole else OrderStatus.CANCELED, placed.filled)

    def _rest(self, placed: Placed, *, tell: bool) -> None:
        request = placed.request
        self.fates["left in the book"] += 1
        level = self.book(request.instrument.venue).take(request.side)
        assert level is not None
        placed.rests = True
        if tell:
            self._tell(placed, OrderStatus.NEW, 0)
        if (request.price - level.price) * request.side.sign >= 0:
            if request.post_only:
                self._end(placed, tell=tell)
            else:
                self._trade_through(placed)

    def _trade_through(self, placed: Placed) -> None:
        """Let somebody take from an order that rests, if the market has come to its price; in calm, anyway."""
        request = placed.request
        level = self.book(request.instrument.venue).take(request.side)
        assert level is not None
        reached = (request.price - level.price) * request.side.sign >= 0
        if not reached and not self.calm:
            return
        lot = NAMES[request.instrument.venue].terms.lot
        left = (request.quantity - placed.filled) // lot
        part = left if self.calm else self.rng.randint(1, left)
        self._execute(placed, part * lot, request.price, tell=self.up[request.instrument.venue])
        if placed.filled == request.quantity:
            placed.rests, placed.is_final = False, True
            self._tell(placed, OrderStatus.FILLED, placed.filled)

    def _end(self, placed: Placed, *, tell: bool = True) -> None:
        placed.rests, placed.is_final = False, True
        if tell:
            self._tell(placed, OrderStatus.CANCELED, placed.filled)

    def _cancel(self, action: Cancel) -> None:
        """A cancel arrives, or is lost on its way."""
        placed = self.placed.get(action.client_order_id)
        lost = not self.up[action.instrument.venue] or (not self.calm and self.rng.random() < 0.2)
        if placed is not None and placed.rests and not lost:
            self.fates["pulled"] += 1
            if not self.calm and self.rng.random() < 0.2:
                self._trade_through(placed)  # it lost its race
            if placed.rests:
                self._end(placed)

    def _dead_mans_switch(self) -> None:
        """The bot has fallen silent: nothing that it guards rests any longer, and nobody is told."""
        for placed in self.placed.values():
            if placed.rests and placed.request.time_in_force is TimeInForce.GTC:
                self._end(placed, tell=False)

    def _execute(self, placed: Placed, quantity: int, price: Decimal, *, tell: bool) -> None:
        request = placed.request
        self.executions += 1
        fill = Fill(
            f"e{self.executions}",
            request.instrument,
            request.client_order_id,
            f"v-{request.client_order_id}",
            request.side,
            quantity,
            price,
            self.desk.now,
            Money(Currency.XBT, 5) if request.instrument == XBTUSD.id else None,
        )
        placed.executions.append(fill)
        if placed.false_cancel or placed.very_late:
            self.late_xbt += abs(NAMES[request.instrument.venue].xbt(quantity, price))
        if tell:
            self._post(request.instrument.venue, fill)
            if self.rng.random() < 0.3:
                self._tell(placed, OrderStatus.PARTIALLY_FILLED, placed.filled)

    def _truth(self, placed: Placed) -> OrderUpdate:
        if not placed.is_final:
            return self._update(placed, OrderStatus.NEW, placed.filled)
        whole = placed.filled == placed.request.quantity
        return self._update(placed, OrderStatus.FILLED if whole else OrderStatus.CANCELED, placed.filled)

    def _update(self, placed: Placed, status: OrderStatus, filled: int) -> OrderUpdate:
        return replace(
            self.desk.update(status, filled, placed.request),
            venue_order_id=f"v-{placed.request.client_order_id}",
        )

    # --- what is told ------------------------------------------------------------------------------------

    def _tell(self, placed: Placed, status: OrderStatus, filled: int) -> None:
        self._post(placed.request.instrument.venue, self._update(placed, status, filled))

    def _post(self, venue: str, given: Input) -> None:
        """Put a message on its way. While the link is down the venue's own are lost; ours are not its."""
        ours = isinstance(given, SubmitRefused | SubmitUnknown)
        if not self.up[venue] and not ours:
            return
        self.mail.append((venue, given))
        if not ours and not self.calm and self.rng.random() < 0.15:
            self.mail.append((venue, given))

    def deliver(self) -> None:
        """Deliver one message, not necessarily the oldest."""
        if self.mail:
            index = 0 if self.calm or self.rng.random() < 0.6 else self.rng.randrange(len(self.mail))
            self.give(self.mail.pop(index)[1])

    def _hear_questions(self) -> None:
        for ask in self.desk.asked[self.asked :]:
            venue = ask.instrument.venue
            if self.up[venue] and (self.calm or self.rng.random() < 0.7):
                self._answer(ask.instrument, ask.client_order_id)
        self.asked = len(self.desk.asked)

    def _answer(self, instrument: InstrumentId, client_order_id: str) -> None:
        placed = self.placed.get(client_order_id)
        known = placed is not None and placed.exists
        update = self._truth(placed) if placed is not None and known else None
        self.mail.append((instrument.venue, OrderAnswer(instrument, client_order_id, update)))
        for fill in placed.executions if placed is not None else ():
            self.mail.append((instrument.venue, fill))

    # --- links, people, crashes --------------------------------------------------------------------------

    def cut(self, venue: str) -> None:
        if self.up[venue]:
            for placed in self.placed.values():
                # What was on its way arrives or does not; nobody will hear, so its sender has a timeout.
                if placed.is_slow and placed.arrives is not None and placed.request.instrument.venue == venue:
                    placed.arrives = None
                    if self.rng.random() < 0.5:
                        self._arrive(placed, tell=False)
                    self._post(venue, SubmitUnknown(placed.request.client_order_id, "the link dropped"))
            if venue == "bitmex" and self.rng.random() < 0.5:
                self._dead_mans_switch()
            self.up[venue] = False
            self.mail = [
                (name, given)
                for name, given in self.mail
                if name != venue or isinstance(given, SubmitRefused | SubmitUnknown)
            ]
            self.give(Link(venue, LinkState.DOWN, self.desk.now))

    def mend(self, venue: str) -> None:
        """Bring the link up; the adapter tells what was missed, and books and venues are compared."""
        if self.up[venue]:
            return
        self.up[venue] = True
        self.give(Link(venue, LinkState.UP, self.desk.now))
        self.catch_up()

    def set_clock(self, venue: str, seconds: float) -> None:
        """The venue's clock is told to be so far ahead of ours."""
        ahead = timedelta(seconds=seconds)
        self.give(ClockSeen(venue, Skew(ahead, ahead)))

    def catch_up(self) -> None:
        if not all(self.up.values()):
            return
        for placed in list(self.placed.values()):
            for fill in placed.executions:
                self.give(fill)
        self.give(Compared(()))

    def person(self) -> None:
        """Answer tickets, mostly with yes; now and then stop trading, go on, or call it off."""
        roll = 0.0 if self.calm else self.rng.random()
        if self.desk.tickets:
            self.give(Tick())  # over a crash the time of a ticket may have passed
        if self.desk.tickets and roll < 0.8:
            before = len(self.desk.sent)
            self.desk.approve()
            self.durable = len(self.desk.events)
            for submit in self.desk.sent[before:]:
                self._accept(submit)
        elif roll > 0.97:
            self.give(CancelPlan(self.wanted.plan_id, "anna"))
        elif roll > 0.9:
            self.give(
                SetTradingState(self.rng.choice([TradingState.HALTED, TradingState.ACTIVE]), "anna", "x")
            )

    def crash(self) -> None:
        """Lose what was not on the disk yet, start again from the ledger, and ask about every reserved id."""
        old = self.desk
        # A hedge waits for no disk, so at most the last few events are missing, never an order that waited.
        kept = max(self.durable, len(old.events) - self.rng.randint(0, 6))
        desk = Desk(old.policy, old.linear)
        desk.events, desk.now, desk.executions = old.events[:kept], old.now, old.executions
        desk.asked = []
        self.asked = 0
        for event, at in desk.events:
            apply(desk.state, event, at)
        booked = {
            (event.fill.instrument.venue, event.fill.execution_id)
            for event, _ in desk.events
            if isinstance(event, FillBooked)
        }
        self.heard = {key: fill for key, fill in self.heard.items() if key in booked}
        self.desk = desk
        self.mail.clear()
        self.clocks = dict.fromkeys(self.clocks, 0.0)  # nothing is known of them, until they are told again
        self.durable = len(desk.events)
        away = self.rng.choice((1, 30))
        desk.now += timedelta(seconds=away)
        if away > 20:
            self._dead_mans_switch()
        desk.market.switches = frozenset({"bitmex"})
        for placed in self.placed.values():  # whatever was on its way has arrived meanwhile
            if placed.arrives is not None:
                placed.arrives = None
                self._arrive(placed, tell=False)
        for instrument in NAMES.values():
            self.give(LoadInstrument(instrument))
            self.give(HoursAnnounced(instrument.id, TradingHours.always()))
        self._recover()
        for venue in NAMES:
            self.up[venue] = True
            self.give(Link(venue, LinkState.UP, desk.now))
            self.quote(venue)
        self.catch_up()

    def _recover(self) -> None:
        for plan in self.desk.state.active_plans():
            tranche = plan.current
            if tranche is None or not tranche.armed:
                continue
            for role, leg in tranche.legs.items():
                if role is not Role.HEDGE or leg.envelope is None:
                    continue
                first = leg.next_attempt
                last = min(first + LOOK_AHEAD - 1, leg.last_attempt)
                for attempt in range(first, last + 1):
                    self._answer(leg.instrument, leg.key.client_order_id(attempt))
                    while self.mail:
                        self.give(self.mail.pop(0)[1])
                if last >= first:
                    self.give(SpendAttempts(leg.key, last))
                    self.spent.append((str(leg.key), last - first + 1))
                    self.durable = len(self.desk.events)  # no hedge is sent before this is

    # --- a life ------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Let one thing happen."""
        roll = self.rng.random()
        if roll < 0.45:
            self.deliver()
        elif roll < 0.70:
            self.tick(self.rng.choice((0.05, 0.2, 0.5, 1.0, 3.0)))
        elif roll < 0.85:
            self.quote(self.rng.choice(("bitmex", "cme")))
        elif roll < 0.93:
            self.person()
        elif roll < 0.935:
            self.set_clock(self.rng.choice(("bitmex", "cme")), self.rng.choice((-60, -3, 0, 0, 3)))
        elif roll < 0.96:
            self.cut(self.rng.choice(("bitmex", "cme")))
        elif roll < 0.99:
            for venue in NAMES:
                self.mend(venue)
            if not self.desk.market.reconciled:
                self.catch_up()
        else:
            self.crash()

    def heal(self) -> None:
        """Let everything go well until the plan has ended and nothing is open."""
        self.calm = True
        for venue in NAMES:
            self.mend(venue)
            self.set_clock(venue, 0)
        self.give(SetTradingState(TradingState.ACTIVE, "anna", "go on"))
        self.catch_up()
        if self.wanted.ladder:
            # Calm books may stay outside its range for ever: what has filled is still hedged.
            self.give(CancelPlan(self.wanted.plan_id, "anna"))
        for _ in range(1_500):
            if not self.desk.market.reconciled:
                self.catch_up()  # as the keeper does
            self.person()
            while self.mail:
                self.deliver()
            self.tick(0.25)
            for venue in NAMES:
                self.quote(venue)
            if self.is_over and not self.mail:
                return
        raise AssertionError("the plan never ends")

    @property
    def is_over(self) -> bool:
        state = self.desk.state
        ended = all(plan.status is not PlanStatus.ACTIVE for plan in state.plans.values())
        late = any(placed.arrives is not None for placed in self.placed.values())
        # A hedge that may have been on its way when the bot ended is waited for before anything is answered.
        return ended and not state.unsettled and not late and not self.desk.market.doubts

    # --- the truth ---------------------------------------------------------------------------------------

    def positions(self) -> Counter[InstrumentId]:
        """What the venues hold."""
        held = Counter(self.held)
        for placed in self.placed.values():
            for fill in placed.executions:
                held[fill.instrument] += fill.signed_quantity
        return held

    def naked(self) -> Decimal:
        """XBT that the spread's executions at the venues leave without a partner, each at its own price."""
        return sum(
            (
                INSTRUMENTS[fill.instrument].xbt(fill.signed_quantity, fill.price)
                for placed in self.placed.values()
                if "s-" not in placed.request.client_order_id
                for fill in placed.executions
            ),
            D(0),
        )


def contained(world: World, submit: Submit) -> str | None:
    """Return what the approval does not hold of an order just sent, from the events and fills alone.

    The rule of ``risk.approval`` a second time, by what has been heard so far.
    """
    request, purpose = submit.order.request, submit.order.purpose
    leg = request.client_order_id.rsplit("-", 1)[0]
    found = [e for e, _ in world.desk.events if isinstance(e, TicketApproved) and str(e.leg) == leg]
    if len(found) != 1:
        return f"{len(found)} approvals of {leg}"
    envelope = found[0].envelope
    attempt = int(request.client_order_id.rsplit("-", 1)[1])
    spent = sum(block for name, block in world.spent if name == leg)
    if not found[0].first_attempt <= attempt <= found[0].last_attempt + spent:
        return "its id is not reserved"
    if request.instrument != envelope.instrument or purpose not in envelope.purposes:
        return "instrument or purpose"
    if not envelope.price_low <= request.price <= envelope.price_high:
        return "price"
    instrument = INSTRUMENTS[request.instrument]
    if request.quantity % instrument.terms.lot or request.price % instrument.terms.tick:
        return "lot or tick"
    along, against = _heard(world, leg, envelope.side)
    if purpose is Purpose.CONTINGENCY:
        room = sum(fill.quantity for fill in along) - sum(fill.quantity for fill in against)
        fits = request.side is not envelope.side and request.quantity <= room
        return None if fits else f"it unwinds {request.quantity} of {room}"
    if request.side is not envelope.side or (envelope.reduce_only and not request.reduce_only):
        return "side"
    used = sum((_size(instrument, fill.quantity, fill.price) for fill in along), D(0))
    if used + _size(instrument, request.quantity, request.price) > envelope.quantity + D("1e-12"):
        return f"{used} are used of {envelope.quantity}"
    if purpose is Purpose.WORK and submit.order.at >= envelope.execute_by:
        return "too late"
    basis, least, most = submit.order.basis, envelope.min_basis, envelope.max_basis
    if purpose is Purpose.WORK and not (least is None and most is None):
        above = basis is not None and (least is None or basis >= least)
        return None if above and (most is None or (basis or D(0)) <= most) else f"a basis of {basis}"
    return None


def _heard(world: World, leg: str, side: Side) -> tuple[list[Fill], list[Fill]]:
    fills = [fill for fill in world.heard.values() if (fill.client_order_id or "").startswith(f"{leg}-")]
    return [f for f in fills if f.side is side], [f for f in fills if f.side is not side]


def _size(instrument: Instrument, contracts: int, price: Decimal) -> Decimal:
    return D(contracts) if instrument.terms.kind is Kind.LINEAR else contracts / price


def forbidden(world: World, submit: Submit) -> str | None:
    """Return which rule of ``risk.checks`` would have kept the order back, by what the world knows of itself.

    The rules a second time, from what was heard of quotes, links and clocks: ours are not asked.
    """
    request, policy, market = submit.order.request, world.desk.policy, world.desk.market
    if [sent.order.request.client_order_id for sent in world.sent].count(request.client_order_id) > 1:
        return "its id was used before"
    if submit.order.purpose is not Purpose.WORK:
        return None
    legs = {request.instrument}
    if "s-" not in request.client_order_id:
        legs = {instrument.id for instrument in NAMES.values()}
    for instrument in legs:
        quote = market.quotes.get(instrument)
        if quote is None or not quote.bids or not quote.asks:
            return f"{instrument} has no quote"
        if not 0 <= (world.desk.now - quote.at).total_seconds() <= 5:
            return f"the quote of {instrument} is of {quote.at}"
        if not world.told_up[instrument.venue]:
            return f"{instrument.venue} was told to be down"
        if world.clocks[instrument.venue] > 2:
            return f"the clock of {instrument.venue} is wrong"
    touch = market.quotes[request.instrument].take(request.side)
    assert touch is not None
    if abs(INSTRUMENTS[request.instrument].xbt(request.quantity, touch.price)) > policy.max_unattended_delta:
        return "it is too large"
    return None


def intended(world: World) -> list[str]:
    return [e.request.client_order_id for e, _ in world.desk.events if isinstance(e, OrderIntended)]
