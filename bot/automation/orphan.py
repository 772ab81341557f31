"""An orphaned leg: its partner shrank or vanished without an order of ours, and Δ is brought back by reducing it.

The cause is a row in the books: a liquidation, a deleveraging, an expiry, a trade by hand. What only looks gone (a
reconnect, a position told late) is no cause: it is a mismatch, which stops new work and trades nothing. What answers
is Δ, not the sizes of the pair, and it only ever reduces: to open the lost leg again is a person's decision.
"""

from datetime import timedelta
from decimal import ROUND_HALF_DOWN, Decimal

from bot.automation.proposing import has_rested, is_news, is_quiet, plan_of, raise_single
from bot.model.automation import Automation, OrphanLimits
from bot.model.plans import Cause, Single
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.sessions import Session

_HOUR = timedelta(hours=1)


def answer(turn: Turn, pair: Automation, limits: OrphanLimits) -> Single | None:
    """Return the reduction that brings Δ nearest to its target; None where no orphan stands, or none can be reduced."""
    state = turn.state
    off = state.delta() - pair.target_delta
    if off * state.orphaned <= 0:
        return None
    naked = min(abs(off), abs(state.orphaned))
    if naked <= limits.band:
        return None
    side = Side.SELL if off > 0 else Side.BUY
    held = [key for key in (pair.linear, pair.inverse) if side.sign * state.positions[key] < 0]
    # Where both could be reduced, the one that trades now; else the one that hedges exactly.
    held.sort(key=lambda key: (not _trades(turn, key), key != pair.inverse))
    for key in held:
        contracts = _contracts(turn, key, naked)
        if contracts:
            return Single(key, side, contracts, reduce_only=True)
    return None


def _contracts(turn: Turn, key: InstrumentId, xbt: Decimal) -> int:
    instrument, price = turn.state.instruments[key], turn.market.last_mids.get(key)
    if price is None:
        return 0
    lots = int((xbt / instrument.granule(price)).to_integral_value(ROUND_HALF_DOWN))
    most = abs(turn.state.positions[key]) // instrument.terms.lot
    return min(lots, most) * instrument.terms.lot


def _trades(turn: Turn, key: InstrumentId) -> bool:
    return turn.market.session(key, turn.now) is Session.OPEN


def watch(turn: Turn, pair: Automation, limits: OrphanLimits) -> None:
    """Say an orphan aloud while it stands, and propose what answers it once the books can be trusted."""
    single, market = answer(turn, pair, limits), turn.market
    if single is None:
        market.orphaned_at = None
        return
    off = turn.state.delta() - pair.target_delta
    # After a restart nobody knows when it happened: it counts from now.
    since = market.orphaned_at = market.orphaned_at or turn.now
    hour = f"{single.instrument} {(turn.now - since) // _HOUR}"
    if is_news(turn, "ORPHANED_LEG", f"{since} {hour}"):
        turn.alert(
            "ORPHANED_LEG",
            f"Δ is {off:+.4f} XBT off its target, {turn.state.orphaned:+.4f} of it by no order of ours: "
            f"{single.side} {single.contracts} {single.instrument} would answer it"
            + ("" if _trades(turn, single.instrument) else f"; {single.instrument} does not trade now"),
            about=hour,
        )
    for plan in turn.state.active_plans():
        # It may send nothing now, and a tranche it has begun, or tickets, would keep the answer waiting.
        if plan.spec.enlarges and not plan.stopping:
            stop_plan(turn, plan, "a leg has lost its partner")
    if market.agreed_at is None or market.agreed_at <= since:
        # It takes a comparison since: now, not when one is due, which may be minutes away.
        market.reconciled = False
    if not turn.has_passed(limits.steady, since) or not is_quiet(turn):
        return
    if plan_of(turn.state, Cause.ORPHAN) or not has_rested(turn, Cause.ORPHAN, limits.pause):
        return
    if not _trades(turn, single.instrument):
        return
    raise_single(turn, pair, Cause.ORPHAN, single, f"Δ is {off:+.4f} XBT off: a leg has lost its partner")
