"""Nothing is opened just before a funding payment that it would have to pay."""

from datetime import timedelta

from risk.approval import Denied
from risk.checks.case import Case, Sight
from risk.orders import Side


def check(case: Case) -> Denied | None:
    """The inverse leg pays: the order itself, or the partner that answers it on the other side."""
    if case.order.reduce_only:
        return None
    denied = _pays(case, case.sight, case.order.side)
    if denied is None and case.partner is not None:
        denied = _pays(case, case.partner, case.order.side.opposite)
    return denied


def _pays(case: Case, sight: Sight, side: Side) -> Denied | None:
    funding, margin = sight.funding, case.limits.funding_margin
    if funding is None or side.sign * funding.rate <= 0:
        return None
    if not timedelta(0) <= funding.at - case.now < margin:
        return None
    wanted = f"{margin.total_seconds():g} s before funding, or after it"
    who = "longs" if funding.rate > 0 else "shorts"
    return Denied(
        "FUNDING_NEAR", wanted, f"{who} of {sight.instrument} pay {abs(funding.rate):.4%} at {funding.at:%R}Z"
    )
