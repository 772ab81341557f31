"""One rule for alerts that last: told at once, then again after a pause that doubles, up to a day.

An alert a minute for a night is one nobody reads in the morning. What gets worse is told at once, and its pause begins
anew: a higher ``level``, or an ``amount`` that has grown by a quarter since it was told. What was not so for as long as
the first pause is new when it is so again. Kept in memory: after a restart a person hears once more.
"""

from datetime import timedelta
from decimal import Decimal

from bot.model.events import Alerted
from bot.orders.market import Reminder
from bot.orders.turn import Turn

FIRST = timedelta(minutes=15)
LONGEST = timedelta(days=1)
GROWN = Decimal("1.25")


def remind(
    turn: Turn,
    code: str,
    text: str,
    about: str = "",
    *,
    first: timedelta = FIRST,
    level: int = 0,
    amount: Decimal = Decimal(0),
) -> bool:
    """Tell a person if it is time to; to be called for as long as it is so. Returns whether it was told.

    ``about``: what tells it from others of the same code. ``level``: the higher, the worse; ``amount``: of which more
    is worse, in whatever unit.
    """
    key, reminders = (code, about), turn.market.reminders
    known = reminders.get(key)
    pause = first
    if known is not None and not turn.has_passed(first, known.seen_at):
        is_worse = level > known.level or abs(amount) > abs(known.amount) * GROWN
        if not is_worse and not turn.has_passed(known.pause, known.told_at):
            known.seen_at = turn.now
            return False
        if not is_worse:
            pause = max(min(known.pause * 2, LONGEST), first)
    reminders[key] = Reminder(turn.now, turn.now, pause, level, amount)
    turn.emit(Alerted(code, text))
    return True


def forget(turn: Turn, code: str, about: str = "") -> None:
    """What a person has answered is new when it is so again, however soon."""
    turn.market.reminders.pop((code, about), None)


def shorten(turn: Turn, code: str, about: str, first: timedelta) -> None:
    """What a person was told is over comes again after the first pause at the latest, not after one that has grown."""
    known = turn.market.reminders.get((code, about))
    if known is not None:
        known.pause = first
