"""The trading state and the table of what each allows. Durable: a restart does not forget a halt."""

from enum import StrEnum

from risk.approval import Purpose


class TradingState(StrEnum):
    """DISABLED: start and recovery. HALTED: no new working orders. REDUCING: only what makes the portfolio
    smaller. ACTIVE: all that is approved."""

    DISABLED = "disabled"
    HALTED = "halted"
    REDUCING = "reducing"
    ACTIVE = "active"

    @property
    def starts_orders(self) -> bool:
        """Say whether working orders of any kind may be sent."""
        return Activity.REDUCE in ALLOWED[self]


class Activity(StrEnum):
    """What a trading state allows or forbids; the value is how a person reads it.

    REDUCE makes the *portfolio* smaller: every leg only takes off what is held, and the tranche as a whole does
    not take Δ further from its target. To take the collateral's hedge off is reduce-only at the venue, and yet
    makes the portfolio larger: that is OPEN. HEDGE and CONTINGENCY answer what has filled, so they only ever bring
    |Δ − target| down, the plan's own part of it: what a person left unhedged on purpose does not count.
    """

    OPEN = "new working order that opens or enlarges"
    REDUCE = "new working order that makes the portfolio smaller"
    HEDGE = "hedge of what has filled"
    CONTINGENCY = "unwinding what cannot be hedged"
    FLATTEN = "order of the emergency command"
    CANCEL = "cancel"
    ASK = "question to a venue, booking of its answers"
    PROPOSE_OPENING = "propose a plan that opens"
    PROPOSE_CLOSING = "propose a plan that closes"
    APPROVE = "approve a ticket"
    STOP = "reject a ticket, cancel a plan"


_ALWAYS = frozenset(
    {
        Activity.HEDGE,
        Activity.CONTINGENCY,
        Activity.FLATTEN,
        Activity.CANCEL,
        Activity.ASK,
        # Neither sends anything: tickets, and approved orders in their time, wait until trading is enabled.
        Activity.PROPOSE_CLOSING,
        Activity.APPROVE,
        Activity.STOP,
    }
)

ALLOWED: dict[TradingState, frozenset[Activity]] = {
    TradingState.DISABLED: _ALWAYS | {Activity.PROPOSE_OPENING},
    TradingState.HALTED: _ALWAYS | {Activity.PROPOSE_OPENING},
    # Here an opening plan would wait, and stand in the way of the closing ones.
    TradingState.REDUCING: _ALWAYS | {Activity.REDUCE},
    TradingState.ACTIVE: frozenset(Activity),
}

_ANSWERS = {
    Purpose.HEDGE: Activity.HEDGE,
    Purpose.CONTINGENCY: Activity.CONTINGENCY,
    Purpose.FLATTEN: Activity.FLATTEN,
}


def allows(state: TradingState, activity: Activity) -> bool:
    """Look into the table."""
    return activity in ALLOWED[state]


def activity_of(purpose: Purpose, *, reduces: bool) -> Activity:
    """Return what sending an order of ``purpose`` is; ``reduces``: it makes the portfolio smaller."""
    if purpose is Purpose.WORK:
        return Activity.REDUCE if reduces else Activity.OPEN
    if purpose is Purpose.PROTECT:
        return Activity.REDUCE  # the venue holds it to what is held
    return _ANSWERS[purpose]
