"""What a person may ask of a plan beside its size: ladders, exits, pauses, a hedge that is asked for after the fill."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

from bot.model.exits import Exit, cost_sign
from bot.model.inputs import CancelPlan, Command, Done, SetExit
from bot.model.ladders import even_rungs
from bot.model.plans import ApprovalMode, Cause, PlanKind, PlanSpec
from bot.orders.state import BotState, PlanState
from risk.approval import Denied
from risk.direction import Direction

D = Decimal
_LOT = D("0.1")
_PATIENCE = 20.0
"""Seconds for which somebody who wants to see an end leaves a plan waiting for its basis."""
Say = Callable[[Command], Awaitable[Done | Denied | None]]


def exit_rules(dice: Random, direction: Direction, basis: Decimal) -> Exit:
    """Draw an exit around ``basis`` (USD per XBT), such as fits the direction."""
    sign = cost_sign(direction)
    while True:
        stop = basis + sign * dice.choice((20, 150, 600)) if dice.random() < 0.5 else None
        trail = D(dice.choice((15, 60, 300))) if dice.random() < 0.4 else None
        profit = basis - sign * dice.choice((20, 150, 600)) if dice.random() < 0.5 else None
        inversion = dice.random() < 0.2
        if stop is not None or trail is not None or profit is not None or inversion:
            return Exit(stop, trail, inversion, profit, dice.choice((1, 2)), dice.random() < 0.3)


def widened(spec: PlanSpec, dice: Random, basis: Decimal) -> PlanSpec:
    """Return the plan with whatever else may be asked of it; ``basis``: of the moment, USD per XBT."""
    if dice.random() < 0.2:
        spec = replace(spec, approval=ApprovalMode.SEQUENTIAL)
    if dice.random() < 0.25:
        spec = replace(spec, pause=dice.choice((0.5, 3.0, 10.0)))
    if spec.kind is PlanKind.OPEN and dice.random() < 0.3:
        spec = replace(spec, exit=exit_rules(dice, spec.direction, basis))
    tranches = dice.randint(1, 4)
    if spec.size_xbt is not None and spec.size_xbt >= tranches * _LOT and dice.random() < 0.25:
        favours = 1 if cost_sign(spec.direction) > 0 else -1
        favours = favours if spec.kind is PlanKind.OPEN else -favours
        first = basis - favours * dice.choice((0, 60, 300))
        last = first + favours * dice.choice((0, 30, 100))
        ladder = even_rungs(
            spec.direction, spec.action, spec.size_xbt, tranches, _LOT, first.quantize(D("0.01")), last
        )
        spec = replace(spec, tranches=tranches, ladder=ladder)
    return spec


class Planner:
    """Changes exits now and then; in the end gives up what only waits for a basis."""

    def __init__(self, seed: int, say: Say) -> None:
        self._say = say
        self._random = Random(f"planner:{seed}")
        self._waits: dict[str, float] = {}

    def widen(self, spec: PlanSpec, basis: Decimal) -> PlanSpec:
        return widened(spec, self._random, basis)

    async def act(self, state: BotState, basis: Decimal) -> None:
        dice = self._random
        if not state.exits or dice.random() >= 0.02:
            return
        of = state.plans[dice.choice(sorted(state.exits))].spec
        rules = None if dice.random() < 0.3 else exit_rules(dice, of.direction, basis)
        await self._say(SetExit(of.plan_id, rules, "anna"))

    async def give_up(self, state: BotState, now: float) -> None:
        """Cancel what has waited for its basis for too long."""
        for plan in state.active_plans():
            since = self._waits.setdefault(plan.spec.plan_id, now)
            if _may_wait_for_ever(plan) and now - since > _PATIENCE:
                await self._say(CancelPlan(plan.spec.plan_id, "anna"))


def _may_wait_for_ever(plan: PlanState) -> bool:
    spec = plan.spec
    bounded = spec.min_basis is not None or spec.max_basis is not None or bool(spec.ladder)
    return not plan.stopping and (bounded or spec.cause is Cause.EXIT)
