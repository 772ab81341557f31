"""Every rule, in the order in which they are asked, and which orders each applies to: the one table."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from risk.approval import Denied, Purpose
from risk.checks import (
    clock_skew,
    contract_month,
    delta_after,
    duplicate,
    funding_near,
    link,
    margin_after,
    margin_known,
    notional,
    open_orders,
    opening_late,
    price_band,
    quotes,
    rate_budget,
    reserve,
    session,
    settlement_near,
    size,
    twin,
)
from risk.checks.case import Case, Stage


class Nature(StrEnum):
    """WAIT: what is denied now may go later by itself. REFUSE: it may not, until a person changes something."""

    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it asks, what its no means, and for which orders and when it is asked."""

    name: str
    check: Callable[[Case], Denied | None]
    nature: Nature
    purposes: frozenset[Purpose]
    stages: frozenset[Stage]

    def applies(self, case: Case) -> bool:
        return case.order.purpose in self.purposes and case.stage in self.stages


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule said no. ``str`` of it is what a person reads."""

    rule: Rule
    denied: Denied

    @property
    def passes(self) -> bool:
        """Say whether waiting helps."""
        return self.rule.nature is Nature.WAIT

    def __str__(self) -> str:
        return str(self.denied)


_WORK = frozenset({Purpose.WORK})
# What answers a fill may not be kept from doing so by what is there to limit new risk.
_ANSWERS = frozenset({Purpose.HEDGE, Purpose.CONTINGENCY})
_STOPS = frozenset({Purpose.PROTECT})
_SENT = frozenset({Stage.SENT})
_ALWAYS = frozenset(Stage)

RULES: tuple[Rule, ...] = (
    Rule("link", link.check, Nature.WAIT, _WORK | _ANSWERS | _STOPS, _ALWAYS),
    Rule("session", session.check, Nature.WAIT, _WORK | _ANSWERS | _STOPS, _ALWAYS),
    Rule("contract month", contract_month.check, Nature.REFUSE, _WORK, _ALWAYS),
    Rule("quotes", quotes.check, Nature.WAIT, _WORK, _ALWAYS),
    Rule("clock skew", clock_skew.check, Nature.WAIT, _WORK, _ALWAYS),
    Rule("funding near", funding_near.check, Nature.WAIT, _WORK, _ALWAYS),
    Rule("margin known", margin_known.check, Nature.WAIT, _WORK | {Purpose.HEDGE}, _ALWAYS - _SENT),
    Rule("margin after", margin_after.check, Nature.REFUSE, _WORK | {Purpose.HEDGE}, _ALWAYS - _SENT),
    Rule("settlement near", settlement_near.check, Nature.REFUSE, _WORK, _ALWAYS - _SENT),
    Rule("opening late", opening_late.check, Nature.WAIT, _WORK, _ALWAYS - _SENT),
    Rule("reserve", reserve.check, Nature.WAIT, _WORK | {Purpose.HEDGE}, _ALWAYS - _SENT),
    Rule("delta after", delta_after.check, Nature.REFUSE, _WORK, _ALWAYS),
    Rule("size", size.check, Nature.REFUSE, _WORK, _SENT),
    Rule("notional", notional.check, Nature.REFUSE, _WORK, _SENT),
    Rule("price band", price_band.check, Nature.REFUSE, _WORK, _SENT),
    Rule("duplicate", duplicate.check, Nature.REFUSE, _WORK | _ANSWERS | _STOPS, _SENT),
    Rule("twin", twin.check, Nature.WAIT, _WORK, _SENT),
    Rule("open orders", open_orders.check, Nature.WAIT, _WORK | _STOPS, _SENT),
    Rule("rate budget", rate_budget.check, Nature.WAIT, _WORK | _STOPS, _SENT),
)
"""The emergency command (FLATTEN) is asked by none of them: typing it was the decision."""


def hold(case: Case) -> Verdict | None:
    """Return the first no among the rules that apply; None where nothing stands against the order."""
    for rule in RULES:
        if rule.applies(case):
            denied = rule.check(case)
            if denied is not None:
                return Verdict(rule, denied)
    return None
