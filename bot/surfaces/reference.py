"""Reference pages made from the program itself: ``make docs`` writes them, a test holds them against it."""

from collections.abc import Callable

from bot.model.trading_state import Activity, TradingState, allows

_STATES = """# Trading states

Made by `make docs` from `bot/model/trading_state.py`; do not edit.

The trading state is kept in the ledger and survives a restart. A person sets it with `basisbot enable`,
`basisbot enable --reducing`, `basisbot halt` and `basisbot disable`; the bot itself only ever goes to *halted*: on a
fill that is not from its orders, after an emergency command, and when a person adopts a difference. A new ledger is
*disabled*.

{table}

*Smaller* is meant of the portfolio: every leg only takes off what is held, and the tranche as a whole takes Δ no
further from its target. The collateral's hedge is therefore left on while *reducing*.

A state is the most that may happen. Whatever it says, nothing new goes out while ledger and venues are not known to
agree (`basisbot reconcile`), while a venue has not been reached since the start, or while `flatten` is in charge;
hedging what has filled goes on in all but the last.
"""


def trading_states() -> str:
    """Return the page about the trading states."""
    head = ["", *(state.value for state in TradingState)]
    rows = [
        [activity.value, *("yes" if allows(state, activity) else "–" for state in TradingState)]
        for activity in Activity
    ]
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] + [":-:"] * len(TradingState), *rows]]
    return _STATES.format(table="\n".join(lines))


PAGES: dict[str, Callable[[], str]] = {"trading-states.md": trading_states}
