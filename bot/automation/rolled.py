"""A roll that stopped half-way, and one after which the profile still names the old month: both are said aloud.

Which month the pair is held in is what the positions say (``Automation.followed``): nothing else is remembered.
"""

from bot.automation.reminding import LONGEST, remind
from bot.model.automation import Automation
from bot.orders.turn import Turn


def is_halfway(turn: Turn, pair: Automation) -> bool:
    """Say whether the linear leg is held in two months."""
    held = turn.state.positions
    return pair.next_linear is not None and bool(held[pair.linear]) and bool(held[pair.next_linear])


def watch(turn: Turn, profile: Automation) -> None:
    """Remind a person of a leg in two months that no roll is at work on, and every day of a profile that has not
    followed."""
    old, new = profile.linear, profile.next_linear
    if new is None:
        return
    held = turn.state.positions
    if is_halfway(turn, profile):
        if any(plan.spec.is_roll for plan in turn.state.active_plans()):
            return
        remind(
            turn,
            "ROLL_UNFINISHED",
            f"the linear leg is in two months, {old} {held[old]:+} and {new} {held[new]:+}, and no roll is at "
            "work: nothing watches it as one, nor closes it as a pair, until it is finished",
        )
    elif profile.followed(held) is not profile:
        remind(
            turn,
            "ROLLED",
            f"the linear leg is in {new} now ({held[new]:+}) and the bot follows it there; the profile still names "
            f"{old}: move it on before the spread is next closed",
            first=LONGEST,
        )
