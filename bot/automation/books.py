"""What the accounts are worth at a price, by the ledger alone: no venue's word is as young as a quote.

The books hold, for each venue, its cash and what the open positions cost (``BotState.cash_and_cost``). An inverse
position is worth that less its contracts at the price, in XBT; a linear one that and its XBT at the price, in USD. So
the broker's account values, up to three minutes old, are not needed to see how it stands.
"""

from datetime import timedelta
from decimal import Decimal

from bot.orders.state import BotState
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.money import from_units
from risk.survival import Account
from risk.terms import Kind

# A broker that has filled an order says what margin it asks for by then.
_REFRESHED = timedelta(seconds=10)


def account_at(
    state: BotState, instrument: InstrumentId, price: Decimal, also: InstrumentId | None = None
) -> Account | None:
    """Return the position in ``instrument``, and in ``also``, the leg's next month, and the venue's equity, everything
    there at ``price`` (USD per XBT); None before the venue's books are open."""
    cash = state.cash_and_cost.get(instrument.venue)
    if cash is None:
        return None
    equity = from_units(cash.units)
    for key, contracts in state.positions.items():
        if key.venue != instrument.venue or not contracts:
            continue
        held = state.instruments[key]
        xbt = held.xbt(contracts, price)
        equity += xbt * price if held.terms.kind is Kind.LINEAR else -xbt
    months = [key for key in (instrument, also) if key is not None and state.positions[key]]
    size = sum((state.instruments[key].xbt(state.positions[key], price) for key in months), Decimal(0))
    return Account(size, equity, price)


def broker_rate(turn: Turn, instrument: InstrumentId, linear: Account, least: Decimal) -> Decimal:
    """Return the broker's margin as a fraction of value: what it last asked for, or has announced to ask for next, but
    not less than the profile says.

    Its word counts for the position it was said of: while it may be older than the last trade, the one before stands.
    """
    market, told = turn.market, turn.market.accounts.get(instrument.venue)
    traded = market.traded_at.get(instrument)
    if told is not None and linear.size and (traded is None or told.at >= traded + _REFRESHED):
        said = (told.maintenance_margin, told.announced_margin)
        asked = max(margin.amount for margin in said if margin is not None)
        market.broker_rates[instrument] = asked / (abs(linear.size) * linear.price)
    return max(least, market.broker_rates.get(instrument, least))
