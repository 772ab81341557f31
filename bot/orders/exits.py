"""Exits: rules on the basis that say when what a plan has opened is taken down again.

The bot watches, and proposes the plan that closes; nothing is sent without an approval of its tickets. What has
tripped stays so until the position is closed or a person decides otherwise, over restarts too.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_DOWN, Decimal

from bot.model.events import ExitBest, ExitEnded, ExitRearmed, ExitSet, ExitTripped, PlanProposed
from bot.model.exits import Exit, ExitRule, cost_sign, faults, tripped
from bot.model.inputs import Done, SetExit
from bot.model.ladders import favourable
from bot.model.legging import Style
from bot.model.plans import Cause, PlanKind, PlanSpec, PlanStatus
from bot.orders.planning import objection
from bot.orders.sightings import Sighting
from bot.orders.state import BotState, ExitState, PlanState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.approval import Denied
from risk.basis import executable_basis
from risk.direction import Action, Direction
from risk.instruments import Instrument, InstrumentId
from risk.portfolio import Quote
from risk.sessions import Session
from risk.sizing import paired_reduction

_LONGEST_ID = 12
_BLIND_AFTER = timedelta(minutes=2)
# A trailing stop's best basis is written down when it has moved by so much of its distance.
_STEPS = 10
_FIRST_AGAIN, _LAST_AGAIN = timedelta(minutes=1), timedelta(hours=1)
_REMINDERS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
_THEN_EVERY = timedelta(minutes=30)


def watch(turn: Turn) -> None:
    """Hold every exit against the basis of the moment."""
    for exit_ in list(turn.state.exits.values()):
        _watch(turn, exit_, turn.state.plans[exit_.plan_id])


def _watch(turn: Turn, of: ExitState, plan: PlanState) -> None:
    left = _left(turn, of, plan)
    if left is None:
        _forget(turn, of)
        if plan.status is not PlanStatus.ACTIVE and _is_quiet(turn.state, of, plan):
            turn.emit(ExitEnded(of.plan_id, "no pair of what the plan opened is held any more"))
        return
    if of.tripped is not None:
        _carry_out(turn, of, plan, left)
        return
    seen = _closing_basis(turn, plan.spec)
    if seen is None:
        _forget(turn, of)
        _say_blind(turn, of, plan.spec)
        return
    turn.market.blind_since.pop(of.plan_id, None)
    basis, quotes = seen
    _follow(turn, of, plan.spec.direction, basis, quotes)
    rule = tripped(of.rules, plan.spec.direction, basis, of.best)
    if rule is None or (rule is ExitRule.PROFIT and not _may_try(turn, of, of.missed)):
        turn.market.sightings.pop((of.plan_id, "trip"), None)
        return
    if _is_sure(turn, of, "trip", basis, quotes):
        turn.emit(ExitTripped(of.plan_id, rule, basis))
        _forget(turn, of)
        lasted = f"{turn.policy.exit_confirm.total_seconds():g} s"
        best = f" (the best was {of.best:f})" if rule is ExitRule.TRAIL else ""
        turn.alert(
            "EXIT_TRIPPED",
            f"plan {of.plan_id}: its {rule} has tripped: for {lasted} closing has traded there, now at a basis of "
            f"{basis:f}{best}",
        )
        turn.market.exit_reminded[of.plan_id] = 0
        _carry_out(turn, of, plan, left)


def _closing_basis(turn: Turn, spec: PlanSpec) -> tuple[Decimal, tuple[Quote, Quote]] | None:
    """Return the basis closing would trade at now, of two fresh quotes."""
    linear = turn.market.fresh(spec.linear, turn.now, turn.policy)
    inverse = turn.market.fresh(spec.inverse, turn.now, turn.policy)
    if linear is None or inverse is None:
        return None
    now = executable_basis(spec.direction, Action.CLOSE, linear, inverse)
    return None if now is None else (now.basis.absolute, (linear, inverse))


def _is_sure(turn: Turn, of: ExitState, what: str, basis: Decimal, quotes: tuple[Quote, Quote]) -> bool:
    key = (of.plan_id, what)
    sighting = turn.market.sightings.setdefault(key, Sighting.begun(turn.now, basis))
    if turn.now < sighting.since:  # the clock has been set back
        sighting = turn.market.sightings[key] = Sighting.begun(turn.now, basis)
    sighting.see(basis, quotes)
    return sighting.is_sure(turn.now, turn.policy.exit_confirm, turn.policy.exit_quotes)


def _follow(
    turn: Turn, of: ExitState, direction: Direction, basis: Decimal, quotes: tuple[Quote, Quote]
) -> None:
    """Let a trailing stop's best basis follow, by the worst of what has been seen: never by one good tick."""
    if of.rules.trail is None:
        return
    sign = cost_sign(direction)
    if of.best is not None and sign * (of.best - basis) < of.rules.trail / _STEPS:
        turn.market.sightings.pop((of.plan_id, "best"), None)
    elif _is_sure(turn, of, "best", basis, quotes):
        sighting = turn.market.sightings.pop((of.plan_id, "best"))
        turn.emit(ExitBest(of.plan_id, sighting.most if sign > 0 else sighting.least))


