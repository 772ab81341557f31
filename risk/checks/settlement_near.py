"""Nothing is opened shortly before a leg's last trade: between the two legs' ends the one that is left stands alone."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    if not enlarges(case):
        return None
    for instrument in case.contracts or (case.order.instrument,):
        expiry = instrument.terms.expiry
        if expiry is not None and case.now >= expiry - case.limits.settlement_margin:
            hours = case.limits.settlement_margin.total_seconds() / 3600
            return Denied(
                "SETTLEMENT_NEAR",
                f"opened {hours:g} h before the last trade at the latest",
                f"{instrument.id} has its last trade at {expiry:%F %R}Z",
            )
    return None


def enlarges(case: Case) -> bool:
    """Say whether the order makes the portfolio larger: a leg without a partner that brings Δ nearer to its target
    hedges what is there."""
    if case.order.reduce_only:
        return False
    off = case.delta - case.target
    return case.partner is not None or abs(off + case.change) >= abs(off)
