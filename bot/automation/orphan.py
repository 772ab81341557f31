"""An orphaned leg: its partner shrank or vanished without an order of ours, and Δ is brought back by reducing it.

The cause is a row in the books: a liquidation, a deleveraging, an expiry, a trade by hand. What only looks gone (a
reconnect, a position told late) is no cause: it is a mismatch, which stops new work and trades nothing. What answers
is Δ, not the sizes of the pair, and it only ever reduces: to open the lost leg again is a person's decision.
"""

from decimal import ROUND_HALF_DOWN, Decimal

from bot.automation.proposing import has_rested, is_quiet, plan_of, raise_single
from bot.automation.reminding import remind
from bot.model.automation import Automation, OrphanLimits
from bot.model.plans import Cause, PlanKind, Single
from bot.orders.state import PlanState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.sessions import Session


def answer(turn: Turn, pair: Automation, limits: OrphanLimits) -> Single | None:
    """Return the reduction that brings Δ nearest to its target; None where no orphan stands, or none can be reduced."""
    naked = standing_alone(turn, pair, limits)
    if not naked:
        return None
    state, side = turn.state, Side.SELL if naked > 0 else Side.BUY
    held = [key for key in (pair.linear, pair.inverse) if side.sign * state.positions[key] < 0]
    # Where both could be reduced, the one that trades now; else the one that hedges exactly.
    held.sort(key=lambda key: (not _trades(turn, key), key != pair.inverse))
    for key in held:
        contracts = _contracts(turn, key, abs(naked))
        if contracts:
            return Single(key, side, contracts, reduce_only=True)
    return None


def standing_alone(turn: Turn, pair: Automation, limits: OrphanLimits) -> Decimal:
    """Return the XBT (signed) by which Δ is off its target and no order of ours has brought it there; 0 in the band."""
    off = turn.state.delta() - pair.target_delta
    if off * turn.state.orphaned <= 0:
        return Decimal(0)
    naked = min(abs(off), abs(turn.state.orphaned))
    return naked.copy_sign(off) if naked > limits.band else Decimal(0)


def _contracts(turn: Turn, key: InstrumentId, xbt: Decimal) -> int:
    instrument, price = turn.state.instruments[key], turn.market.last_mids.get(key)
    if price is None:
        return 0
    lots = int((xbt / instrument.granule(price)).to_integral_value(ROUND_HALF_DOWN))
    most = abs(turn.state.positions[key]) // instrument.terms.lot
    return min(lots, most) * instrument.terms.lot


def _trades(turn: Turn, key: InstrumentId) -> bool:
    return turn.market.session(key, turn.now) is Session.OPEN


def _keeps_waiting(plan: PlanState) -> bool:
    """Say whether the answer would wait for a plan. What opens, and a roll, may send nothing now, and its tranche, or
    tickets, would stand in the way; so would the tickets of a pair to be closed that nobody has answered: a margin's
    reduction, before the liquidation. It is proposed again for what is left."""
    asks = plan.current is not None and not plan.current.armed
    return plan.spec.enlarges or plan.spec.is_roll or (plan.spec.kind is PlanKind.CLOSE and asks)


def watch(turn: Turn, pair: Automation, limits: OrphanLimits) -> None:
    """Say an orphan aloud while it stands, and propose what answers it once the books can be trusted."""
    naked, single, market = standing_alone(turn, pair, limits), answer(turn, pair, limits), turn.market
    if not naked:
        market.orphaned_at = None
        return
    off = turn.state.delta() - pair.target_delta
    # After a restart nobody knows when it happened: it counts from now.
    since = market.orphaned_at = min(market.orphaned_at or turn.now, turn.now)  # a clock may be set back
    said = f"Δ is {off:+.4f} XBT off its target, {turn.state.orphaned:+.4f} of it by no order of ours: "
    if single is None:
        said += (
            "no reduction of what is held brings it nearer; to open a leg, or a hedge, is a person's to say"
        )
    else:
        said += f"{single.side} {single.contracts} {single.instrument} would answer it"
        said += "" if _trades(turn, single.instrument) else f"; {single.instrument} does not trade now"
    remind(turn, "ORPHANED_LEG", said, str(since), amount=naked)
    if single is None:
        return
    for plan in turn.state.active_plans():
        if _keeps_waiting(plan) and not plan.stopping:
            stop_plan(turn, plan, "a leg has lost its partner")
    if market.agreed_at is None or market.agreed_at <= since:
        # It takes a comparison since: now, not when one is due, which may be minutes away.
        market.reconciled = False
    if not turn.has_passed(limits.steady, since) or not is_quiet(turn):
        return
    if plan_of(turn.state, Cause.ORPHAN) or not has_rested(turn, Cause.ORPHAN, limits.pause):
        return
    if market.trouble(single.instrument, turn.now, turn.policy) is not None:
        return  # an inverse leg's contracts follow its price: an old one would make them too many or too few
    raise_single(turn, pair, Cause.ORPHAN, single, f"Δ is {off:+.4f} XBT off: a leg has lost its partner")