def _forget(turn: Turn, of: ExitState) -> None:
    for what in ("trip", "best"):
        turn.market.sightings.pop((of.plan_id, what), None)


def _say_blind(turn: Turn, of: ExitState, spec: PlanSpec) -> None:
    """Say that nobody watches, unless it is a market's own closed hours."""
    market = turn.market
    if any(market.session(key, turn.now) is not Session.OPEN for key in (spec.inverse, spec.linear)):
        market.blind_since.pop(of.plan_id, None)
        return
    since = market.blind_since.setdefault(of.plan_id, turn.now)
    if turn.now - since >= _BLIND_AFTER:
        turn.alert(
            "EXIT_BLIND",
            f"plan {of.plan_id}: its exit ({of.rules}) cannot be watched: no fresh quotes of both legs since "
            f"{since:%F %T}Z",
            about=f"{of.plan_id} {_due(turn.now - since, (_BLIND_AFTER, *_REMINDERS[1:]))}",
        )


# --- what it is about --------------------------------------------------------------------------------------------


def _measured(spec: PlanSpec) -> InstrumentId:
    """Return the leg the collateral's hedge is not in: its contracts are the spread's."""
    return spec.inverse if spec.direction is Direction.LONG_INVERSE else spec.linear


def _left(turn: Turn, of: ExitState, plan: PlanState) -> int | None:
    """Return how many contracts (signed) of the measured leg the plan has opened and its exit not closed, as far as
    they are held; None where that is less than a lot of the coarse leg."""
    state, spec = turn.state, plan.spec
    key = _measured(spec)
    left = _traded(state, plan, key) + sum(_traded(state, state.plans[name], key) for name in of.closings)
    held = state.positions[key]
    if left * held <= 0 or state.positions[spec.inverse] * state.positions[spec.linear] >= 0:
        return None
    left = min(abs(left), abs(held)) * (1 if held > 0 else -1)
    price = turn.market.last_mids.get(key)
    if price is None:
        return left
    worth = abs(state.instruments[key].xbt(left, price))
    return left if worth >= state.instruments[spec.linear].granule(price) / 2 else None


def _traded(state: BotState, plan: PlanState, key: InstrumentId) -> int:
    return sum(
        order.request.side.sign * order.filled
        for tranche in plan.tranches
        for leg in tranche.legs.values()
        if leg.instrument == key
        for order in state.orders_of(leg)
    )


def _is_quiet(state: BotState, of: ExitState, plan: PlanState) -> bool:
    """Say whether nothing is on its way that would change what is held."""
    names = {plan.spec.plan_id, *of.closings}
    if any(state.plans[name].status is PlanStatus.ACTIVE for name in of.closings):
        return False
    return not any(order.leg is not None and order.leg.plan_id in names for order in state.unsettled.values())


def _closing(turn: Turn, of: ExitState) -> PlanState | None:
    """Return the plan that carries the exit out, while it is active."""
    plan = turn.state.plans[of.closings[-1]] if of.closings else None
    return plan if plan is not None and plan.status is PlanStatus.ACTIVE else None


# --- carrying it out ---------------------------------------------------------------------------------------------


def _carry_out(turn: Turn, of: ExitState, plan: PlanState, left: int) -> None:
    where = _propose(turn, of, plan, left)
    if of.tripped_at is None:  # it is watched again
        return
    due = _due(turn.now - of.tripped_at, _REMINDERS)
    if due > turn.market.exit_reminded.setdefault(of.plan_id, 0):
        turn.market.exit_reminded[of.plan_id] = due
        lasts = timedelta(seconds=round((turn.now - of.tripped_at).total_seconds()))
        turn.alert(
            "EXIT_TRIPPED",
            f"plan {of.plan_id}: STILL not closed, {lasts} after its {of.tripped} tripped: {where}",
        )


