"""A standing approval as plain JSON values."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.orders.state import StandingState
from risk.approval import Denied
from risk.instruments import Instrument, InstrumentId
from risk.standing import Spent, StandingApproval

View = dict[str, Any]


def standing_view(
    standing: StandingApproval,
    instruments: Mapping[InstrumentId, Instrument],
    now: datetime,
    state: StandingState | None = None,
    held: Denied | None = None,
) -> View:
    """Return what it allows, and what is left of it.

    ``state`` None: it is not recorded yet; ``held``: what suspends all of them now."""
    spent = Spent() if state is None else state.spent(now)
    return {
        "id": standing.standing_id,
        "hash": standing.content_hash(),
        "status": _status(standing, now, state, held),
        "suspended": None if held is None else f"{held.given}: {held.limit} is needed",
        "revoked": state.revoked if state is not None and state.revoked else None,
        "for": list(standing.uses),
        "may": [
            {
                "use": scope.use,
                "side": scope.side,
                "instrument": str(scope.instrument),
                "kind": instruments[scope.instrument].terms.kind if scope.instrument in instruments else None,
                "reduce_only": scope.reduce_only,
            }
            for scope in standing.scopes
        ],
        "daily_xbt": _plain(standing.daily_xbt),
        "total_xbt": _plain(standing.total_xbt),
        "left_today_xbt": _plain(_left(standing, spent)),
        "left_xbt": _plain(max(standing.total_xbt - spent.in_all, Decimal(0))),
        "used_today_xbt": _plain(spent.today),
        "used_xbt": _plain(spent.in_all),
        "max_ticket_xbt": _plain(standing.max_ticket_xbt),
        "max_delta_xbt": _plain(standing.max_delta_xbt),
        "min_basis": _plain(standing.min_basis),
        "max_basis": _plain(standing.max_basis),
        "price_low": _plain(standing.price_low),
        "price_high": _plain(standing.price_high),
        "ends_at": standing.ends_at.isoformat(),
        "seconds_left": round((standing.ends_at - now).total_seconds()),
        "by": standing.by,
    }


def _status(
    standing: StandingApproval, now: datetime, state: StandingState | None, held: Denied | None
) -> str:
    if state is None:
        return "draft"
    if state.revoked:
        return "revoked"
    if now >= standing.ends_at:
        return "ended"
    return "in force" if held is None else "suspended"


def _left(standing: StandingApproval, spent: Spent) -> Decimal:
    left = min(standing.daily_xbt - spent.today, standing.total_xbt - spent.in_all)
    return max(left, Decimal(0))


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize() if value else Decimal(0), "f")
