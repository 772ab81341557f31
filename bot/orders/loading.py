"""What a venue says of its contracts: taken in as far as it can be understood.

Lot, tick, fees, margins and expiry are the venue's to change. A contract that suddenly counts another amount of bitcoin
is another contract: neither the books nor an order can go by that.
"""

from datetime import timedelta
from decimal import Decimal

from bot.model.events import InstrumentLoaded, TradingStateChanged
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from risk.instruments import Instrument, InstrumentId
from risk.portfolio import Funding
from risk.terms import Terms

_IDENTITY = ("kind", "multiplier")
_TOLD = ("lot", "tick", "rounding_unit", "expiry", "initial_margin", "maintenance_margin")
# Venues cap a payment; the largest BitMEX ever made was 1.125 %.
_MOST_FUNDING = Decimal("0.05")
_LATE, _EARLY = timedelta(days=1), timedelta(days=2)


def load(turn: Turn, told: Instrument) -> None:
    """Take in a contract's terms; of another contract than the books hold, nothing, and nothing is started in it."""
    known = turn.state.instruments.get(told.id)
    if known is not None and (changes := _changes(known.terms, told.terms, _IDENTITY)):
        said = f"{told.id} is another contract than the books hold: {changes}"
        turn.market.altered[told.id] = said
        turn.alert(
            "TERMS_CHANGED", f"{said}; trading is halted, nothing is started in it", about=str(told.id)
        )
        if turn.state.trading.starts_orders:
            turn.emit(TradingStateChanged(TradingState.HALTED, "basisbot", f"{told.id} changed its terms"))
        return
    turn.market.altered.pop(told.id, None)
    if known == told:
        return
    turn.emit(InstrumentLoaded(told))
    changes = "" if known is None else _changes(known.terms, told.terms, _TOLD)
    if changes and turn.state.positions[told.id]:
        held = f"{turn.state.positions[told.id]:+} contracts are held"
        turn.alert(
            "TERMS_CHANGED", f"{told.id}: {changes}; {held}, and this is what counts now", about=changes
        )


def _changes(known: Terms, told: Terms, names: tuple[str, ...]) -> str:
    pairs = ((name, getattr(known, name), getattr(told, name)) for name in names)
    return ", ".join(f"its {name} was {before}, and is {now}" for name, before, now in pairs if before != now)


def announce(turn: Turn, instrument: InstrumentId, told: Funding) -> None:
    """Take in the next payment; one that cannot be is told, and counts for nothing: no payment is known then."""
    if abs(told.rate) <= _MOST_FUNDING and turn.now - _LATE < told.at < turn.now + _EARLY:
        turn.market.funding(instrument, told)
        return
    turn.market.fundings.pop(instrument, None)
    turn.alert(
        "FUNDING_DOUBTFUL",
        f"{instrument} announces {told.rate:.4%} for {told.at:%F %R}Z: that is not believed, and counts for nothing",
        about=f"{instrument} {told.rate} {told.at}",
    )
