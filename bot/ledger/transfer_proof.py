"""The proof of transfers: each names a person and a reason, and moves no more than was there to move.

A second reading of what ``bot.model.transfer_book`` keeps; it shares nothing with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.events import CashBooked
from bot.model.transfers import (
    OUTSIDE,
    SPOT,
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferEvent,
    TransferMatched,
    TransferRecorded,
)
from risk.money import Currency


@dataclass(slots=True)
class _Way:
    recorded: TransferRecorded
    under_way: int
    is_over: bool = False


class TransferProof:
    """Feed it every transfer and every flow once, in the chain's order."""

    def __init__(self) -> None:
        self._ways: dict[str, _Way] = {}
        self._flows: dict[tuple[str, str], int] = {}
        self._spot = dict.fromkeys(Currency, 0)

    def booked(self, event: CashBooked) -> None:
        self._flows[event.flow.venue, event.flow.flow_id] = event.flow.amount.units

    def see(self, event: TransferEvent) -> Iterator[str]:
        """Say what is wrong with an event, a line each."""
        match event:
            case ConversionRecorded():
                yield from self._converted(event)
            case TransferRecorded(transfer_id):
                if transfer_id in self._ways:
                    yield f"transfer {transfer_id} is in the ledger twice"
                    return
                has_left = event.source in (OUTSIDE, SPOT)
                self._ways[transfer_id] = _Way(event, event.amount.units if has_left else 0)
                if event.source == SPOT:
                    self._spot[event.amount.currency] -= event.amount.units
                if event.amount.units <= 0:
                    yield f"transfer {transfer_id} is of {event.amount}"
                if not event.reason:
                    yield f"transfer {transfer_id} without a reason"
            case TransferMatched(transfer_id) | TransferDone(transfer_id) | TransferCancelled(transfer_id):
                way = self._ways.get(transfer_id)
                if way is None or way.is_over:
                    yield f"transfer {transfer_id} is not open, and {type(event).__name__} says something of it"
                    return
                yield from self._moved(event, way)
        if not event.by:
            yield f"{type(event).__name__} without a person"
        for currency, units in self._spot.items():
            if units < 0:
                yield f"{type(event).__name__} leaves {units} units of {currency} at {SPOT}"

    def _moved(self, event: TransferMatched | TransferDone | TransferCancelled, way: _Way) -> Iterator[str]:
        name, currency = f"transfer {event.transfer_id}", way.recorded.amount.currency
        match event:
            case TransferMatched(_, venue, flow_id, amount):
                units = amount.units
                left = self._flows.get((venue, flow_id), 0)
                if amount.currency is not currency or units * left <= 0 or abs(units) > abs(left):
                    yield f"{name} takes {amount} of flow {flow_id} at {venue}, of which {left} units are left"
                self._flows[venue, flow_id] = left - units
                place = way.recorded.target if units > 0 else way.recorded.source
                # What a person took back goes the way it came.
                if venue not in (place, way.recorded.source):
                    yield f"{name} from {way.recorded.source} to {way.recorded.target} is matched at {venue}"
                way.under_way -= units
            case TransferDone(_, arrived, place, cost):
                way.is_over = True
                way.under_way -= arrived.units + cost.units
                if min(arrived.units, cost.units) < 0:
                    yield f"{name} ends with {arrived} arrived and a cost of {cost}"
                if place == SPOT:
                    self._spot[currency] += arrived.units
            case TransferCancelled(_, returned, place):
                way.is_over = True
                way.under_way -= returned.units
                if place == SPOT:
                    self._spot[currency] += returned.units
        if way.under_way < 0 or (way.is_over and way.under_way):
            yield f"{name} leaves {way.under_way} units on their way"

    def _converted(self, event: ConversionRecorded) -> Iterator[str]:
        self._spot[event.sold.currency] += event.brought_in.units - event.sold.units
        self._spot[event.bought.currency] += event.bought.units
        self._spot[event.fee.currency] -= event.fee.units
        name = f"conversion {event.conversion_id}"
        if event.sold.currency is event.bought.currency or min(event.sold.units, event.bought.units) <= 0:
            yield f"{name} sells {event.sold} for {event.bought}"
        if event.brought_in.currency is not event.sold.currency or event.brought_in.units < 0:
            yield f"{name} brings in {event.brought_in}"
        if not event.reason:
            yield f"{name} without a reason"
