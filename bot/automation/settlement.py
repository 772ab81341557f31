"""The two settlement indices, watched before a contract that is held ends: said when they part, and when that is over.

It proposes nothing: what can be done about it (close, roll, hold on) are a person's decisions and other watches' plans.
"""

from datetime import timedelta
from decimal import Decimal

from bot.automation.indices import Indices, indices
from bot.automation.reminding import remind, shorten
from bot.model.automation import Automation, SettlementLimits
from bot.orders.market import Parting
from bot.orders.turn import Turn


def watch(turn: Turn, pair: Automation, limits: SettlementLimits) -> None:
    """Say when the indices are apart, or cannot be compared, shortly before a contract that is held ends."""
    seen = indices(turn, pair, limits)
    if seen.ends is None or seen.ends - turn.now > limits.near:
        turn.market.parting = Parting()
    elif seen.apart is None:
        _unknown(turn, limits, seen)
    else:
        turn.market.parting.unknown_since = None
        _compare(turn, pair, limits, seen, abs(seen.apart.percent) / 100)


def _compare(
    turn: Turn, pair: Automation, limits: SettlementLimits, seen: Indices, distance: Decimal
) -> None:
    memory = turn.market.parting
    if distance >= limits.apart:
        memory.since = memory.since or turn.now
    elif distance <= limits.together or not memory.is_apart:
        memory.since = None
    if memory.is_apart and distance <= limits.together:
        memory.is_apart = False
        turn.alert("INDEX_DIVERGENCE", f"over: {seen.sentence}")
        shorten(turn, "INDEX_DIVERGENCE", f"{seen.first}", limits.pause)
    if memory.since is None or not turn.has_passed(limits.steady, memory.since):
        return
    text = _sentence(turn, pair, limits, seen)
    told = remind(turn, "INDEX_DIVERGENCE", text, f"{seen.first}", first=limits.pause, amount=distance)
    memory.is_apart = memory.is_apart or told


def _unknown(turn: Turn, limits: SettlementLimits, seen: Indices) -> None:
    """Say once a day, for each reason, that nobody sees whether the indices part."""
    memory = turn.market.parting
    memory.since = None  # for how long they have been apart is not known any more
    memory.unknown_since = memory.unknown_since or turn.now
    if turn.has_passed(limits.steady, memory.unknown_since):
        text = f"{seen.first} ends {seen.ends:%a %F %R}Z, and the indices are {seen.sentence}"
        remind(turn, "INDEX_UNKNOWN", text, f"{seen.first} {seen.sentence}", first=timedelta(days=1))


def _sentence(turn: Turn, pair: Automation, limits: SettlementLimits, seen: Indices) -> str:
    """Say how far they are apart, and what that is worth: the linear leg is paid by its own index."""
    state = turn.state
    settles = (seen.first,) if seen.first in pair.months else pair.months
    xbt = sum(
        (
            state.positions[key] * state.instruments[key].terms.multiplier
            for key in settles
            if key is not None and state.positions[key]
        ),
        Decimal(0),
    )
    worth = ""
    if seen.apart is not None and xbt:
        worth = (
            f"; {xbt * seen.apart.absolute:+,.0f} USD on the {abs(xbt):.2f} XBT held there, if they settle so"
        )
    return (
        f"the settlement indices are apart: {seen.sentence} (from {limits.apart:.2%} on, for "
        f"{_seconds(limits.steady)} and more), and {seen.first} ends {seen.ends:%a %F %R}Z{worth}"
    )


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"
