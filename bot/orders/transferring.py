"""Transfers and conversions: what a person says of them, and which flows of the venues belong to them.

A deposit or withdrawal that looks like an open transfer is matched with the oldest such one, and said aloud. The
other way round a person decides: a transfer recorded when a flow like it is booked already may be that one or
another, and counting it twice or not at all would both leave XBT naked.
"""

from bot.model.events import CashBooked
from bot.model.inputs import (
    CancelTransfer,
    Done,
    FinishTransfer,
    RecordConversion,
    RecordTransfer,
    TransferCommand,
)
from bot.model.transfer_book import LooseFlow, Transfer
from bot.model.transfers import (
    OUTSIDE,
    SPOT,
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
    TransferStatus,
    is_close,
    is_negligible,
)
from bot.orders.turn import Turn
from risk.approval import Denied
from risk.money import Currency, Money, to_units
from risk.orders import CashFlow, CashFlowKind

_MACHINE = "basisbot"


def match(turn: Turn, flow: CashFlow) -> None:
    """Match a flow that has just been booked, or say that nobody has spoken of it."""
    loose = turn.state.moves.loose.get((flow.venue, flow.flow_id))
    if loose is None or not loose.left:
        return
    arrived = flow.amount.units > 0
    name = Money(flow.amount.currency, abs(flow.amount.units))
    for transfer in turn.state.moves.open():
        if _is_awaited(transfer, loose) and is_close(abs(loose.left), transfer.expected):
            _take(turn, transfer, loose, _MACHINE)
            transfer_id = transfer.recorded.transfer_id
            turn.alert(
                "TRANSFER_MATCHED",
                f"{flow.venue}: {name} {'arrived' if arrived else 'left'}: transfer {transfer_id}{_rest(transfer)}",
                about=flow.flow_id,
            )
            return
    turn.alert(
        "TRANSFER_UNKNOWN",
        f"{flow.venue}: {name} {'arrived' if arrived else 'left'} [{flow.flow_id}], and no transfer like it was "
        "recorded; it is booked, and Δ counts it (see: basisbot transfer list)",
        about=flow.flow_id,
    )


def carry_out(turn: Turn, given: TransferCommand) -> Done | Denied:
    match given:
        case RecordTransfer():
            return _record(turn, given)
        case FinishTransfer():
            return _open(turn, given.transfer_id) or _finish(turn, given)
        case CancelTransfer():
            return _open(turn, given.transfer_id) or _cancel(turn, given)
        case RecordConversion():
            return _convert(turn, given)


# --- recording -----------------------------------------------------------------------------------------------


def _record(turn: Turn, given: RecordTransfer) -> Done | Denied:
    refused = _not_a_transfer(turn, given)
    if refused is not None:
        return _refused(refused)
    sides = [side for side in (given.source, given.target) if side not in (OUTSIDE, SPOT, *given.silent)]
    found = None
    if given.flow_id is not None:
        found = _loose(turn, given.flow_id, given)
        if found is None:
            return _refused(_no_such_flow(turn, given.flow_id, *sides))
    elif not given.is_another:
        seen = [loose for loose in turn.state.moves.loose.values() if _looks_like(loose, given)]
        if seen:
            return _refused(
                f"{_told(seen)} {'is' if len(seen) == 1 else 'are'} booked already, and recording this would count it "
                f"twice: say --flow {seen[0].flow.flow_id} if it is the same money, --another if it is not"
            )
    turn.emit(
        TransferRecorded(given.transfer_id, given.amount, given.source, given.target, given.by, given.reason)
    )
    transfer = turn.state.moves.transfers[given.transfer_id]
    if given.source in given.silent:
        _by_hand(turn, transfer, given.source, -given.amount.units, given.by)
    if found is not None:
        _take(turn, transfer, found, given.by)
    if transfer.status is TransferStatus.OPEN and transfer.has_left and given.target == OUTSIDE:
        _leave(turn, transfer, given.by)
    return Done(f"transfer {given.transfer_id}{_stand(transfer)}")


