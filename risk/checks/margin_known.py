"""Where the profile asks for it, nothing is proposed while nobody knows what margin it would need."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    if not case.limits.refuse_unknown_margin or case.order.reduce_only:
        return None
    if case.margin is not None and (case.margin.spent or case.margin.after is not None):
        return None
    venue = case.order.instrument.id.venue
    return Denied("MARGIN_UNKNOWN", "the margin it would need, from the venue", f"{venue} has not said it")
