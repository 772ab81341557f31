"""No tranche is opened that may not be finished before a market closes."""

from risk.approval import Denied
from risk.checks.case import Case
from risk.checks.settlement_near import enlarges


def check(case: Case) -> Denied | None:
    if not enlarges(case):
        return None
    margin = case.limits.opening_margin
    for sight in case.sights:
        ends = None if sight.hours is None else sight.hours.closes(case.now)
        if sight.hours is not None and ends is not None and ends - case.now < margin:
            opens = sight.hours.opens(case.now)
            again = "not announced" if opens is None else f"{opens:%F %R}Z"
            return Denied(
                "OPENING_LATE",
                f"{margin.total_seconds() / 60:g} min before the close",
                f"{sight.instrument} closes at {ends:%F %R}Z (opens: {again})",
            )
    return None
