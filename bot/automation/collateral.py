"""The collateral's hedge: Δ is brought back to its target when it has left the band.

Δ by DOMAIN.md, section 2: a price move alone does not change it; fills, fees, funding, realised results, deposits and
withdrawals do, and XBT bought counts from the moment it is recorded.
"""

from decimal import ROUND_HALF_DOWN, Decimal

from bot.automation import expiry, orphan
from bot.automation.proposing import (
    has_rested,
    held_direction,
    is_quiet,
    plan_of,
    raise_opening,
    raise_reduction,
    raise_single,
)
from bot.model.automation import Automation, Collateral
from bot.model.plans import Cause, Single
from bot.orders.state import PlanState
from bot.orders.turn import Turn
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.orders import Side
from risk.sessions import Session

_ANY = Decimal(1)  # a linear contract counts the same XBT at every price


def watch(turn: Turn, pair: Automation, limits: Collateral) -> None:
    """Propose the hedge that brings Δ back, once it has been beyond the band for long enough."""
    state, market = turn.state, turn.market
    if not is_quiet(turn) or not (state.positions[pair.inverse] or state.positions[pair.linear]):
        market.beyond_band_since = None
        return
    off = state.delta() - pair.target_delta
    if abs(off) <= limits.band:
        market.beyond_band_since = None
        _move_back(turn, pair, limits)
        return
    if market.beyond_band_since is None:
        market.beyond_band_since = turn.now
    if any(plan.spec.collateral and not plan.spec.ladder for plan in state.active_plans()):
        return  # a plan that opens hedges the collateral itself, one that closes takes it off; a ladder may wait long
    if any(plan_of(state, cause) for cause in (Cause.COLLATERAL, Cause.ORPHAN)):
        return
    ending = plan_of(state, Cause.EXPIRY)
    if ending is not None and not _waits(turn, ending):
        return
    if pair.expiry is not None and expiry.is_averaging(turn, pair, pair.expiry):
        return  # what the books show as naked is being settled
    if pair.orphan is not None and orphan.answer(turn, pair, pair.orphan) is not None:
        return  # the leg that stands alone goes first
    if not turn.has_passed(limits.steady, market.beyond_band_since):
        return
    if not has_rested(turn, Cause.COLLATERAL, limits.pause) and not _has_come_since(turn):
        return
    home, away = _venues(turn, pair)
    instrument = state.instruments[home]
    if market.session(home, turn.now) is Session.CLOSED:
        # The other venue trades: hedged there now, and moved back once this one has opened.
        instrument = state.instruments[away]
    quote = market.fresh(instrument.id, turn.now, turn.policy)
    if quote is None or quote.mid is None:
        return
    side = Side.SELL if off > 0 else Side.BUY
    held = -side.sign * state.positions[instrument.id]
    contracts = _nearest(instrument, abs(off), quote.mid)
    if held > 0:  # a reducing order takes off what is held, at most
        contracts = min(contracts, held)
    if contracts == 0:
        return
    after = off + instrument.xbt(side.sign * contracts, quote.mid)
    raise_single(
        turn,
        pair,
        Cause.COLLATERAL,
        Single(instrument.id, side, contracts, reduce_only=held > 0),
        f"Δ is {off:+.4f} XBT off its target (band {limits.band}): {side} {contracts} {instrument.id}, "
        f"which leaves {after:+.4f}",
    )


def _has_come_since(turn: Turn) -> bool:
    """Say whether money has moved since the last proposal: what that brings is hedged without a pause."""
    last, moved = turn.market.proposed.get(Cause.COLLATERAL), turn.state.moved_at
    return last is not None and moved is not None and moved > last


def _waits(turn: Turn, plan: PlanState) -> bool:
    """Say whether a plan has nothing to do before a time that has not come: hours, before a settlement."""
    begins = plan.spec.not_before
    return not plan.tranches and begins is not None and turn.now < begins


def _venues(turn: Turn, pair: Automation) -> tuple[InstrumentId, InstrumentId]:
    """Return where the collateral's hedge belongs, the leg that is short anyway, and the other contract."""
    long_inverse = held_direction(turn.state, pair) is Direction.LONG_INVERSE
    return (pair.linear, pair.inverse) if long_inverse else (pair.inverse, pair.linear)


def _move_back(turn: Turn, pair: Automation, limits: Collateral) -> None:
    """Propose to trade a displaced hedge back to where it belongs, as a pair, once both venues trade."""
    home, away = _venues(turn, pair)
    quotes = [turn.market.fresh(key, turn.now, turn.policy) for key in (home, away)]
    if any(quote is None for quote in quotes) or turn.state.active_plans():
        return
    moved = turn.state.displaced.get(away, Decimal(0))
    granule = turn.state.instruments[pair.linear].granule(_ANY)
    size = int(abs(moved) / granule) * granule
    if size <= 0 or not has_rested(turn, Cause.COLLATERAL, limits.pause):
        return
    why = f"{abs(moved):.4f} XBT of the collateral's hedge were traded at {away} while {home} was closed"
    if moved < 0:
        direction = held_direction(turn.state, pair)
        raise_opening(turn, pair, Cause.COLLATERAL, size, direction, why, 1, collateral=False)
    else:
        raise_reduction(turn, pair, Cause.COLLATERAL, size, why, 1, urgent=False)


def _nearest(instrument: Instrument, xbt: Decimal, price: Decimal) -> int:
    """Return the whole lots nearest to ``xbt``, a half counted down: 0 where a lot would not bring Δ nearer."""
    lots = (xbt / instrument.granule(price)).to_integral_value(ROUND_HALF_DOWN)
    return int(lots) * instrument.terms.lot
