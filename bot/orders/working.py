"""The next working order: whether there may be one now, how large, at which price; else why not."""

from dataclasses import dataclass
from decimal import Decimal

from bot.model.ids import Role
from bot.model.trading_state import activity_of, allows
from bot.orders import standing
from bot.orders.drafts import LegDraft, Wait
from bot.orders.hedging import holding, nothing_to_reduce
from bot.orders.laddering import has_lapsed
from bot.orders.pairing import answerable, clip, remaining
from bot.orders.quoting import Lock, resting_price
from bot.orders.state import LegState, OrderState, PlanState, TrancheState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.instruments import Instrument
from risk.portfolio import Level


@dataclass(frozen=True, slots=True)
class Proposed:
    """A working order that may go now. ``basis``: the one it locks in at worst; None of a leg alone. ``rests``: in the
    book, instead of taking from it; ``edge``: the worst price at which it may."""

    contracts: int
    price: Decimal
    basis: Decimal | None = None
    rests: bool = False
    edge: Decimal | None = None


def is_pair_closed(turn: Turn, tranche: TrancheState) -> bool:
    """Say whether the hedge has nothing left to reduce: what the lead has left has no partner, and may be another's."""
    return tranche.is_spread and nothing_to_reduce(turn, tranche.legs[Role.HEDGE])


def proposed(
    turn: Turn, plan: PlanState, tranche: TrancheState, resting: OrderState | None
) -> Proposed | Wait | None:
    """Return the next working order, or why there is none; None where there is nothing left to work, or no right to.

    ``resting``: the order that rests already. What is returned is then what should rest in its place.
    """
    state, policy, leg = turn.state, turn.policy, tranche.lead
    left = remaining(turn, plan, tranche)
    if (
        left <= 0
        or leg.envelope is None
        or is_pair_closed(turn, tranche)
        or has_lapsed(plan, tranche, turn.now)
    ):
        return None
    # First: an approval that has run out keeps nobody waiting, whatever else forbids to send.
    answers = answerable(policy, tranche, 1)
    if turn.now >= leg.envelope.execute_by or not answers:
        what = "the approval" if answers else "the order ids"
        stop_plan(turn, plan, f"{what} of {leg.key} ran out with {left} contracts unfilled")
        return None
    if not turn.market.reconciled:
        return Wait("ledger and venues have not been found to agree")
    still = LegDraft(leg.key.role, leg.instrument, leg.envelope.side, left, leg.envelope.reduce_only)
    if not may_work(turn, plan, still, paired=tranche.is_spread):
        return Wait(f"trading is {state.trading}")
    if held_up := standing.held_up(turn, leg):
        return Wait(held_up)
    if leg.envelope.reduce_only and not holding(state, leg):
        stop_plan(turn, plan, f"{leg.key} has nothing left to reduce at {leg.instrument}")
        return None
    for each in tranche.legs.values():
        trouble = turn.market.trouble(each.instrument, turn.now, policy)
        if trouble is not None:
            return Wait(str(trouble))
    if resting is None and (waits := _hedge_waits(turn, tranche)):
        return waits
    level = turn.market.quotes[leg.instrument].take(leg.envelope.side)
    if level is None:
        return None
    if tranche.is_spread and plan.spec.legging.style.rests:
        return _pair(turn, plan, tranche, left, level, resting)
    instrument, side = state.instruments[leg.instrument], leg.envelope.side
    price = level.price + side.sign * slop(turn, plan, instrument)
    if not leg.envelope.price_low <= price <= leg.envelope.price_high:
        return _outside(turn, leg, level.price)  # a price nobody approved, and perhaps none at all
    if tranche.is_spread:
        return _pair(turn, plan, tranche, left, level, resting)
    contracts = min(left, instrument.contracts_for(policy.max_unattended_delta, level.price))
    if leg.envelope.reduce_only:
        contracts = min(contracts, holding(state, leg))
    return Proposed(contracts, price) if contracts else None


