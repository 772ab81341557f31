"""What a plan's next tranche is, given positions and prices as they are now."""

from datetime import datetime
from decimal import ROUND_HALF_DOWN, Decimal

from bot.model.ids import Role
from bot.model.plans import Cause, PlanKind, PlanSpec, Protection, Single
from bot.model.policy import Policy
from bot.orders import laddering, rolling
from bot.orders.drafts import Draft, Finished, LegDraft, Wait
from bot.orders.market import Market
from bot.orders.state import BotState, PlanState
from risk.checks import size
from risk.direction import Action, Direction
from risk.instruments import Instrument
from risk.orders import Side
from risk.sizing import collateral_hedge, paired_reduction, split_tranches
from risk.terms import Kind


def objection(state: BotState, policy: Policy, spec: PlanSpec) -> str | None:
    """Return why a plan cannot be taken on, None if it can."""
    for instrument in (spec.inverse, spec.linear):
        if instrument not in state.instruments:
            return f"{instrument} is not loaded: check the profile's contracts and the venue's link"
    if spec.plan_id in state.plans:
        return f"there has been a plan {spec.plan_id} already: its order ids cannot be used again"
    # A watch's plan may stand beside a person's: only one of them has tickets, or trades, at a time.
    busy = [
        plan for plan in state.active_plans() if plan.spec.cause is spec.cause and not _gives_way(plan, spec)
    ]
    if busy:
        name = busy[0].spec.plan_id
        return f"plan {name} is still active: let it finish first, or basisbot plan cancel {name}"
    if spec.single is not None:
        return _not_tradable(state, spec, spec.single)
    if spec.stops is not None:
        return _nothing_to_protect(state, spec, spec.stops)
    # What makes the portfolio smaller has no upper limit.
    opens = spec.kind is PlanKind.OPEN
    too_large = size.plan(spec.size_xbt, policy.max_plan_xbt) if opens else None
    if too_large is not None:
        return f"{too_large.given} is more than the limit of {too_large.limit}"
    if spec.is_roll:
        return rolling.objection(state, policy, spec)
    if spec.kind is PlanKind.CLOSE and (other := rolling.half_rolled(state, spec)) is not None:
        return f"{other} is held too, and would stay alone: finish the roll first (basisbot plan roll)"
    linear = state.instruments[spec.linear]
    smallest = linear.granule(Decimal(1))
    if smallest > policy.max_unattended_delta:
        return (
            f"one lot of {linear.id} is {smallest} XBT, more than max_unattended_delta_xbt "
            f"({policy.max_unattended_delta}) lets one order risk"
        )
    if spec.size_xbt is not None:
        lots = linear.contracts_for(spec.size_xbt, Decimal(1)) // linear.terms.lot
        if lots < spec.tranches:
            return (
                f"{spec.size_xbt} XBT is {lots} lots of {linear.id}: too few for {spec.tranches} tranches; "
                f"choose a larger size or fewer tranches"
            )
    if problem := laddering.objection(spec, linear):
        return problem
    if spec.kind is PlanKind.CLOSE:
        return _nothing_to_close(state, spec)
    return None


def _gives_way(plan: PlanState, spec: PlanSpec) -> bool:
    """Say whether ``plan`` keeps stops that rest until those of ``spec`` may take their place."""
    return spec.stops is not None and plan.current is not None and plan.current.armed


def _not_tradable(state: BotState, spec: PlanSpec, single: Single) -> str | None:
    instrument = state.instruments[single.instrument]
    if single.contracts % instrument.terms.lot:
        return f"{single.contracts} contracts of {instrument.id} are not whole lots of {instrument.terms.lot}"
    if single.contracts // instrument.terms.lot < spec.tranches:
        return f"{single.contracts} contracts of {instrument.id} are too few for {spec.tranches} tranches"
    if single.reduce_only and single.side.sign * state.positions[instrument.id] >= 0:
        return f"there is no position in {instrument.id} that a {single.side} would reduce"
    return None


def _nothing_to_protect(state: BotState, spec: PlanSpec, stops: Protection) -> str | None:
    held, lot = state.positions[spec.inverse], state.instruments[spec.inverse].terms.lot
    if stops.ladder.side.sign * held >= 0 or stops.ladder.contracts > abs(held):
        return f"{stops} are more than the {held} {spec.inverse} that are held"
    if any(rung.contracts % lot for rung in stops.ladder.rungs):
        return f"{stops} are not whole lots of {lot}"
    return None


def _nothing_to_close(state: BotState, spec: PlanSpec) -> str | None:
    inverse, linear = state.positions[spec.inverse], state.positions[spec.linear]
    if inverse == 0 and linear == 0:
        return "there is no position to close"
    held = Direction.LONG_INVERSE if inverse > 0 or linear < 0 else Direction.SHORT_INVERSE
    if held is not spec.direction:
        return f"what is held is {held}, not {spec.direction}"
    return None


