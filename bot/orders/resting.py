"""What of the state may go to rest: plans that are over, with their orders, and executions of long ago.

Resting changes no decision. Whoever asks for what rests gets it back (``bot.model.cold``): a fill that comes weeks
after its plan's end is answered as if the plan had never left.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from bot.model.cold import ColdDict, ColdSet, cold_parts, rest_old
from bot.model.plans import PlanStatus
from bot.orders.state import BotState, PlanState

KEPT_PLANS = 10
"""Finished plans that stay awake: nearly every late word is about the latest."""
KEPT_EXECUTIONS = 2_000
"""Executions that stay awake: venues are asked again about the last minutes, and repeat what they said."""

Rested = tuple[str, str, str]
"""A collection's name, a key and a value, as text."""


def rest(state: BotState, plans: int = KEPT_PLANS, executions: int = KEPT_EXECUTIONS) -> Iterator[Rested]:
    """Send to rest what is over, all but the latest; give what has to be put on the shelf."""
    cold = cold_parts(state)
    over = [plan for plan in state.plans.values() if _is_over(state, plan)]
    for plan in over[: max(len(over) - plans, 0)]:
        plan.flattens, plan.flat_endings = len(state.flattens), state.flat_endings
        legs = (leg for tranche in plan.tranches for leg in tranche.legs.values())
        orders = [client_id for leg in legs for client_id in leg.orders]
        yield from _rest(cold["orders"], orders)
        yield from _rest(cold["plans"], [plan.spec.plan_id])
    for name in ("executions", "commissions", "flows"):
        yield from rest_old(cold[name], executions)


def _is_over(state: BotState, plan: PlanState) -> bool:
    """Say whether no decision looks at the plan unless a word about it comes."""
    if plan.status is PlanStatus.ACTIVE or plan.unhedged_since is not None or plan.leaves_something:
        return False
    name = plan.spec.plan_id
    if name in state.exits or plan.spec.exit_of in state.exits:
        return False
    return not any(order.leg is not None and order.leg.plan_id == name for order in state.unsettled.values())


def _rest(collection: ColdDict[Any, Any] | ColdSet[Any], keys: Iterable[Any]) -> Iterator[Rested]:
    if not isinstance(collection, ColdDict):
        raise TypeError(f"of {collection.name} only the keys are kept")
    for key, value in collection.rest(key for key in keys if collection.is_awake(key)):
        yield collection.name, key, value
