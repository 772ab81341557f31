"""What the expiry of a linear contract leaves at its broker: the position is gone, its result is in the cash. Pure.

The broker tells no execution of it. What proves it is its own word after the contract's last trade: no position any
more, everything else as it is booked, and cash that one price explains. All contracts of one expiry settle at the
same reference rate, so that one price settles them all. How the broker spread the result over daily settlements does
not matter: the books hold what the contracts cost, and once they are gone the cash holds all they came to.
"""

from collections.abc import Iterable
from decimal import Decimal

from bot.orders.state import BotState
from bot.reconcile.differences import Snapshot, cash_and_cost
from risk.instruments import Instrument
from risk.money import UNITS_PER_COIN, Money
from risk.orders import Cause, Fill, Side
from risk.terms import Kind

_CENT = Decimal("0.01")
_FINEST = Decimal("1e-8")
_HALF_A_CENT = int(UNITS_PER_COIN * _CENT) // 2
# A price further than this from the market's is not what the contract settled at: other cash has moved as well.
_PLAUSIBLE = Decimal("0.2")


def settlements(state: BotState, taken: Snapshot, mids: Iterable[Decimal]) -> tuple[Fill, ...]:
    """Return the settlements that explain what a venue shows, none if they do not explain all of it.

    ``mids``: what bitcoin was last seen to cost (USD), at any contract; without any, nothing is explained.
    """
    venue = taken.account.venue
    told = {position.instrument: position.contracts for position in taken.positions if position.contracts}
    booked = {key: held for key, held in state.positions.items() if key.venue == venue and held}
    gone = [state.instruments[key] for key in sorted(booked.keys() - told.keys())]
    if not gone or not all(_has_ended(instrument, taken) for instrument in gone):
        return ()
    if (
        any(told.get(key) != held for key, held in booked.items() if key in told)
        or told.keys() - booked.keys()
    ):
        return ()
    if len({instrument.terms.expiry for instrument in gone}) > 1:
        return ()
    if any(order.request.instrument.venue == venue for order in state.unsettled.values()):
        return ()
    after, before = cash_and_cost(state, venue, taken), state.cash_and_cost.get(venue)
    if after is None or before is None:
        return ()
    contracts = {instrument: booked[instrument.id] for instrument in gone}
    price = _explaining(after - before.units, contracts)
    near = [mid for mid in mids if price is not None and abs(price - mid) <= _PLAUSIBLE * mid]
    if price is None or not near:
        return ()
    return tuple(_settlement(instrument, held, price) for instrument, held in contracts.items())


def _has_ended(instrument: Instrument, taken: Snapshot) -> bool:
    expiry = instrument.terms.expiry
    return instrument.terms.kind is Kind.LINEAR and expiry is not None and taken.account.at > expiry


def _explaining(received: int, contracts: dict[Instrument, int]) -> Decimal | None:
    """Return the price at which closing ``contracts`` (signed) brings ``received`` units of USD, cash and cost
    together: in cents, as settlement prices are, if such a one does to half a cent."""
    size = sum((held * one.terms.multiplier for one, held in contracts.items()), Decimal(0))
    if not size:
        return None  # long and short alike: any price explains it
    exact = Decimal(received) / UNITS_PER_COIN / size
    if exact <= 0:
        return None
    for step in (_CENT, _FINEST):
        price = exact.quantize(step)
        brings = sum(one.value_units(held, price) for one, held in contracts.items()) if price else 0
        if abs(brings - received) <= _HALF_A_CENT:
            return price
    return None


def _settlement(instrument: Instrument, held: int, price: Decimal) -> Fill:
    expiry = instrument.terms.expiry
    if expiry is None:
        raise ValueError(f"{instrument.id} never expires")
    return Fill(
        # A symbol comes again after ten years, its expiry does not.
        execution_id=f"settlement-{instrument.id.symbol}-{expiry:%Y%m%d}",
        instrument=instrument.id,
        client_order_id=None,
        venue_order_id="",
        side=Side.SELL if held > 0 else Side.BUY,
        quantity=abs(held),
        price=price,
        at=expiry,
        fee=Money(instrument.terms.settlement, 0),
        cause=Cause.SETTLEMENT,
    )
