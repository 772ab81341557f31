"""A limit lies near the market: near its venue's mark price where there is one, else near the mid."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    quote = case.sight.quote
    if quote is None:
        return None
    band = case.limits.price_band
    for name, reference in (("mark", quote.mark), ("mid", quote.mid)):
        if reference is not None and abs(case.order.price - reference) > band * reference:
            low, high = reference * (1 - band), reference * (1 + band)
            return Denied(
                "PRICE_BAND", f"{low:.2f} to {high:.2f} ({name} {reference:.2f})", str(case.order.price)
            )
    return None
