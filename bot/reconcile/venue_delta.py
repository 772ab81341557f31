"""Δ by the venues' own words, to be held against the ledger's. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from bot.orders.state import BotState
from bot.reconcile.differences import Snapshot, counts
from risk.exposure import Holding, Portfolio, exposure
from risk.money import Currency, from_units

_ANY = Decimal(1)


def venue_delta(
    state: BotState, snapshots: Mapping[str, Snapshot], prices: Mapping[str, Decimal]
) -> Decimal | None:
    """Return margin balances + Σ contracts/mark + Σ linear (XBT) as the venues state wallets and positions.

    ``prices``: by instrument, as text, what to mark at; without one, at its entry: Δ does not depend on it but by
    rounding (half a satoshi a rounding unit held). None where a position has neither cost nor entry.
    """
    holdings = []
    for taken in snapshots.values():
        for position in taken.positions:
            if not counts(state, position.instrument):
                continue
            mark = prices.get(str(position.instrument)) or position.entry or _ANY
            if position.contracts and position.cost_units is None and position.entry is None:
                return None
            holdings.append(Holding.of(state.instruments[position.instrument], position, mark))
    wallets = tuple(taken.account.wallet for taken in snapshots.values())
    # What is on its way between venues is in no venue's word: there the ledger's counts.
    elsewhere = from_units(state.moves.held(Currency.XBT))
    return exposure(Portfolio(wallets, tuple(holdings), elsewhere)).total
