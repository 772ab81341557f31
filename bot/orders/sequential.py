"""Sequential mode: the hedge leg is asked for once the working leg has filled, and waited for only so long.

Until then, and while a person is asked, nothing more is worked. At the deadline, or when it is rejected, what has
filled is unwound under the working leg's own approval, as after any hedge that failed.
"""

from decimal import Decimal

from bot.model.events import TicketAsked
from bot.model.tickets import TicketStatus
from bot.orders.state import LegState, PlanState
from bot.orders.turn import Turn


def may_yet_be_approved(hedge: LegState) -> bool:
    """Say whether a hedge without an approval may still get one."""
    return hedge.envelope is None and hedge.status in (TicketStatus.WAITING, TicketStatus.OPEN)


def ask(turn: Turn, plan: PlanState, hedge: LegState, naked: Decimal) -> None:
    """Ask for the hedge of what has filled, and go on saying so until somebody answers."""
    if hedge.status is TicketStatus.WAITING:
        turn.emit(TicketAsked(hedge.key, turn.now + turn.policy.hedge_deadline))
    left = max((hedge.ticket.approve_by - turn.now).total_seconds(), 0)
    turn.alert(
        "HEDGE_AWAITS_APPROVAL",
        f"{hedge.key}: {naked:+.8f} XBT are naked until this hedge is approved; in {left:.0f} s they are unwound",
        about=str(hedge.key),
    )
    turn.wait(plan, f"what has filled waits for {hedge.key} to be approved")