def _due(lasts: timedelta, steps: tuple[timedelta, ...]) -> int:
    """Return how many reminders are due after ``lasts``: at ``steps``, then at regular intervals."""
    count = sum(lasts >= step for step in steps)
    return count + max((lasts - steps[-1]) // _THEN_EVERY, 0) if count == len(steps) else count


def _propose(turn: Turn, of: ExitState, plan: PlanState, left: int) -> str:
    """Put the plan that closes before a person, as soon as that can be done. Return how it stands."""
    if turn.market.latched is not None:
        return f"flatten is in charge: {turn.market.latched}"
    closing = _closing(turn, of)
    if closing is not None:
        return _standing(turn, closing)
    if of.tries and of.tripped is ExitRule.PROFIT:
        turn.market.exit_ended[of.closings[-1]] = turn.now
        turn.emit(ExitRearmed(of.plan_id, f"plan {of.closings[-1]} did not close at its basis"))
        return ""
    if not _may_try(turn, of, of.tries):
        return f"plan {of.closings[-1]} ended without closing it; the next is proposed soon"
    in_the_way = _make_way(turn, of, plan)
    if in_the_way is not None:
        return in_the_way
    spec = _closing_spec(turn, of, plan, left)
    problem = "no quote to size it by" if spec is None else objection(turn.state, turn.policy, spec)
    if spec is None or problem is not None:
        return f"no plan to close it can be proposed: {problem}"
    turn.emit(PlanProposed(spec))
    return f"plan {spec.plan_id} is proposed"


def _standing(turn: Turn, closing: PlanState) -> str:
    name = closing.spec.plan_id
    tranche = closing.current
    if not turn.state.trading.starts_orders:
        return f"plan {name} waits: trading is {turn.state.trading} (basisbot enable --reducing)"
    if tranche is not None and not tranche.armed:
        return f"plan {name} waits for your approval (basisbot tickets)"
    reason = turn.market.waiting.get(name)
    return f"plan {name} is at work" if reason is None else f"plan {name} waits: {reason}"


def _may_try(turn: Turn, of: ExitState, tries: int) -> bool:
    """Say whether it is time for another plan: each time one has ended without closing, that takes twice as long."""
    if not tries or not of.closings:
        return True
    ended = turn.market.exit_ended.setdefault(of.closings[-1], turn.now)
    pause = min(_FIRST_AGAIN * 2 ** min(tries - 1, 8), _LAST_AGAIN)
    return turn.has_passed(pause, ended)


def _make_way(turn: Turn, of: ExitState, plan: PlanState) -> str | None:
    """Stop what works against the exit, or waits for a basis of its own; say what is still in the way."""
    spec, in_the_way = plan.spec, None
    for other in turn.state.active_plans():
        if other.spec.single is not None or other.protects:
            continue
        same = (other.spec.inverse, other.spec.linear) == (spec.inverse, spec.linear)
        limited = other.spec.min_basis is not None or other.spec.max_basis is not None
        if same and (other.is_opening or other.spec.ladder or limited):
            if not other.stopping:
                stop_plan(turn, other, f"the {of.tripped} of plan {of.plan_id} has tripped")
        elif other.spec.cause not in (Cause.PERSON, Cause.EXIT):
            continue  # a watch takes down a part for reasons of its own, one plan after the other
        in_the_way = f"plan {other.spec.plan_id} is still active"
    return in_the_way


def _closing_spec(turn: Turn, of: ExitState, plan: PlanState, left: int) -> PlanSpec | None:
    """Return the plan that closes what is left of the opened: everything that is held where all of it is its own."""
    spec, state = plan.spec, turn.state
    inverse, linear = state.instruments[spec.inverse], state.instruments[spec.linear]
    held = state.positions[_measured(spec)]
    size: Decimal | None = None
    if abs(held) - abs(left) >= state.instruments[_measured(spec)].terms.lot:
        price = turn.market.last_mids.get(spec.inverse)
        if price is None:
            return None
        size = _share(turn, spec, inverse, linear, Decimal(left) / held, price)
    limits = None
    if of.tripped is ExitRule.PROFIT and of.rules.profit is not None:
        limits = favourable(spec.direction, Action.CLOSE, of.rules.profit)
    lots = None if size is None else linear.contracts_for(size, Decimal(1)) // linear.terms.lot
    return PlanSpec(
        plan_id=_new_id(state, of),
        kind=PlanKind.CLOSE,
        direction=spec.direction,
        inverse=spec.inverse,
        linear=spec.linear,
        size_xbt=size,
        tranches=of.rules.tranches if lots is None else min(of.rules.tranches, lots),
        collateral=of.rules.collateral and size is None,
        proposed_by=f"exit of {of.plan_id}",
        min_basis=None if limits is None else limits.least,
        max_basis=None if limits is None else limits.most,
        target_delta=spec.target_delta,
        legging=replace(spec.legging, style=Style.MARKETABLE),
        exit_of=of.plan_id,
        cause=Cause.EXIT,
        why=f"the {of.tripped} of plan {of.plan_id} has tripped ({of.rules})",
    )


def _share(
    turn: Turn, spec: PlanSpec, inverse: Instrument, linear: Instrument, share: Decimal, price: Decimal
) -> Decimal:
    """Return the XBT of pairs, to the nearest linear lot, that ``share`` of what is held comes to; one lot at least."""
    positions = turn.state.positions
    everything = abs(inverse.xbt(positions[spec.inverse], price))
    pairs = paired_reduction(
        inverse, positions[spec.inverse], linear, positions[spec.linear], everything, price
    )
    lot = linear.granule(price)
    lots = (linear.xbt(abs(pairs.linear), price) * share / lot).to_integral_value(ROUND_HALF_DOWN)
    return min(max(lots, Decimal(1)), Decimal(int(turn.policy.max_plan_xbt / lot))) * lot


def _new_id(state: BotState, of: ExitState) -> str:
    """Derive it, so that a run and its replay agree."""
    number = len(of.closings) + 1
    while True:
        suffix = f"x{number}"
        name = of.plan_id[: _LONGEST_ID - len(suffix)] + suffix
        if name not in state.plans:
            return name
        number += 1


# --- people ------------------------------------------------------------------------------------------------------


def set_exit(turn: Turn, given: SetExit) -> Done | Denied:
    """Set, change or take off the exit of a plan that has opened something, or still opens."""
    plan = turn.state.plans.get(given.plan_id)
    if plan is None:
        return Denied("PLAN_UNKNOWN", "a plan that exists (see: basisbot plan list)", given.plan_id)
    of = turn.state.exits.get(given.plan_id)
    if given.rules is None:
        if of is None:
            return Denied("EXIT_REFUSED", f"plan {given.plan_id} has no exit", "")
        turn.emit(ExitEnded(given.plan_id, f"taken off by {given.by}"))
        return Done(
            f"the exit of plan {given.plan_id} is off; a plan it has proposed goes on until it is cancelled"
        )
    problem = _refusal(turn, plan, of, given.rules)
    if problem is not None:
        return Denied("EXIT_REFUSED", problem, str(given.rules))
    turn.emit(ExitSet(given.plan_id, given.rules, given.by))
    _forget(turn, turn.state.exits[given.plan_id])
    turn.market.exit_reminded.pop(given.plan_id, None)
    return Done(f"plan {given.plan_id} is watched for its exit: {given.rules}")


def _refusal(turn: Turn, plan: PlanState, of: ExitState | None, rules: Exit) -> str | None:
    if not plan.is_opening:
        return f"plan {plan.spec.plan_id} closes: an exit belongs to a plan that opens"
    if of is not None and _closing(turn, of) is not None:
        name = of.closings[-1]
        return f"plan {name} carries its exit out: cancel that first (basisbot plan cancel {name})"
    ended = plan.status is not PlanStatus.ACTIVE
    if ended and _left(turn, of or ExitState(plan.spec.plan_id, rules), plan) is None:
        return f"no pair of what plan {plan.spec.plan_id} opened is held any more"
    return rules_objection(turn, plan.spec, rules)


def rules_objection(turn: Turn, spec: PlanSpec, rules: Exit) -> str | None:
    """Return why the rules make no sense for a plan: the wrong way round, or they would close at once."""
    problem = faults(rules, spec.direction)
    if problem is not None:
        return problem
    seen = _closing_basis(turn, spec)
    # The basis a tranche may be opened at, at worst; without such limits, the basis of the moment.
    worst = (rung.basis.least if cost_sign(spec.direction) > 0 else rung.basis.most for rung in spec.ladder)
    entries = [entry for entry in worst if entry is not None]
    for entry in entries or ([] if seen is None else [seen[0]]):
        rule = tripped(rules, spec.direction, entry, None)
        if rule is not None:
            return f"at a basis of {entry:f} its {rule} would close at once ({rules})"
    return None


def declined(turn: Turn, plan_id: str, by: str) -> str:
    """Take an exit off whose closing plan a person has said no to. Return what to tell them."""
    spec = turn.state.plans[plan_id].spec
    if spec.exit_of not in turn.state.exits:
        return ""
    turn.emit(ExitEnded(spec.exit_of, f"{by} said no to plan {plan_id}"))
    return f"; the exit of plan {spec.exit_of} is off (set it again: basisbot plan exit {spec.exit_of})"
