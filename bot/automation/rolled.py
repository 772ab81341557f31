"""A roll that stopped half-way, and one after which the profile still names the old month: both are said aloud.

Which month a leg is held in is what the positions say (``Automation.followed``): nothing else is remembered.
"""

from collections.abc import Iterator

from bot.automation.reminding import LONGEST, remind
from bot.model.automation import AtExpiry, Automation
from bot.orders.turn import Turn
from risk.instruments import InstrumentId


def _legs(pair: Automation) -> Iterator[tuple[InstrumentId, InstrumentId, str]]:
    """The legs that have a next month: the old one, the next one, what people call the leg."""
    for leg, name in ((pair.linear, "linear"), (pair.inverse, "inverse")):
        following = pair.next_of(leg)
        if following is not None:
            yield leg, following, name


def is_halfway(turn: Turn, pair: Automation) -> bool:
    """Say whether a leg is held in two months."""
    held = turn.state.positions
    return any(held[old] and held[new] for old, new, _ in _legs(pair))


def _settles_soon(turn: Turn, profile: Automation, old: InstrumentId) -> bool:
    """Say whether the old month is held to its settlement, and only the collateral's hedge has gone on before."""
    limits, ends = profile.expiry, turn.state.instruments[old].terms.expiry
    if limits is None or limits.what is not AtExpiry.SETTLE or ends is None:
        return False
    return turn.now >= ends - limits.lead


def watch(turn: Turn, profile: Automation) -> None:
    """Remind a person of a leg in two months that no roll is at work on, and every day of a profile that has not
    followed."""
    held = turn.state.positions
    for old, new, leg in _legs(profile):
        if held[old] and held[new]:
            at_work = any(plan.spec.is_roll for plan in turn.state.active_plans())
            if at_work or _settles_soon(turn, profile, old):
                continue
            remind(
                turn,
                "ROLL_UNFINISHED",
                f"the {leg} leg is in two months, {old} {held[old]:+} and {new} {held[new]:+}, and no roll is at "
                "work: only its margin is watched, and nothing closes it as a pair, until it is finished",
                about=leg,
            )
        elif held[new]:
            remind(
                turn,
                "ROLLED",
                f"the {leg} leg is in {new} now ({held[new]:+}) and the bot follows it there; the profile still names "
                f"{old}: move it on before the spread is next closed",
                about=leg,
                first=LONGEST,
            )