def _not_a_transfer(turn: Turn, given: RecordTransfer) -> str | None:
    books = turn.state.cash_and_cost
    for place in (given.source, given.target):
        if place in (OUTSIDE, SPOT):
            continue
        if place not in books:
            known = ", ".join((OUTSIDE, SPOT, *sorted(books)))
            return f"there is no place {place!r}: it is one of {known}"
        if books[place].currency is not given.amount.currency:
            return f"{place} holds {books[place].currency}, not {given.amount.currency}"
    if given.source == given.target:
        return f"from {given.source} to {given.target} nothing moves"
    if given.amount.units <= 0:
        return f"the amount must be more than 0, not {given.amount}"
    if given.transfer_id in turn.state.moves.transfers:
        return f"there is a transfer {given.transfer_id} already"
    return _not_at_spot(turn, given.amount) if given.source == SPOT else None


def _not_at_spot(turn: Turn, wanted: Money) -> str | None:
    there = Money(wanted.currency, turn.state.moves.spot[wanted.currency])
    if there.units >= wanted.units:
        return None
    return (
        f"{SPOT} holds {there} in these books, {wanted} are needed: record first how the rest came there, "
        f"or say --from {OUTSIDE}"
    )


# --- flows ---------------------------------------------------------------------------------------------------


def _is_awaited(transfer: Transfer, loose: LooseFlow) -> bool:
    """Say whether a flow can be a transfer's: at the right place, in the right currency and direction."""
    flow, recorded = loose.flow, transfer.recorded
    if flow.amount.currency is not transfer.currency:
        return False
    if loose.left < 0:
        return flow.venue == recorded.source and not transfer.has_left
    return flow.venue == recorded.target and transfer.in_transit > 0


def _looks_like(loose: LooseFlow, given: RecordTransfer) -> bool:
    place = given.target if loose.left > 0 else given.source
    right = loose.flow.venue == place and loose.flow.amount.currency is given.amount.currency
    return right and is_close(abs(loose.left), given.amount.units)


def _loose(turn: Turn, flow_id: str, given: RecordTransfer) -> LooseFlow | None:
    has_left = given.source in (OUTSIDE, SPOT, *given.silent)
    for place, sign in ((given.target, 1), (given.source, -1)):
        found = turn.state.moves.loose.get((place, flow_id))
        if found is not None and found.left * sign > 0 and (sign < 0 or has_left):
            return found
    return None


def _take(turn: Turn, transfer: Transfer, loose: LooseFlow, by: str) -> None:
    """Match as much of a flow as the transfer can be; it is done when nothing of it is left on its way."""
    units = loose.left if loose.left < 0 else min(loose.left, transfer.in_transit)
    flow, recorded = loose.flow, transfer.recorded
    amount = Money(transfer.currency, units)
    turn.emit(TransferMatched(recorded.transfer_id, flow.venue, flow.flow_id, amount, by))
    if units < 0 and recorded.target == OUTSIDE:
        _leave(turn, transfer, by)
    elif units > 0 and not transfer.in_transit:
        _close(turn, transfer, by, "all of it arrived")


def _by_hand(turn: Turn, transfer: Transfer, venue: str, units: int, by: str) -> None:
    """Book at a venue that tells no flows what a person says has arrived there, or left."""
    transfer_id = transfer.recorded.transfer_id
    kind = CashFlowKind.DEPOSIT if units > 0 else CashFlowKind.WITHDRAWAL
    flow_id = f"by-hand-{transfer_id}-{len(transfer.flows) + 1}"
    flow = CashFlow(flow_id, venue, kind, Money(transfer.currency, units), turn.now)
    turn.emit(CashBooked(flow, by))
    turn.emit(TransferMatched(transfer_id, venue, flow_id, flow.amount, by))


# --- endings -------------------------------------------------------------------------------------------------


