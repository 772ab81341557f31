"""No contract is traded whose last trade is over: neither the order's own nor its partner's."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    for instrument in case.contracts or (case.order.instrument,):
        if instrument.terms.has_ended(case.now):
            return Denied(
                "CONTRACT_EXPIRED", f"traded before {instrument.terms.expiry:%F %R}Z", str(instrument.id)
            )
    return None
