"""What a transfer posts: nothing appears and nothing is lost between what a person says and what a venue says.

A venue's deposit is booked against ``equity:deposits`` when it is told, whoever expects it. So recording posts what
comes from outside from there too, and a match undoes one of the two, whichever came first.
"""

from collections.abc import Iterator

from bot.ledger.accounts import DEPOSITS, EXCHANGE, SPOT_ACCOUNT, TRANSIT, fees_account
from bot.ledger.holding import Move
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


def moves(event: TransferEvent) -> Iterator[Move]:
    match event:
        case TransferRecorded(_, amount, source):
            if source in (OUTSIDE, SPOT):
                yield amount, _account(source), TRANSIT
        case TransferMatched(amount=amount):
            yield amount, TRANSIT, DEPOSITS
        case TransferDone(_, arrived, place, cost):
            yield arrived, TRANSIT, _account(place)
            yield cost, TRANSIT, fees_account("transfers")
        case TransferCancelled(_, returned, place):
            yield returned, TRANSIT, _account(place)
        case ConversionRecorded(_, sold, bought, fee, brought_in):
            yield brought_in, DEPOSITS, SPOT_ACCOUNT
            yield sold, SPOT_ACCOUNT, EXCHANGE
            yield bought, EXCHANGE, SPOT_ACCOUNT
            yield fee, SPOT_ACCOUNT, fees_account(SPOT)


def _account(place: str) -> str:
    return SPOT_ACCOUNT if place == SPOT else DEPOSITS
