"""Reference pages made from the program itself: ``make docs`` writes them, a test holds them against it."""

import sys
from collections.abc import Callable

from bot.model.trading_state import Activity, TradingState, allows
from risk.approval import Purpose
from risk.checks.all import RULES
from risk.checks.case import Stage

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


_CHECKS = """# Pre-trade checks

Made by `make docs` from `risk/checks/all.py`; do not edit. Each rule is a file in `risk/checks`; the limits stand in
`[limits]` of the profile.

{table}

Asked in this order, the first *no* counts. *wait*: what is denied now may go later by itself, and the plan says what it
waits for (`basisbot plan list`). *refuse*: it may not, until a person changes something: no ticket is raised, an
approval is not taken, an order is not sent, and the plan sends nothing more.

*working* orders start something. A *hedge* answers what has filled and a *contingency* unwinds it: they are kept back
by nothing that is there to limit new risk. A hedge is held against the margin rules when its leg is proposed, so that
the first leg does not go where the second could not follow. Orders of `basisbot flatten` are asked by none: typing the
command was the decision.
"""


def checks() -> str:
    """Return the page about the pre-trade checks."""
    purposes = {
        Purpose.WORK: "working",
        Purpose.HEDGE: "hedge",
        Purpose.CONTINGENCY: "contingency",
        Purpose.PROTECT: "stop",
    }
    lines = [
        "| rule | what must be so | a no means | asked of | when |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rule in RULES:
        told = (sys.modules[rule.check.__module__].__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
        whom = ", ".join(name for purpose, name in purposes.items() if purpose in rule.purposes)
        when = ", ".join(stage for stage in Stage if stage in rule.stages)
        lines.append(f"| {rule.name} | {told} | {rule.nature} | {whom} | {when} |")
    return _CHECKS.format(table="\n".join(lines))


PAGES: dict[str, Callable[[], str]] = {"trading-states.md": trading_states, "checks.md": checks}