def _pair(
    turn: Turn, plan: PlanState, tranche: TrancheState, left: int, touch: Level, resting: OrderState | None
) -> Proposed | Wait | None:
    """Hold the working order of a pair against its hedge: the price and the size it can be had at now."""
    leg, hedge, legging = tranche.lead, tranche.legs[Role.HEDGE], plan.spec.legging
    instrument, side = turn.state.instruments[leg.instrument], leg.ticket.material.side
    partner = turn.market.quotes[hedge.instrument]
    level = partner.take(hedge.ticket.material.side)
    if level is None:
        return None
    lock = Lock(leg.ticket.material, instrument, level.price, leg.instrument == plan.spec.linear)
    if legging.style.rests:
        book = turn.market.quotes[leg.instrument]
        own = None if resting is None else resting.request.price
        price = resting_price(lock, book, legging.style, own)
        wanted = price
    else:
        price, wanted = lock.within(touch.price + side.sign * slop(turn, plan, instrument)), touch.price
    too_bad = lock.objection(wanted)
    if too_bad is not None:
        return Wait(too_bad)
    if not leg.ticket.material.price_low <= price <= leg.ticket.material.price_high:
        return Wait(f"{leg.instrument} at {price:f} is outside the prices that were approved")
    band = _beyond_band(turn, hedge, level.price)
    if band is not None:
        return band
    most = _lean(turn, plan, hedge, level)
    if isinstance(most, Wait):
        return most
    sized_at = min(touch.price, price) if legging.style.rests else touch.price
    contracts = clip(turn, plan, tranche, left, sized_at, partner, most)
    if contracts:
        return Proposed(contracts, price, lock.basis(price), legging.style.rests, lock.edge)
    return Wait(_too_thin(turn, hedge, level)) if most < turn.policy.max_unattended_delta else None


def _lean(turn: Turn, plan: PlanState, hedge: LegState, level: Level) -> Decimal | Wait:
    """Return the XBT a working order may be, for what the hedge venue's best price holds to lean on."""
    legging, most = plan.spec.legging, turn.policy.max_unattended_delta
    there = turn.state.instruments[hedge.instrument].xbt(level.quantity, level.price)
    if there < legging.min_lean_xbt:
        return Wait(f"{_too_thin(turn, hedge, level)}, {legging.min_lean_xbt:f} needed")
    return min(most, there / legging.depth_multiple) if legging.depth_multiple else most


def _too_thin(turn: Turn, hedge: LegState, level: Level) -> str:
    there = turn.state.instruments[hedge.instrument].xbt(level.quantity, level.price)
    return f"{hedge.instrument} shows only {there:.4f} XBT at {level.price:f}"


def may_work(turn: Turn, plan: PlanState, lead: LegDraft, *, paired: bool) -> bool:
    """Hold a working order against the trading state's table."""
    # A roll closes one month to open another: nothing gets smaller.
    reduces = lead.reduce_only and not plan.spec.is_roll and (paired or _nears_target(turn, plan, lead))
    return allows(turn.state.trading, activity_of(Purpose.WORK, reduces=reduces))


def _nears_target(turn: Turn, plan: PlanState, lead: LegDraft) -> bool:
    """Say whether a leg without a partner takes Δ no further from its target: a pair leaves Δ where it is, but to
    take the collateral's hedge off makes the portfolio larger."""
    quote = turn.market.quotes.get(lead.instrument)
    if quote is None or quote.mid is None:
        return False
    change = turn.state.instruments[lead.instrument].xbt(lead.side.sign * lead.contracts, quote.mid)
    off = turn.state.delta() - plan.spec.target_delta
    return abs(off + change) <= abs(off)


def slop(turn: Turn, plan: PlanState, instrument: Instrument) -> Decimal:
    """Return the slop as a price, in USD per XBT."""
    ticks = plan.spec.legging.slop_ticks
    return (turn.policy.slop(instrument.terms.kind) if ticks is None else ticks) * instrument.terms.tick


def _hedge_waits(turn: Turn, tranche: TrancheState) -> Wait | None:
    """Say so if the hedge venue's rate limit is nearly spent: what fills now could not be hedged at once."""
    if not tranche.is_spread:
        return None
    venue = tranche.legs[Role.HEDGE].instrument.venue
    wait, left = turn.market.order_waits.get(venue, 0), turn.market.rates_left.get(venue)
    if wait > 0:
        return Wait(f"the rate limit of {venue} takes no hedge for {wait:.1f} s yet")
    if left is not None and left < turn.policy.rate_reserve:
        return Wait(
            f"{left:.0%} of the rate limit of {venue} is left, {turn.policy.rate_reserve:.0%} is for hedges"
        )
    return None


def _beyond_band(turn: Turn, hedge: LegState, touch: Decimal) -> Wait | None:
    """Say so if a hedge at the hard band would lie outside its approved prices."""
    side, material = hedge.ticket.material.side, hedge.ticket.material
    worst = touch * (1 + side.sign * turn.policy.hard_band)
    return None if material.price_low <= worst <= material.price_high else _outside(turn, hedge, touch)


def _outside(turn: Turn, leg: LegState, price: Decimal) -> Wait:
    material = leg.ticket.material
    text = (
        f"{leg.key}: {leg.instrument} trades at {price}, too near the end of what was approved "
        f"({material.price_low} to {material.price_high}): nothing is sent"
    )
    turn.alert("ORDER_DENIED", text, about=f"{leg.key} band")
    return Wait(text)