def next_draft(
    state: BotState, market: Market, policy: Policy, plan: PlanState, now: datetime
) -> Draft | Wait | Finished:
    """Return the next tranche of ``plan``, sized at the current prices."""
    spec = plan.spec
    if spec.not_before is not None and now < spec.not_before:
        return Wait(f"it begins at {spec.not_before:%F %T}Z")
    if (pause := laddering.resting(plan, now)) is not None:
        return Wait(pause)
    other = next(
        (
            each
            for each in state.active_plans()
            if each is not plan and each.current is not None and not each.protects
        ),
        None,
    )
    if other is not None and not plan.protects:
        return Wait(f"plan {other.spec.plan_id} is at work")
    inverse, linear = state.instruments[spec.inverse], state.instruments[spec.linear]
    if spec.stops is not None:
        return _protection(state, market, policy, plan, spec.stops, now)
    if spec.single is not None:
        return _slice(state, market, policy, plan, spec.single, now)
    if spec.kind is PlanKind.CLOSE and (month := rolling.half_rolled(state, spec)) is not None:
        return Wait(f"{month} is held too, and would stay alone: finish the roll first, or cancel this plan")
    for key in (spec.inverse, spec.linear):
        trouble = market.trouble(key, now, policy)
        if trouble is not None:
            return Wait(str(trouble))
    price = market.last_mids[spec.inverse]
    if spec.is_roll:
        if (too_small := rolling.too_small(state, plan, market.last_mids)) is not None:
            return Wait(too_small)
        rolled = rolling.next_pair(state, plan, market.last_mids)
        return Finished() if rolled is None else Draft(rolled)
    if spec.kind is PlanKind.OPEN:
        draft = _opening(state, plan, inverse, linear, price)
    else:
        draft = _closing(state, plan, inverse, linear, price)
    return draft if isinstance(draft, Finished) else _at_its_basis(market, plan, draft)


def _at_its_basis(market: Market, plan: PlanState, draft: Draft) -> Draft | Wait:
    """Hold a ladder's tranche back while the basis is outside its range; so the collateral's hedge before the first."""
    basis = draft.basis
    if basis is None and plan.spec.ladder and not plan.tranches:
        basis = plan.spec.ladder[0].basis
    reason = None if basis is None else laddering.outside(market, plan.spec, basis)
    return draft if reason is None else Wait(reason)


def _slice(
    state: BotState, market: Market, policy: Policy, plan: PlanState, single: Single, now: datetime
) -> Draft | Wait | Finished:
    instrument = state.instruments[single.instrument]
    if len(plan.tranches) >= plan.spec.tranches:
        return Finished()
    if market.fresh(single.instrument, now, policy) is None:
        return Wait(
            f"no fresh two-sided quote of {single.instrument}, or its market is not open for long enough"
        )
    contracts = split_tranches(instrument, single.contracts, plan.spec.tranches)[len(plan.tranches)]
    if single.reduce_only:
        contracts = min(contracts, max(-single.side.sign * state.positions[instrument.id], 0))
        contracts -= contracts % instrument.terms.lot
    if plan.spec.cause in _ANSWERS_DELTA:
        contracts = min(contracts, _needed(state, market, plan.spec, instrument, single.side))
    if contracts == 0:
        return Finished()
    return Draft((LegDraft(Role.SINGLE, single.instrument, single.side, contracts, single.reduce_only),))


# What these plans trade, Δ asked for when they were proposed; it may have moved while they waited.
_ANSWERS_DELTA = (Cause.COLLATERAL, Cause.ORPHAN)


def _needed(state: BotState, market: Market, spec: PlanSpec, instrument: Instrument, side: Side) -> int:
    """Return the whole lots that still bring Δ nearer to its target."""
    off = (spec.target_delta - state.delta()) * side.sign
    if off <= 0:
        return 0
    lots = (off / instrument.granule(market.last_mids[instrument.id])).to_integral_value(ROUND_HALF_DOWN)
    return int(lots) * instrument.terms.lot


def _protection(
    state: BotState, market: Market, policy: Policy, plan: PlanState, stops: Protection, now: datetime
) -> Draft | Wait | Finished:
    key = plan.spec.inverse
    if plan.tranches or stops.ladder.side.sign * state.positions[key] >= 0:
        return Finished()
    if market.fresh(key, now, policy) is None:
        return Wait(f"no fresh two-sided quote of {key}")
    contracts = stops.ladder.contracts
    return Draft((LegDraft(Role.SINGLE, key, stops.ladder.side, contracts, reduce_only=True),))


def _spread_tranches(plan: PlanState) -> int:
    return sum(tranche.is_spread for tranche in plan.tranches)


def _opening(
    state: BotState, plan: PlanState, inverse: Instrument, linear: Instrument, price: Decimal
) -> Draft | Finished:
    spec = plan.spec
    if spec.collateral and not plan.tranches:
        hedge = collateral_hedge(spec.direction, linear, inverse, state.delta() - spec.target_delta, price)
        if hedge.contracts and hedge.side is Side.SELL:
            short = linear if spec.direction is Direction.LONG_INVERSE else inverse
            return Draft((LegDraft(Role.SINGLE, short.id, Side.SELL, hedge.contracts, reduce_only=False),))
    if spec.ladder:
        return _next_on_ladder(state, plan, inverse, linear, price)
    whole = Decimal(0) if spec.size_xbt is None else spec.size_xbt
    sizes = split_tranches(linear, linear.contracts_for(whole, price), spec.tranches)
    done = _spread_tranches(plan)
    if done >= len(sizes):
        return Finished()
    return _pair(spec, Action.OPEN, linear, inverse, sizes[done], price)


