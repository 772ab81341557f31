"""Small before a closure: the spread comes down, in pairs, to what survives it on both accounts.

A closure is a time in which a leg cannot be traded or funded (``risk.closures``). Before a long one the largest spread
that survives the configured moves is worked out from the books at the prices of the moment (``risk.survival``); what is
too much is proposed for reduction early enough, and said louder as the closure nears. After it, once both books are
quoted, it is offered to build back what was taken off.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bot.automation.books import account_at, broker_rate
from bot.automation.entering import is_untimely
from bot.automation.proposing import (
    has_rested,
    held_direction,
    is_news,
    is_quiet,
    plan_of,
    raise_opening,
    raise_reduction,
)
from bot.automation.rebuilding import carried, taken_off
from bot.automation.reminding import remind
from bot.model.automation import Automation, ClosureLimits
from bot.model.ladders import favourable
from bot.model.plans import Cause
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.basis import executable_basis
from risk.closures import Closure, ahead, is_open, long_closures
from risk.direction import Action
from risk.survival import Survival, survival

_CENT = Decimal("0.01")
# What remains is said when the lead is so many times the time left, then every minute (``Turn.alert``) once it should
# be done.
_SAID_AT = (1, 2, 4, 8)


def watch(turn: Turn, pair: Automation, limits: ClosureLimits) -> None:
    """Propose the reduction before a long closure, say what is not done, offer to build back after it."""
    hours = turn.market.hours.get(pair.linear)
    if hours is None:
        return
    closures = long_closures(hours, limits.rules, turn.now)
    # One may begin within another: the market closes while no money arrives.
    near = next((one for one in closures if turn.now < one.span.start <= turn.now + limits.lead), None)
    if hours.known is not None:
        _end_what_is_too_late(turn, closures, near)
    if not (turn.state.positions[pair.inverse] and turn.state.positions[pair.linear]):
        _rebuild(turn, pair, limits, ahead(closures, turn.now))
        return
    if hours.known is None:
        remind(
            turn,
            "CLOSURE_UNKNOWN",
            f"a spread is open and it is not known when {pair.linear} closes ({hours.trouble}): nothing makes it "
            "small before the close; compare with the broker",
            about="unknown",
        )
        return
    if hours.known.end < turn.now + limits.lead:
        remind(
            turn,
            "CLOSURE_UNKNOWN",
            f"a spread is open and the hours of {pair.linear} are announced until {hours.known.end:%a %F %R}Z only: "
            "what closes after that is not known; compare with the broker",
            about="too short",
        )
    if near is None:
        _rebuild(turn, pair, limits, ahead(closures, turn.now))
    else:
        _make_small(turn, pair, limits, near)


def _end_what_is_too_late(turn: Turn, closures: Sequence[Closure], near: Closure | None) -> None:
    """A reduction the closure has overtaken ends with it: at the next open it would only be built back."""
    plan = plan_of(turn.state, Cause.CLOSURE)
    lasting = any(one.tradable and turn.now in one.span for one in closures)
    if plan is not None and not plan.stopping and near is None and not lasting:
        stop_plan(turn, plan, "no closure lies ahead that it would make the spread small for")


def what_survives(turn: Turn, pair: Automation, limits: ClosureLimits) -> Survival | None:
    """Return what of the spread survives at the last prices; None without both."""
    mids = turn.market.last_mids
    if pair.inverse not in mids or pair.linear not in mids:
        return None
    inverse = account_at(turn.state, pair.inverse, mids[pair.inverse])
    linear = account_at(turn.state, pair.linear, mids[pair.linear])
    if inverse is None or linear is None:
        return None
    rate = broker_rate(turn, pair.linear, linear, limits.stress.broker_rate)
    return survival(inverse, linear, replace(limits.stress, broker_rate=rate), limits.buffer)


def _make_small(turn: Turn, pair: Automation, limits: ClosureLimits, closure: Closure) -> None:
    found = what_survives(turn, pair, limits)
    left = closure.span.start - turn.now
    when = f"{closure.why} from {closure.span.start:%a %F %R}Z to {closure.span.end:%a %R}Z"
    if found is None:
        remind(turn, "CLOSURE_NEAR", f"{when}: what survives it is not known without prices of both")
        return
    granule = turn.state.instruments[pair.linear].granule(turn.market.last_mids[pair.linear])
    size = min((found.too_much / granule).to_integral_value(ROUND_CEILING) * granule, found.spread)
    if size <= 0 and found.beyond <= 0:
        return
    need = _instead(found)
    if left <= limits.finish:
        turn.alert(
            "CLOSURE_UNFINISHED",
            f"{when}, and the spread of {found.spread:.2f} XBT is not small enough: {found.largest:.2f} would survive; "
            f"{need}",
            about=f"{closure.span.start}",
        )
    else:
        _say_once_more(
            turn,
            limits,
            closure,
            left,
            f"{when}: {size:.2f} of {found.spread:.2f} XBT are to come off; {need}",
        )
    if size <= 0 or plan_of(turn.state, Cause.CLOSURE) or not has_rested(turn, Cause.CLOSURE, limits.pause):
        return
    raise_reduction(
        turn,
        pair,
        Cause.CLOSURE,
        size,
        f"{when}: of {found.spread:.2f} XBT, {found.largest:.2f} survive it; {need}",
        _tranches(turn, pair, limits, size),
        urgent=True,
    )


def _instead(found: Survival) -> str:
    wants = [
        *([f"{found.more_xbt:.4f} XBT at the inverse venue"] if found.more_xbt else []),
        *([f"{found.more_usd:,.0f} USD at the broker"] if found.more_usd else []),
    ]
    text = f"all of it with {' and '.join(wants)} more" if wants else "all of it survives"
    if found.beyond:
        text += (
            f"; {found.beyond:.2f} XBT more are held on one leg than its account carries, with no pair left"
        )
    return text


def _say_once_more(turn: Turn, limits: ClosureLimits, closure: Closure, left: timedelta, text: str) -> None:
    passed = sum(left * part <= limits.lead for part in _SAID_AT)
    key = f"{closure.span.start} {passed}"
    if is_news(turn, "CLOSURE_NEAR", key):
        turn.alert("CLOSURE_NEAR", f"in {_span(left)}: {text}", about=key)


def _span(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _tranches(turn: Turn, pair: Automation, limits: ClosureLimits, size: Decimal) -> int:
    granule = turn.state.instruments[pair.linear].granule(turn.market.last_mids[pair.linear])
    lots = max(int((size / granule).to_integral_value(ROUND_FLOOR)), 1)
    return min(max(int((size / limits.slice).to_integral_value(ROUND_CEILING)), 1), lots, 90)


def _rebuild(turn: Turn, pair: Automation, limits: ClosureLimits, following: Closure | None) -> None:
    """Offer to build back what came off before the last closure, if the edge is still there and time enough."""
    hours = turn.market.hours[pair.linear]
    if limits.rebuild_after is None or not is_quiet(turn) or not is_open(hours, limits.rules, turn.now):
        return
    past = [each for each in long_closures(hours, limits.rules, turn.now) if each.span.end <= turn.now]
    if not past or turn.now - past[-1].span.end < limits.rebuild_after:
        return
    if following is not None and following.span.start - turn.now < 2 * limits.lead:
        return
    if plan_of(turn.state, Cause.REBUILD) or not has_rested(turn, Cause.REBUILD, limits.pause):
        return
    size = min(taken_off(turn.state, turn, pair), carried(turn, pair))
    if size <= 0:
        return
    direction = held_direction(turn.state, pair)
    quotes = [turn.market.fresh(key, turn.now, turn.policy) for key in (pair.linear, pair.inverse)]
    if quotes[0] is None or quotes[1] is None:
        return
    now = executable_basis(direction, Action.OPEN, quotes[0], quotes[1])
    edge = None if now is None else now.basis.absolute * direction.inverse_side.sign
    if now is None or edge is None or edge < limits.rebuild_basis * now.basis.inverse:
        return
    if is_untimely(turn, pair, direction, size, collateral=False):
        return
    least = direction.inverse_side.sign * (limits.rebuild_basis * now.basis.inverse).quantize(_CENT)
    raise_opening(
        turn,
        pair,
        Cause.REBUILD,
        size,
        direction,
        f"{size:.2f} XBT came off before the closure that ended {past[-1].span.end:%a %R}Z; the basis is "
        f"{now.basis.absolute:.2f}",
        _tranches(turn, pair, limits, size),
        collateral=False,
        basis=favourable(direction, Action.OPEN, least),
    )
