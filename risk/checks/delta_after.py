"""Were the order alone to fill, Δ would not end further from its target than the profile allows.

What brings Δ nearer to its target may go wherever that leaves it; so may what closes a pair, which as a whole leaves
Δ where it is: a wallet somebody did not hedge must not keep a spread open.
"""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    if case.order.reduce_only and case.partner is not None:
        return None
    before = abs(case.delta - case.target)
    after = abs(case.delta + case.change - case.target)
    limit = case.limits.max_delta_after
    if after > limit and after > before:
        return Denied("DELTA_AFTER", f"within {limit} XBT of its target", f"{after:.4f} XBT off")
    return None
