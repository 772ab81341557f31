"""Whether the prices are to be believed: nothing is judged, or proposed, by one that is not.

A price that cannot be traded on starts nothing anyway. But while a position is held somebody has to know that nothing
watches over it: a side that has gone stale, a book without an ask, or two venues that no longer tell the same bitcoin.
"""

from datetime import timedelta

from adapters.venue import LinkState
from bot.automation.reminding import remind
from bot.model.automation import Automation
from bot.orders.turn import Turn
from risk.approval import Denied
from risk.checks import quotes
from risk.instruments import InstrumentId
from risk.sessions import Session

# A thin book has no ask for a moment every day: that is no news yet.
_PATIENCE = timedelta(minutes=1)
_SENSELESS = frozenset({"QUOTE_ASTRAY", "TERMS_CHANGED"})


def are_believable(turn: Turn, pair: Automation) -> bool:
    """Say whether the watches may go by the prices, and tell a person when those of an open market are in doubt."""
    found = {key: _doubt(turn, key) for key in (pair.inverse, pair.linear)}
    for key, denied in found.items():
        if denied is None:
            turn.market.doubted_since.pop(key, None)
        else:
            _tell(turn, key, denied)
    return not any(denied is not None and denied.code in _SENSELESS for denied in found.values())


def _doubt(turn: Turn, key: InstrumentId) -> Denied | None:
    market = turn.market
    denied = quotes.unquoted(market.sight(key, turn.now, turn.policy), turn.now, turn.policy.max_quote_age)
    if denied is None or denied.code in _SENSELESS:
        return denied
    # A closed market has no prices, and a link that is down has been told.
    shut = market.session(key, turn.now) is Session.CLOSED
    return None if shut or market.links.get(key.venue) is not LinkState.UP else denied


def _tell(turn: Turn, key: InstrumentId, denied: Denied) -> None:
    since = turn.market.doubted_since.setdefault(key, turn.now)
    if since > turn.now:  # the clock has been set back
        since = turn.market.doubted_since[key] = turn.now
    if not any(turn.state.positions.values()):
        return
    if denied.code not in _SENSELESS and not turn.has_passed(_PATIENCE, since):
        return
    text = f"a position is held, and nothing watches over it by the price of {key}: {denied}"
    remind(turn, "PRICES_DOUBTFUL", text, f"{key} {denied.code}")
