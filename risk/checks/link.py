"""The links are up: to the venue, and to the one that has to answer."""

from risk.approval import Denied
from risk.checks.case import Case, Sight


def check(case: Case) -> Denied | None:
    for sight in case.sights if case.is_work else (case.sight,):
        denied = down(sight)
        if denied is not None:
            return denied
    return None


def down(sight: Sight) -> Denied | None:
    if sight.linked:
        return None
    return Denied("LINK_DOWN", "a link that is up", f"{sight.instrument.venue} cannot be reached")