def _finish(turn: Turn, given: FinishTransfer) -> Done | Denied:
    transfer = turn.state.moves.transfers[given.transfer_id]
    target = transfer.recorded.target
    if given.flow_id is not None:
        return _finish_by_flow(turn, transfer, given)
    if not transfer.has_left:
        source = transfer.recorded.source
        return _refused(
            f"{source} has not told that it left: name the withdrawal with --flow{_candidates(turn, source)}"
        )
    arrived = transfer.in_transit if given.arrived is None else to_units(given.arrived)
    if not 0 < arrived <= transfer.in_transit and given.arrived is not None:
        return _refused(f"between 0 and {transfer.on_its_way} can have arrived, not {given.arrived}")
    if target not in (SPOT, *given.silent):
        if given.arrived is not None:
            return _refused(f"what arrives at {target} is told by {target}: name the deposit with --flow")
        if not transfer.arrived and not given.final:
            return _refused(
                f"{target} has told no deposit of it: name it with --flow{_candidates(turn, target)}; "
                f"--final if none will come: {transfer.on_its_way} are then booked as lost"
            )
        return _settle(turn, transfer, given)
    if target in given.silent:
        _by_hand(turn, transfer, target, arrived, given.by)
        return _settle(turn, transfer, given, stays_open=True)
    return _settle(turn, transfer, given, arrived)


def _finish_by_flow(turn: Turn, transfer: Transfer, given: FinishTransfer) -> Done | Denied:
    source, target = transfer.recorded.source, transfer.recorded.target
    known = (turn.state.moves.loose.get((place, given.flow_id or "")) for place in (source, target))
    loose = next((flow for flow in known if flow is not None and _is_awaited(transfer, flow)), None)
    if loose is None:
        return _refused(_no_such_flow(turn, given.flow_id or "", source, target))
    arrives = loose.left > 0
    _take(turn, transfer, loose, given.by)
    if arrives and transfer.status is TransferStatus.OPEN:
        return _settle(turn, transfer, given, stays_open=True)
    return Done(f"transfer {given.transfer_id}{_stand(transfer)}")


def _settle(
    turn: Turn, transfer: Transfer, given: FinishTransfer, arrived: int = 0, *, stays_open: bool = False
) -> Done | Denied:
    """Close a transfer if what is missing may be a fee. ``stays_open``: a part has arrived, the rest may follow."""
    rest = Money(transfer.currency, transfer.in_transit - arrived)
    if not given.final and not is_negligible(rest.units, transfer.arrived + transfer.in_transit):
        if stays_open:
            return Done(f"transfer {given.transfer_id}{_stand(transfer)}")
        return _refused(f"{rest} of it are missing, more than a fee: say --final if nothing more comes")
    _close(turn, transfer, given.by, given.reason, arrived)
    return Done(f"transfer {given.transfer_id}{_stand(transfer)}{_lost(rest)}")


def _close(turn: Turn, transfer: Transfer, by: str, reason: str, arrived: int = 0) -> None:
    target = transfer.recorded.target
    turn.emit(
        TransferDone(
            transfer.recorded.transfer_id,
            Money(transfer.currency, arrived),
            target if target == SPOT else OUTSIDE,
            Money(transfer.currency, transfer.in_transit - arrived),
            by,
            reason,
        )
    )


def _leave(turn: Turn, transfer: Transfer, by: str) -> None:
    """What goes outside is gone once it has left."""
    _close(turn, transfer, by, "it has left", transfer.in_transit)


def _cancel(turn: Turn, given: CancelTransfer) -> Done:
    transfer = turn.state.moves.transfers[given.transfer_id]
    source = transfer.recorded.source
    if source in given.silent and transfer.in_transit:
        _by_hand(turn, transfer, source, transfer.in_transit, given.by)
    place = SPOT if source == SPOT else OUTSIDE
    turn.emit(TransferCancelled(given.transfer_id, transfer.on_its_way, place, given.by, given.reason))
    return Done(f"transfer {given.transfer_id} is cancelled; nothing of it is on its way any more")


