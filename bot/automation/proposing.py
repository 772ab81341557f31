"""From what a watch has found to a plan whose tickets a person, or a standing approval, decides."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.automation.reminding import remind
from bot.model.automation import Automation
from bot.model.ladders import BasisRange
from bot.model.plans import ApprovalMode, Cause, PlanKind, PlanSpec, Protection, Single
from bot.orders import rolling
from bot.orders.decide import propose
from bot.orders.state import BotState, PlanState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.approval import Denied
from risk.direction import Direction
from risk.instruments import InstrumentId

_BY = "basisbot"
_ANY_BASIS = BasisRange()
# What nothing is lost by leaving alone, and how rarely it is offered at last.
_OFFERS = frozenset({Cause.REBUILD, Cause.BASIS, Cause.CARRY})
_RAREST_OFFER = timedelta(hours=4)


def held_direction(state: BotState, pair: Automation) -> Direction:
    """Return which way round the pair is held; the profile's way where neither leg says so."""
    inverse, linear = state.positions[pair.inverse], state.positions[pair.linear]
    if inverse > 0 or (inverse == 0 and linear < 0):
        return Direction.LONG_INVERSE
    if inverse < 0 or linear > 0:
        return Direction.SHORT_INVERSE
    return pair.direction


def plan_of(state: BotState, cause: Cause) -> PlanState | None:
    """Return the active plan a watch has raised, if there is one."""
    return next((plan for plan in state.active_plans() if plan.spec.cause is cause), None)


def is_quiet(turn: Turn) -> bool:
    """Say whether what the books say can be acted on: ledger and venues agree, nothing is in flight or UNKNOWN,
    and no plan is at work or has something left to answer. Stops that wait disturb nothing."""
    state = turn.state
    return (
        turn.market.reconciled
        and turn.market.latched is None
        and not state.is_moving
        and all(
            plan.unhedged_since is None and (plan.current is None or plan.protects)
            for plan in state.open_plans()
        )
    )


def is_news(turn: Turn, alert: str, key: str) -> bool:
    """Say whether a person has not had this reminder yet; from now on they have."""
    if turn.market.said.get(alert) == key:
        return False
    turn.market.said[alert] = key
    return True


def has_rested(turn: Turn, cause: Cause, pause: timedelta) -> bool:
    """Say whether the last proposal for ``cause`` is long enough ago. What may as well be left is offered less and
    less often while nobody takes it up."""
    last = turn.market.proposed.get(cause)
    if cause in _OFFERS:
        pause = max(pause, min(pause * 2 ** max(_left_alone(turn, cause) - 1, 0), _RAREST_OFFER))
    return last is None or turn.has_passed(pause, last)


def _left_alone(turn: Turn, cause: Cause) -> int:
    """Return how many proposals in a row nobody has taken up."""
    plan_id, before = turn.market.offers.get(cause, ("", 0))
    plan = turn.state.plans.get(plan_id)
    return 0 if plan is None or plan.has_traded else before + 1


def withdraw(turn: Turn, cause: Cause, why: str) -> None:
    """Stop a watch's plan that has asked nobody for anything yet: it waited, and its reason is gone."""
    plan = plan_of(turn.state, cause)
    if plan is not None and not plan.tranches and not plan.stopping:
        stop_plan(turn, plan, why)


def raise_single(
    turn: Turn,
    pair: Automation,
    cause: Cause,
    single: Single,
    why: str,
    tranches: int = 1,
    pause: timedelta = timedelta(0),
    not_before: datetime | None = None,
) -> bool:
    """Propose to trade one contract by itself, in so many slices. Returns whether the plan was taken on."""
    spec = _spec(turn, pair, PlanKind.SINGLE, cause, why, tranches, single=single)
    return _raise(turn, replace(spec, pause=pause.total_seconds(), not_before=not_before))


def raise_reduction(
    turn: Turn,
    pair: Automation,
    cause: Cause,
    size: Decimal | None,
    why: str,
    tranches: int,
    *,
    urgent: bool,
    basis: BasisRange = _ANY_BASIS,
) -> bool:
    """Propose to take the spread down by ``size`` XBT (None: all of it), in pairs, at a ``basis`` only. ``urgent``:
    plans that open stop for it. Returns whether the plan was taken on."""
    if urgent:
        for plan in turn.state.active_plans():
            if plan.is_opening and not plan.stopping:
                stop_plan(turn, plan, why)
    spec = _spec(turn, pair, PlanKind.CLOSE, cause, why, tranches, size, basis)
    return _raise(turn, spec)


def raise_protection(turn: Turn, pair: Automation, stops: Protection, why: str) -> bool:
    """Propose to rest a ladder of stops at the inverse venue. Returns whether the plan was taken on."""
    return _raise(turn, _spec(turn, pair, PlanKind.PROTECT, Cause.STOPS, why, 1, stops=stops))


def raise_opening(
    turn: Turn,
    pair: Automation,
    cause: Cause,
    size: Decimal,
    direction: Direction,
    why: str,
    tranches: int,
    *,
    collateral: bool,
    basis: BasisRange = _ANY_BASIS,
) -> bool:
    """Propose to open ``size`` XBT of spread, at a ``basis`` only; ``collateral``: with the hedge of the wallet's XBT.
    Returns whether the plan was taken on."""
    spec = _spec(turn, pair, PlanKind.OPEN, cause, why, tranches, size, basis)
    return _raise(turn, replace(spec, direction=direction, collateral=collateral))


