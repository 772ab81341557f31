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


_ANSWERS = {Purpose.HEDGE, Purpose.CONTINGENCY, Purpose.FLATTEN}

ALLOWED: dict[TradingState, dict[bool, frozenset[Purpose]]] = {
    # state -> does the order only reduce? -> purposes allowed
    TradingState.DISABLED: {False: frozenset(_ANSWERS), True: frozenset(_ANSWERS)},
    TradingState.HALTED: {False: frozenset(_ANSWERS), True: frozenset(_ANSWERS)},
    TradingState.REDUCING: {False: frozenset(_ANSWERS), True: frozenset({Purpose.WORK, *_ANSWERS})},
    TradingState.ACTIVE: {
        False: frozenset({Purpose.WORK, *_ANSWERS}),
        True: frozenset({Purpose.WORK, *_ANSWERS}),
    },
}


def allows(state: TradingState, purpose: Purpose, *, reduces: bool) -> bool:
    """Say whether an order of ``purpose`` may be sent. What has filled may be hedged in every state."""
    return purpose in ALLOWED[state][reduces]
