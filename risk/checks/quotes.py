"""Both markets are quoted: on two sides, not crossed, young enough, not left behind by the other, nor far from it."""

from datetime import datetime, timedelta

from risk.approval import Denied
from risk.checks.case import Case, Sight


def check(case: Case) -> Denied | None:
    for sight in case.sights:
        denied = unquoted(sight, case.now, case.limits.max_quote_age)
        if denied is not None:
            return denied
    return None


def unquoted(sight: Sight, now: datetime, limit: timedelta) -> Denied | None:
    quote, name = sight.quote, sight.instrument
    if sight.altered:
        return Denied("TERMS_CHANGED", "the contract the books hold", sight.altered)
    if quote is None:
        return Denied("QUOTE_MISSING", "a quote", f"none of {name} since the start")
    if quote.bid is None or quote.ask is None:
        side = "bid" if quote.bid is None else "ask"
        return Denied("QUOTE_ONE_SIDED", "a fresh two-sided quote", f"no {side} of {name}")
    if quote.is_crossed:
        prices = f"{quote.bid.price} / {quote.ask.price}"
        return Denied("QUOTE_CROSSED", "a bid below the ask", f"{name} {prices}")
    # One from the future is as good as none: the clock has been set back since.
    if not timedelta(0) <= quote.age(now) <= limit:
        age = quote.age(now).total_seconds()
        return Denied("QUOTE_OLD", f"at most {limit.total_seconds():g} s old", f"{name} is {age:.1f} s old")
    if sight.left_behind:
        return Denied(
            "QUOTE_FROZEN",
            "a book that follows the other venue",
            f"{name} stands still while the other moves",
        )
    if sight.astray:
        return Denied("QUOTE_ASTRAY", "two venues that agree on what bitcoin costs", sight.astray)
    return None
