"""Were the order alone to fill, Δ would not end further from its target than the profile allows.

What brings Δ nearer to its target may go wherever that leaves it. So may what only takes off what is held: the ticket
says which Δ that ends with, and a wallet somebody did not hedge must not keep a position open.
"""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    if case.order.reduce_only:
        return None
    before = abs(case.delta - case.target)
    after = abs(case.delta + case.change - case.target)
    limit = case.limits.max_delta_after
    if after > limit and after > before:
        return Denied("DELTA_AFTER", f"within {limit} XBT of its target", f"{after:.4f} XBT off")
    return None
