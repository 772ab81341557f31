"""Where a plan stands on its ladder: which tranche comes next, how much of it is left, and what it waits for."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile

from bot.model.ladders import BasisRange
from bot.model.plans import PlanSpec
from bot.orders.market import Market
from bot.orders.state import BotState, PlanState, TrancheState
from risk.basis import executable_basis
from risk.instruments import Instrument
from risk.terms import Kind

_AFTER_SILENCE = timedelta(minutes=10)
_LONGEST_SILENCE = timedelta(hours=4)
MOST_TRANCHES = 99
"""A tranche's number has two digits in its order ids."""


def objection(spec: PlanSpec, linear: Instrument) -> str | None:
    """Return which tranche of a ladder cannot be traded, None if all can."""
    for number, rung in enumerate(spec.ladder, 1):
        if not linear.contracts_for(rung.xbt, Decimal(1)):
            lot = linear.granule(Decimal(1))
            return f"tranche {number} of the ladder is {rung.xbt:f} XBT, less than one lot of {linear.id} ({lot:f} XBT)"
    return None


def worked(state: BotState, plan: PlanState) -> int:
    """Return the linear contracts the plan's pairs have traded its way, less what was unwound."""
    side = plan.spec.direction.side(Kind.LINEAR, plan.spec.action)
    return sum(
        order.filled * (1 if order.request.side is side else -1)
        for tranche in plan.tranches
        if tranche.is_spread
        for leg in tranche.legs.values()
        if leg.instrument == plan.spec.linear
        for order in state.orders_of(leg)
    )


def next_rung(plan: PlanState, linear: Instrument, done: int) -> tuple[int, int] | None:
    """Return the index of the rung that comes after ``done`` linear contracts, and how many it still lacks.

    Sizes add up before they are cut to lots: what one rung's rounding leaves comes with the next. None: all is done.
    """
    sum_xbt = Decimal(0)
    for index, rung in enumerate(plan.spec.ladder):
        sum_xbt += rung.xbt
        lacking = linear.contracts_for(sum_xbt, Decimal(1)) - done
        if lacking > 0:
            return index, lacking
    return None


def outside(market: Market, spec: PlanSpec, basis: BasisRange) -> str | None:
    """Return why the basis keeps the next tranche waiting; None while it is inside, or nobody knows it."""
    linear, inverse = market.quotes.get(spec.linear), market.quotes.get(spec.inverse)
    if linear is None or inverse is None:
        return None
    now = executable_basis(spec.direction, spec.action, linear, inverse)
    if now is None or now.basis.absolute in basis:
        return None
    return f"the next tranche wants {basis}; it is {now.basis.absolute:f}"


def resting(plan: PlanState, now: datetime) -> str | None:
    """Return until when the pause after the last tranche lasts; None where there is none, or it is over.

    After a ticket that nobody answered it is longer, each time twice as long: a person who is away is not asked every
    few minutes.
    """
    ended = plan.tranches[-1].finished_at if plan.tranches else None
    if ended is None:
        return None
    pause, why = timedelta(seconds=plan.spec.pause), "a pause after the last tranche"
    unanswered = sum(1 for _ in takewhile(lambda tranche: not tranche.armed, reversed(plan.tranches)))
    if unanswered:
        pause = max(pause, min(_AFTER_SILENCE * 2 ** min(unanswered - 1, 8), _LONGEST_SILENCE))
        why = f"nobody answered the last {'ticket' if unanswered == 1 else f'{unanswered} tickets'}"
    over = ended + pause
    # By a clock that has been set back meanwhile it ended in the future: nothing is kept waiting for that.
    return f"{why}: the next is asked for at {over:%F %T}Z" if ended <= now < over else None


def has_lapsed(plan: PlanState, tranche: TrancheState, now: datetime) -> bool:
    """Say whether a ladder's tranche has come to the end of its approval: what it lacks is asked for again, later."""
    envelope = tranche.lead.envelope
    return (
        bool(plan.spec.ladder) and tranche.is_spread and envelope is not None and now >= envelope.execute_by
    )