def _next_on_ladder(
    state: BotState,
    plan: PlanState,
    inverse: Instrument,
    linear: Instrument,
    price: Decimal,
    most: int | None = None,
) -> Draft | Finished:
    """Return the pair the ladder wants next. ``most``: contracts of pairs that are left to close; the last tranche of a
    plan that closes everything takes them all."""
    spec = plan.spec
    rung = laddering.next_rung(plan, linear, laddering.worked(state, plan))
    if rung is None and (most is None or spec.size_xbt is not None):
        return Finished()
    last = len(spec.ladder) - 1
    index, contracts = (last, most or 0) if rung is None else rung
    if most is not None:
        contracts = most if spec.size_xbt is None and index == last else min(contracts, most)
    pair = _pair(spec, spec.action, linear, inverse, contracts, price)
    return Draft(pair.legs, spec.ladder[index].basis)


def _closing(
    state: BotState, plan: PlanState, inverse: Instrument, linear: Instrument, price: Decimal
) -> Draft | Finished:
    spec = plan.spec
    held_inverse, held_linear = state.positions[inverse.id], state.positions[linear.id]
    if held_inverse * held_linear < 0:
        wanted = _left_to_close(state, plan, linear, inverse, held_inverse, price)
        pairs = paired_reduction(inverse, held_inverse, linear, held_linear, wanted, price)
        if pairs.linear and spec.ladder:
            return _next_on_ladder(state, plan, inverse, linear, price, abs(pairs.linear))
        if pairs.linear:
            left = max(spec.tranches - _spread_tranches(plan), 1)
            contracts = -(-abs(pairs.linear) // left)
            return _pair(spec, Action.CLOSE, linear, inverse, contracts, price)
    if spec.size_xbt is not None:
        return Finished()
    # What is left has no partner of a tradable size: the inverse remainder, then the collateral's hedge.
    remainder = []
    long_inverse = spec.direction is Direction.LONG_INVERSE
    if held_inverse and (long_inverse or spec.collateral):
        remainder.append((inverse, held_inverse))
    if held_linear and (not long_inverse or spec.collateral):
        remainder.append((linear, held_linear))
    for instrument, held in remainder:
        side = Side.SELL if held > 0 else Side.BUY
        if abs(held) >= instrument.terms.lot:
            whole = abs(held) // instrument.terms.lot * instrument.terms.lot
            return Draft((LegDraft(Role.SINGLE, instrument.id, side, whole, reduce_only=True),))
    return _surplus(state, plan, linear if long_inverse else inverse, price)


def _surplus(state: BotState, plan: PlanState, short: Instrument, price: Decimal) -> Draft | Finished:
    """Take off what the leg left short hedges beyond the collateral: the pairs came out to the nearest lot below."""
    naked = state.delta() - plan.spec.target_delta
    granule = short.granule(price)
    lots = int((-naked / granule).to_integral_value(ROUND_HALF_DOWN)) if naked < 0 else 0
    contracts = min(lots * short.terms.lot, -state.positions[short.id])
    if contracts <= 0:
        return Finished()
    return Draft((LegDraft(Role.SINGLE, short.id, Side.BUY, contracts, reduce_only=True),))


def _left_to_close(
    state: BotState,
    plan: PlanState,
    linear: Instrument,
    inverse: Instrument,
    held_inverse: int,
    price: Decimal,
) -> Decimal:
    if plan.spec.size_xbt is None:
        return abs(inverse.xbt(held_inverse, price))
    closed = sum(
        (
            order.filled_quantity
            if order.request.instrument == inverse.id
            else linear.xbt(order.filled, price)
            for tranche in plan.tranches
            if tranche.is_spread
            for order in state.orders_of(tranche.lead)
        ),
        Decimal(0),
    )
    return max(plan.spec.size_xbt - closed, Decimal(0))


def _pair(
    spec: PlanSpec, action: Action, linear: Instrument, inverse: Instrument, contracts: int, price: Decimal
) -> Draft:
    """Draft a pair of ``contracts`` of the coarse contract. Which of the two goes first is the plan's choice."""
    reduce_only = action is Action.CLOSE
    fine = inverse.contracts_for(linear.xbt(contracts, price), price)
    sizes = {linear.id: contracts, inverse.id: fine}
    works, hedges = (linear, inverse) if spec.legging.working is Kind.LINEAR else (inverse, linear)
    return Draft(
        tuple(
            LegDraft(role, leg.id, spec.direction.side(leg.terms.kind, action), sizes[leg.id], reduce_only)
            for role, leg in ((Role.WORKING, works), (Role.HEDGE, hedges))
        )
    )
