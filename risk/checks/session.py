"""Both markets trade, and go on for a while: what goes to a closed one would be held, and fill at its open."""

from datetime import datetime, timedelta

from risk.approval import Denied
from risk.checks.case import Case, Sight
from risk.sessions import Session


def check(case: Case) -> Denied | None:
    if not case.is_work:
        return closed(case.sight, case.now)
    for sight in case.sights:
        denied = unworkable(sight, case.now, case.limits.close_margin)
        if denied is not None:
            return denied
    return None


def closed(sight: Sight, now: datetime) -> Denied | None:
    """Deny while the market is known to be closed. Hours nobody knows keep no hedge."""
    if sight.hours is not None and sight.hours.session(now) is Session.CLOSED:
        opens = sight.hours.opens(now)
        again = "not announced" if opens is None else f"{opens:%F %R}Z"
        return Denied("SESSION_CLOSED", "an open market", f"{sight.instrument} is closed (opens: {again})")
    return None


def unworkable(sight: Sight, now: datetime, margin: timedelta) -> Denied | None:
    """Deny unless the market is known to be open from ``now`` until ``margin`` later."""
    wanted = f"a market open for {margin.total_seconds():g} s yet"
    if sight.hours is None or sight.hours.session(now) is Session.UNKNOWN:
        return Denied("SESSION_UNKNOWN", wanted, f"the hours of {sight.instrument} are not known")
    if sight.hours.trades_for(now, margin):
        return None
    ends = sight.hours.closes(now)
    if ends is None:
        return closed(sight, now)
    return Denied("SESSION_ENDING", wanted, f"{sight.instrument} closes at {ends:%F %T}Z")