def roll_of(
    state: BotState,
    pair: Automation,
    plan_id: str,
    size: Decimal | None,
    tranches: int,
    by: str,
    *,
    cause: Cause = Cause.PERSON,
    why: str = "",
    min_basis: Decimal | None = None,
    max_basis: Decimal | None = None,
    approval: ApprovalMode = ApprovalMode.ARMED,
    pause: timedelta = timedelta(0),
    leg: InstrumentId | None = None,
    not_before: datetime | None = None,
) -> PlanSpec:
    """Return the plan that takes ``size`` XBT (None: all) of a leg into the next month; ``leg`` None: of the one that
    ends first, of those that are held and have a next month.

    Raises ValueError where the profile names none, or the leg is there already."""
    leg = _ends_first(state, pair) if leg is None else leg
    following = None if leg is None else pair.next_of(leg)
    if leg is None or following is None:
        raise ValueError(
            "the profile names no next month to roll into: [linear.next_contract], or inverse.next_symbol where the "
            "inverse leg is dated; without one, close the spread and open it in the next month (basisbot plan close)"
        )
    old, new = state.positions[leg], state.positions[following]
    if not old and new:
        raise ValueError(
            f"all of it is in {following} already: make that the contract in the profile (linear.contract, or "
            "inverse.symbol), and name the month after it as the next one"
        )
    return PlanSpec(
        plan_id=plan_id,
        kind=PlanKind.ROLL,
        direction=rolling.held_direction(old),
        inverse=leg,
        linear=following,
        size_xbt=size,
        tranches=tranches,
        collateral=False,
        proposed_by=by,
        min_basis=min_basis,
        max_basis=max_basis,
        target_delta=pair.target_delta,
        cause=cause,
        why=why,
        approval=approval,
        pause=pause.total_seconds(),
        not_before=not_before,
    )


def _ends_first(state: BotState, pair: Automation) -> InstrumentId | None:
    legs = [leg for leg in (pair.linear, pair.inverse) if pair.next_of(leg) is not None]
    held = [leg for leg in legs if state.positions[leg]]
    ends = [
        (terms.expiry, leg)
        for leg in held
        for terms in [state.instruments[leg].terms]
        if terms.expiry is not None
    ]
    return min(ends)[1] if ends else next(iter(held or legs), None)


def raise_roll(
    turn: Turn,
    pair: Automation,
    leg: InstrumentId,
    why: str,
    tranches: int,
    size: Decimal | None = None,
    not_before: datetime | None = None,
    cause: Cause = Cause.EXPIRY,
) -> bool:
    """Propose to take ``size`` XBT (None: all) of a leg into its next month. Plans that open stop for it. Returns
    whether the plan was taken on."""
    for plan in turn.state.active_plans():
        if plan.is_opening and not plan.stopping:
            stop_plan(turn, plan, why)
    return _raise(
        turn,
        roll_of(
            turn.state,
            pair,
            _plan_id(turn.state, cause),
            size,
            tranches,
            _BY,
            cause=cause,
            why=why,
            leg=leg,
            not_before=not_before,
        ),
    )


def _spec(
    turn: Turn,
    pair: Automation,
    kind: PlanKind,
    cause: Cause,
    why: str,
    tranches: int,
    size: Decimal | None = None,
    basis: BasisRange = _ANY_BASIS,
    single: Single | None = None,
    stops: Protection | None = None,
) -> PlanSpec:
    """Return the bot's own plan for a pair as it is held."""
    return PlanSpec(
        plan_id=_plan_id(turn.state, cause),
        kind=kind,
        direction=held_direction(turn.state, pair),
        inverse=pair.inverse,
        linear=pair.linear,
        size_xbt=size,
        tranches=tranches,
        collateral=False,
        proposed_by=_BY,
        min_basis=basis.least,
        max_basis=basis.most,
        target_delta=pair.target_delta,
        cause=cause,
        why=why,
        single=single,
        stops=stops,
    )


def _plan_id(state: BotState, cause: Cause) -> str:
    return f"{cause.value[:4]}{state.proposed + 1}"


def _raise(turn: Turn, spec: PlanSpec) -> bool:
    last = turn.market.proposed.get(spec.cause)
    lately = last is not None and not turn.has_passed(2 * _RAREST_OFFER, last)
    left_alone = _left_alone(turn, spec.cause) if lately else 0
    turn.market.proposed[spec.cause] = turn.now
    answer = propose(turn, spec)
    if isinstance(answer, Denied):
        text = f"{spec.cause}: {spec.why}; not proposed: {answer}"
        # Asked for anew after every pause of its watch.
        remind(turn, "PROPOSAL_DENIED", text, f"{spec.cause} {answer.code}", first=timedelta(hours=1))
        return False
    turn.market.offers[spec.cause] = spec.plan_id, left_alone
    turn.alert("PROPOSED", f"plan {spec.plan_id} ({spec.cause}): {spec.why}", about=spec.plan_id)
    return True
