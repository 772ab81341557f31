"""A leg has shrunk or vanished without an order of ours, or by a stop: nothing new starts until somebody has looked."""

from bot.model.events import TradingStateChanged
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from risk.orders import Cause, Fill


def stand_down(turn: Turn, fill: Fill, reason: str, *, stop: bool = False) -> None:
    """Start nothing new. Where the orphan's watch is on, what the venue itself did, or a ``stop`` of ours, leaves the
    way open to what makes the portfolio smaller: what is left standing alone is to be answered. A trade by hand does
    not: somebody is at it.
    """
    pair = turn.policy.automation
    answered = pair is not None and pair.orphan is not None and (stop or fill.cause is not Cause.TRADE)
    to = TradingState.REDUCING if answered else TradingState.HALTED
    turn.market.orphaned_at = turn.now
    if turn.state.trading.starts_orders and turn.state.trading is not to:
        turn.emit(TradingStateChanged(to, "basisbot", reason))
