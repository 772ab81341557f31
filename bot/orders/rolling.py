"""Rolling: a leg leaves one month and enters a later one, XBT for XBT, pair by pair.

Of the linear leg that is contract for contract. An inverse contract is worth fewer XBT the higher its price: the new
month gets as many as make up for the XBT of each fill in the old one, so that Δ stays where it was.

The old month goes first, and each of its fills is answered in the new one. Closing first needs no margin that is not
there already, can never come to more than is held (it only reduces), and its hedge, which opens, is never at the end of
a position. What is naked meanwhile is one working order, as with any pair.
"""

from collections.abc import Mapping
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
    if held_direction(held) is not spec.direction:
        return f"{old.id} is held the other way round ({held:+}): propose the roll again"
    if state.positions[new.id] * held < 0:
        return f"{new.id} is held the other way round: close that first"
    linear = old.terms.kind is Kind.LINEAR
    if linear and old.granule(_ANY) > policy.max_unattended_delta:
        return (
            f"one lot of {old.id} is {old.granule(_ANY)} XBT, more than max_unattended_delta_xbt "
            f"({policy.max_unattended_delta}) lets one order risk"
        )
    # How many inverse contracts a size comes to is known with each tranche's price; no more than are held, ever.
    sized = linear and spec.size_xbt is not None
    contracts = old.contracts_for(spec.size_xbt or _ANY, _ANY) if sized else abs(held)
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
    """Return why one contract cannot take another's place: it must be of the same kind and size, and end later. What
    never ends, a perpetual, can be left for what does, not entered."""
    if new.terms.expiry is None or (old.terms.expiry is None and old.terms.kind is not Kind.INVERSE):
        without = new if new.terms.expiry is None else old
        return f"{without.id} has no expiry: there is nothing to roll"
    if old.terms.kind is not new.terms.kind:
        return f"{old.id} is {old.terms.kind} and {new.id} {new.terms.kind}: a leg is rolled within its venue"
    if (old.terms.multiplier, old.terms.lot) != (new.terms.multiplier, new.terms.lot):
        return (
            f"{old.id} is {old.terms.multiplier} XBT a contract and {new.id} {new.terms.multiplier}: "
            "a roll needs two months of the same contract"
        )
    if old.terms.expiry is not None and new.terms.expiry is not None and new.terms.expiry <= old.terms.expiry:
        setting = "linear.next_contract" if old.terms.kind is Kind.LINEAR else "inverse.next_symbol"
        return (
            f"{new.id} ends {new.terms.expiry:%F %R}Z, no later than {old.id} ({old.terms.expiry:%F %R}Z): "
            f"check {setting}"
        )
    return None


def held_direction(held: int) -> Direction:
    """Return which way round the two months of a roll are traded, as a pair: a short is bought back in the old one
    (``PlanSpec.inverse``) and sold in the new one (``PlanSpec.linear``)."""
    return Direction.LONG_INVERSE if held < 0 else Direction.SHORT_INVERSE


def half_rolled(state: BotState, spec: PlanSpec) -> InstrumentId | None:
    """Return the other month of a leg that is held, if one is: to close the pair would leave it alone."""
    for leg in (spec.linear, spec.inverse):
        own = state.instruments[leg].terms
        for key, contracts in state.positions.items():
            if not contracts or key.venue != leg.venue or key == leg:
                continue
            terms = state.instruments[key].terms
            alike = (terms.kind, terms.multiplier) == (own.kind, own.multiplier)
            if alike and terms.expiry != own.expiry:
                return key
    return None


def too_small(state: BotState, plan: PlanState, mids: Mapping[InstrumentId, Decimal]) -> str | None:
    """Return why nothing of what a roll asks for can be traded at the prices of the moment; None once it has begun."""
    old, size = state.instruments[plan.spec.inverse], plan.spec.size_xbt
    if size is None or plan.tranches or old.contracts_for(size, mids[old.id]):
        return None
    return f"{size} XBT are less than a lot of {old.id} at {mids[old.id]:,.2f}: cancel the plan, propose a larger size"


def next_pair(
    state: BotState, plan: PlanState, mids: Mapping[InstrumentId, Decimal]
) -> tuple[LegDraft, ...] | None:
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
        whole = old.contracts_for(spec.size_xbt, mids[old.id])
        # An inverse contract's lots are worth more as its price falls: there may be fewer of them than tranches by now.
        tranches = min(spec.tranches, whole // old.terms.lot)
        sizes = split_tranches(old, whole, tranches) if tranches else ()
        contracts = min(sizes[done], left) if done < len(sizes) else 0
    contracts = min(-(-contracts // old.terms.lot) * old.terms.lot, left)
    if not contracts:
        return None
    into = new.contracts_for(old.xbt(contracts, mids[old.id]), mids[new.id])
    return (
        LegDraft(Role.WORKING, old.id, side.opposite, contracts, reduce_only=True),
        LegDraft(Role.HEDGE, new.id, side, max(into, new.terms.lot), reduce_only=False),
    )
