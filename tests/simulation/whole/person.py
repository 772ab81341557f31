"""The scripted operator of a simulated life: opens, closes, approves late or never, halts, changes their mind."""

import asyncio
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from adapters.errors import VenueError
from bot.ledger.errors import LedgerError
from bot.model.differences import content_hash
from bot.model.inputs import (
    ApproveTicket,
    CancelPlan,
    Command,
    Done,
    ProposePlan,
    RejectTicket,
    SetTradingState,
)
from bot.model.legging import Legging, Style
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.orders.state import LegState
from risk.approval import Denied
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.terms import Kind
from tests.simulation.whole.granter import Granter
from tests.simulation.whole.mover import Mover
from tests.simulation.whole.planner import Planner

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

D = Decimal


class Person:
    """``kind``: from now on everything is approved at once, nothing new is begun, trading is enabled again."""

    def __init__(self, life: "Life", inverse: InstrumentId, linear: InstrumentId) -> None:
        self._life = life
        self._inverse = inverse
        self._linear = linear
        self._random = Random(f"person:{life.setting.seed}")
        self._legging = Random(f"legging:{life.setting.seed}")
        self.leggings = [Legging(kind, style) for kind in Kind for style in Style]
        self._minds: dict[str, tuple[str, float]] = {}
        self._plans = 0
        self._mover = Mover(life, self.say)
        self._granter = Granter(life, self.say)
        self._planner = Planner(life.setting.seed, self.say)
        self.kind = False
        self.busy = self._random.random() < 0.7

    async def live(self) -> None:
        while True:
            await asyncio.sleep(0.5 if self.kind else self._random.uniform(0.3, 3))
            core = self._life.core
            if core is not None:
                await self._act()

    async def say(self, command: Command) -> Done | Denied | None:
        """Give a command; None where the bot died over it."""
        core, task = self._life.core, asyncio.current_task()
        if core is None:
            return None
        try:
            answer = await core.engine.command(command)
        except LedgerError:
            return None
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            return None
        name = answer.code if isinstance(answer, Denied) else "done"
        self._life.tally.count("commands", f"{type(command).__name__} {name}")
        return answer

    async def _act(self) -> None:
        core = self._life.core
        if core is None:
            return
        state, dice = core.engine.state, self._random
        if state.trading is not TradingState.ACTIVE and (self.kind or dice.random() < 0.35):
            await self.enable()
        for leg in [leg for leg in state.legs() if leg.status is TicketStatus.OPEN]:
            await self._consider(leg)
        active = state.active_plans()
        if state.last_differences and (self.kind or dice.random() < 0.1):
            await self._adopt(state.last_differences)
        if self.kind:
            await self._planner.give_up(state, self._life.clock.monotonic())
            return
        await self._mover.act(state.moves)
        if self._life.is_wide:
            await self._granter.act(state)
            await self._mover.obey(core.engine.market.advice)
            await self._planner.act(state, self._life.market.basis)
        if not active:
            if self.busy or dice.random() < 0.4:
                await self._propose()
        elif dice.random() < 0.02:
            await self.say(CancelPlan(active[0].spec.plan_id, "anna"))
        elif dice.random() < 0.02:
            wanted = dice.choice((TradingState.HALTED, TradingState.REDUCING, TradingState.DISABLED))
            await self.say(SetTradingState(wanted, "anna", "a moment"))

    async def enable(self) -> None:
        """As the API does: what flatten did comes into the books, then the latch goes, then trading is enabled."""
        core = self._life.core
        if core is None:
            return
        core.adopt()
        if self._life.files.unlatch() is None:
            await self.say(SetTradingState(TradingState.ACTIVE, "anna", "go on"))

    async def _adopt(self, seen: tuple[str, ...]) -> None:
        """Take the venues' word over, as ``reconcile --adopt`` does."""
        core, task = self._life.core, asyncio.current_task()
        if core is None:
            return
        try:
            answer = await core.reconciler.adopt(content_hash(seen), "anna", "looked at it")
        except (VenueError, LedgerError):
            return
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            return
        self._life.tally.count("commands", f"adopt {answer.code if isinstance(answer, Denied) else 'done'}")

    async def _consider(self, leg: LegState) -> None:
        ticket, dice, now = leg.ticket, self._random, self._life.clock.monotonic()
        if ticket.ticket_id not in self._minds:
            roll = dice.random()
            mind = (
                "approve" if roll < 0.9 else "reject" if roll < 0.93 else "never" if roll < 0.97 else "wrong"
            )
            patience = dice.choice((0.2, 1, 1, 5, 30)) * dice.uniform(0.5, 1.5)
            self._minds[ticket.ticket_id] = (mind, now + patience)
        mind, when = self._minds[ticket.ticket_id]
        if self.kind:
            mind, when = "approve", now
        if now < when or mind == "never":
            return
        if mind == "reject":
            await self.say(RejectTicket(ticket.ticket_id, "anna", "not like this"))
            return
        right = ticket.material.content_hash()
        if mind == "wrong":
            await self.say(ApproveTicket(ticket.ticket_id, "0" * 16, "anna"))
            self._minds[ticket.ticket_id] = ("approve", now + 1)
            return
        await self.say(ApproveTicket(ticket.ticket_id, right, "anna"))
        if dice.random() < 0.05:
            await self.say(ApproveTicket(ticket.ticket_id, right, "anna"))  # a double click

    async def _propose(self) -> None:
        core = self._life.core
        if core is None:
            return
        state, dice = core.engine.state, self._random
        inverse, linear = state.positions[self._inverse], state.positions[self._linear]
        held = inverse or linear
        direction = dice.choice(list(Direction))
        if held and dice.random() < 0.95:
            direction = Direction.LONG_INVERSE if inverse > 0 or linear < 0 else Direction.SHORT_INVERSE
        closing = bool(held) and dice.random() < 0.6
        await self.propose(
            PlanKind.CLOSE if closing else PlanKind.OPEN,
            direction,
            None if closing and dice.random() < 0.6 else D(dice.randint(1, 16)) / 10,
            collateral=dice.random() < 0.3,
        )

    async def propose(
        self, kind: PlanKind, direction: Direction, size: Decimal | None, *, collateral: bool
    ) -> str | None:
        """Propose a plan; return its id if it was taken on."""
        core = self._life.core
        self._plans += 1
        plan_id = f"p{self._plans}"
        spec = PlanSpec(
            plan_id=plan_id,
            kind=kind,
            direction=direction,
            inverse=self._inverse,
            linear=self._linear,
            size_xbt=size,
            tranches=self._random.randint(1, 3),
            collateral=collateral,
            proposed_by="anna",
            legging=self._legging.choice(self.leggings),
        )
        if self._life.is_wide:
            spec = self._planner.widen(spec, self._life.market.basis)
        answer = await self.say(ProposePlan(spec))
        return plan_id if core is not None and isinstance(answer, Done) else None

    def is_done(self) -> bool:
        core = self._life.core
        return core is not None and all(
            plan.status is not PlanStatus.ACTIVE for plan in core.engine.state.plans.values()
        )
