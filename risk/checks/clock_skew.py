"""Our clock and the venues' agree: else a quote's age, a deadline and a signature's life mean nothing."""

from risk.approval import Denied
from risk.checks.case import Case


def check(case: Case) -> Denied | None:
    limit = case.limits.max_clock_skew
    for sight in case.sights:
        if sight.skew is not None and sight.skew.certain > limit:
            word = "ahead of" if sight.skew.least > limit else "behind"
            seconds = sight.skew.certain.total_seconds()
            return Denied(
                "CLOCK_SKEW",
                f"at most {limit.total_seconds():g} s",
                f"{sight.instrument.venue} is at least {seconds:.1f} s {word} this machine's clock",
            )
    return None