def _convert(turn: Turn, given: RecordConversion) -> Done | Denied:
    sold, bought, fee = given.sold, given.bought, given.fee
    if sold.currency is bought.currency or min(sold.units, bought.units) <= 0 or fee.units < 0:
        return _refused(f"{sold} for {bought}, fee {fee}: a conversion sells one currency for the other")
    if fee.currency is bought.currency and fee.units > bought.units:
        return _refused(f"a fee of {fee} is more than the {bought} it was paid from")
    needed = sold.units + (fee.units if fee.currency is sold.currency else 0)
    short = Money(sold.currency, max(needed - turn.state.moves.spot[sold.currency], 0))
    coming = [
        one
        for one in turn.state.moves.open()
        if one.recorded.target == SPOT and one.currency is sold.currency
    ]
    if short.units and coming:
        return _refused(
            f"{SPOT} lacks {short}, and transfer {coming[0].recorded.transfer_id} is on its way there: "
            f"if it has arrived, say so first (basisbot transfer done {coming[0].recorded.transfer_id})"
        )
    turn.emit(ConversionRecorded(given.conversion_id, sold, bought, fee, short, given.by, given.reason))
    brought = f"; {short} of it came from outside these books" if short.units else ""
    xbt, usd = sorted((sold, bought), key=lambda money: money.currency is Currency.USD)
    price = f"{usd.amount / xbt.amount:,.2f}"
    return Done(f"{sold} sold for {bought}, at {price} USD{brought}; {SPOT} holds {_at_spot(turn)}")


# --- words ---------------------------------------------------------------------------------------------------


def _open(turn: Turn, transfer_id: str) -> Denied | None:
    transfer = turn.state.moves.transfers.get(transfer_id)
    if transfer is None:
        return Denied("TRANSFER_NONE", "a transfer that exists", transfer_id)
    if transfer.status is not TransferStatus.OPEN:
        return Denied("TRANSFER_CLOSED", "an open transfer", f"{transfer_id} is {transfer.status}")
    return None


def _refused(sentence: str) -> Denied:
    return Denied("TRANSFER_REFUSED", sentence, "")


def _stand(transfer: Transfer) -> str:
    if transfer.status is not TransferStatus.OPEN:
        return f" is {transfer.status}"
    if not transfer.has_left:
        return f": {transfer.recorded.amount} are expected to leave {transfer.recorded.source}"
    return f": {transfer.on_its_way} are on their way to {transfer.recorded.target}"


def _rest(transfer: Transfer) -> str:
    if transfer.status is TransferStatus.OPEN and transfer.arrived:
        book = f"basisbot transfer done {transfer.recorded.transfer_id}"
        return f", {transfer.on_its_way} short; {book} books that as a fee"
    return _stand(transfer)


def _lost(rest: Money) -> str:
    return f"; {rest} were lost on the way, and are booked as a fee" if rest.units else ""


def _at_spot(turn: Turn) -> str:
    there = [Money(currency, units) for currency, units in turn.state.moves.spot.items()]
    return " and ".join(str(money) for money in there if money.units) or "nothing"


def _told(seen: list[LooseFlow]) -> str:
    return ", ".join(
        f"{Money(one.flow.amount.currency, one.left)} at {one.flow.venue} of {one.flow.at:%F %R}Z "
        f"[{one.flow.flow_id}]"
        for one in seen
    )


def _candidates(turn: Turn, place: str) -> str:
    seen = [one for (venue, _), one in turn.state.moves.loose.items() if venue == place]
    return f"; not explained yet: {_told(seen)}" if seen else ""


def _no_such_flow(turn: Turn, flow_id: str, *places: str) -> str:
    where = " or ".join(place for place in places if place not in (OUTSIDE, SPOT)) or "any venue"
    known = [one for place in places for (venue, _), one in turn.state.moves.loose.items() if venue == place]
    return f"no flow {flow_id!r} that fits it is unexplained at {where}" + (
        f": {_told(known)}" if known else ""
    )
