"""Rolling: the linear leg leaves one month and enters a later one, contract for contract, pair by pair.

The old month goes first, and each of its fills is answered in the new one. Closing first needs no margin that is not
there already, can never come to more than is held (it only reduces), and its hedge, which opens, is never at the end of
a position. What is naked meanwhile is one working order, as with any pair.
"""

from decimal import Decimal

from bot.model.ids import Role
from bot.model.plans import PlanKind, PlanSpec
from bot.model.policy import Policy
from bot.orders.drafts import LegDraft
from bot.orders.state import BotState, PlanState
from risk.direction import Action, Direction
from risk.instruments import Instrument, InstrumentId
from risk.sizing import split_tranches
from risk.terms import Kind

_ANY = Decimal(1)  # a linear contract counts the same XBT at every price


def objection(state: BotState, policy: Policy, spec: PlanSpec) -> str | None:
    """Return why a roll cannot be taken on, None if it can."""
    old, new = state.instruments[spec.inverse], state.instruments[spec.linear]
    if problem := unfit(old, new):
        return problem
    held = state.positions[old.id]
    if not held:
        return f"there is no position in {old.id} to roll"
    holds = held_direction(held)
    if holds is not spec.direction:
        return f"{old.id} {held:+} is the linear leg of {holds}, not of {spec.direction}"
    if state.positions[new.id] * held < 0:
        return f"{new.id} is held the other way round: close that first"
    granule = old.terms.multiplier * old.terms.lot
    if granule > policy.max_unattended_delta:
        return (
            f"one lot of {old.id} is {granule} XBT, more than max_unattended_delta_xbt "
            f"({policy.max_unattended_delta}) lets one order risk"
        )
    contracts = abs(held) if spec.size_xbt is None else old.contracts_for(spec.size_xbt, _ANY)
    if contracts > abs(held):
        return f"{spec.size_xbt} XBT are {contracts} contracts of {old.id}, of which {abs(held)} are held"
    lots = contracts // old.terms.lot
    if lots < spec.tranches:
        return f"it is {lots} lots of {old.id}: too few for {spec.tranches} tranches"
    others = [
        plan.spec.plan_id
        for plan in state.active_plans()
        if plan.spec.kind in (PlanKind.OPEN, PlanKind.CLOSE, PlanKind.ROLL) and not plan.stopping
    ]
    if others:
        return f"plan {others[0]} is still active: let it finish first, or basisbot plan cancel {others[0]}"
    return None


def unfit(old: Instrument, new: Instrument) -> str | None:
    """Return why one contract cannot take another's place: it must be of the same kind and size, and end later."""
    for contract in (old, new):
        if contract.terms.kind is not Kind.LINEAR:
            return f"{contract.id} is no linear contract: only the linear leg is rolled"
        if contract.terms.expiry is None:
            return f"{contract.id} has no expiry: there is nothing to roll"
    if (old.terms.multiplier, old.terms.lot) != (new.terms.multiplier, new.terms.lot):
        return (
            f"{old.id} is {old.terms.multiplier} XBT a contract and {new.id} {new.terms.multiplier}: "
            "a roll needs two months of the same contract"
        )
    if old.terms.expiry is not None and new.terms.expiry is not None and new.terms.expiry <= old.terms.expiry:
        return (
            f"{new.id} ends {new.terms.expiry:%F %R}Z, no later than {old.id} ({old.terms.expiry:%F %R}Z): "
            "check linear.next_contract"
        )
    return None


def held_direction(linear: int) -> Direction:
    """Return which way round a spread is whose linear leg is ``linear`` contracts."""
    return Direction.LONG_INVERSE if linear < 0 else Direction.SHORT_INVERSE


def half_rolled(state: BotState, spec: PlanSpec) -> InstrumentId | None:
    """Return the other month of the linear leg that is held, if one is: to close the pair would leave it alone."""
    linear = state.instruments[spec.linear].terms
    for key, contracts in state.positions.items():
        if not contracts or key.venue != spec.linear.venue or key == spec.linear:
            continue
        terms = state.instruments[key].terms
        if (terms.kind, terms.multiplier) == (
            linear.kind,
            linear.multiplier,
        ) and terms.expiry != linear.expiry:
            return key
    return None


def next_pair(state: BotState, plan: PlanState) -> tuple[LegDraft, ...] | None:
    """Return the next tranche, no larger than what is still held; None once all of it is done."""
    spec = plan.spec
    old, new = state.instruments[spec.inverse], state.instruments[spec.linear]
    held = state.positions[old.id]
    side = spec.direction.side(Kind.LINEAR, Action.OPEN)
    left = max(side.sign * held, 0)
    done = len(plan.tranches)
    if spec.size_xbt is None:
        contracts = -(-left // max(spec.tranches - done, 1))
    else:
        sizes = split_tranches(old, old.contracts_for(spec.size_xbt, _ANY), spec.tranches)
        contracts = min(sizes[done], left) if done < len(sizes) else 0
    if not contracts:
        return None
    return (
        LegDraft(Role.WORKING, old.id, side.opposite, contracts, reduce_only=True),
        LegDraft(Role.HEDGE, new.id, side, contracts, reduce_only=False),
    )
