"""Executions, each counted once: fills, what the venue restates or takes back of them, and their fees.

The highest revision of an execution stands, in whatever order revisions are heard and however often. What changes
by a correction (positions, the order's count, what a plan has to hedge) changes with the event; the plan then
answers it as it answers a fill, as far as its approval goes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.model.events import CommissionBooked, FillBooked, FillBusted, FillCorrected
from bot.model.order_states import Belief, Word
from bot.orders import orphaning, settling
from bot.orders.hearing import hear_word
from bot.orders.state import ExecutionState, OrderState
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.money import Money
from risk.orders import Bust, Cause, CommissionReport, Fill

Recover = Callable[[Turn, Fill], OrderState | None]
"""Recognise the order of a fill that a crash has made us forget."""

_FORCED = {Cause.LIQUIDATION: "LIQUIDATED", Cause.DELEVERAGE: "DELEVERAGED"}
_FORCED_WHY = {
    Cause.LIQUIDATION: "the venue itself closed it, for want of margin",
    Cause.DELEVERAGE: "the venue closed it against somebody's bankrupt position",
}


def book(turn: Turn, fill: Fill, recover: Recover) -> None:
    """Book a fill, or a correction of one."""
    venue = fill.instrument.venue
    known = turn.state.executions.get((venue, fill.execution_id))
    if fill.instrument not in turn.state.instruments:
        turn.alert("FOREIGN_FILL", f"{fill.instrument}: a fill in a contract this profile does not trade")
        return
    if known is not None and known.fill is not None:
        _restated(turn, fill, known.fill, known)
        return
    if known is not None and fill.revision <= known.revision:
        return  # taken back since
    order = turn.state.orders.get(fill.client_order_id or "") or recover(turn, fill)
    opened = turn.state.opened_at.get(venue)
    if order is None and (opened is None or fill.at < opened):
        return
    if _in_what_was_adopted(turn, venue, fill.at):
        _pass_over(turn, fill, f"{_figures(fill)} [{fill.execution_id}] is told only now")
        return
    turn.emit(FillBooked(fill, order is None, turn.now))
    turn.market.traded_at[fill.instrument] = turn.now
    if order is None:
        _foreign(turn, fill)
        return
    if order.purpose is Purpose.PROTECT:
        _stopped(turn, fill)
    if order.belief is Belief.REFUSED:
        # It exists after all, and unless all of it has filled, it lives until the venue says more.
        word = Word.LIVE if order.filled < order.request.quantity else Word.FILLED
        hear_word(turn, order.request.client_order_id, word, "it has filled", fill.venue_order_id)


def _pass_over(turn: Turn, told: Fill | Bust, what: str) -> None:
    key = (told.instrument.venue, told.execution_id, told.revision)
    if key not in turn.market.passed_over:
        turn.market.passed_over.add(key)
        turn.alert(
            "ADOPTED_FILL",
            f"{told.instrument}: {what}; what was adopted holds it, so it is not booked, and nothing hedges it",
        )


def _foreign(turn: Turn, fill: Fill) -> None:
    if fill.cause is Cause.SETTLEMENT:
        settling.ended(turn, fill)
        return
    why = _FORCED_WHY.get(fill.cause, "from no order of this ledger")
    turn.alert(
        _FORCED.get(fill.cause, "FOREIGN_FILL"),
        f"{fill.instrument}: {fill.side} {fill.quantity} at {fill.price}: {why}",
    )
    # Somebody else trades this account, or the venue has liquidated: a person has to look first.
    reason = f"{'foreign fill' if fill.cause is Cause.TRADE else fill.cause} {fill.execution_id}"
    orphaning.stand_down(turn, fill, reason)


def _stopped(turn: Turn, fill: Fill) -> None:
    """A protective stop has done what it was there for: the other leg stands alone until its market opens."""
    turn.alert(
        "STOP_FILLED",
        f"{fill.instrument}: the stop {fill.client_order_id} has filled, {fill.side} {fill.quantity} at {fill.price}; "
        f"Δ is {turn.state.delta():+.4f} XBT, and is answered once the other market trades",
        about=f"{fill.client_order_id}",
    )
    orphaning.stand_down(turn, fill, f"stop {fill.client_order_id} has filled", stop=True)


def _restated(turn: Turn, fill: Fill, was: Fill, known: ExecutionState) -> None:
    changes = not _says_the_same(fill, was)
    if fill.revision < known.revision or (not changes and not _outdates(fill.revision, known.revision)):
        return
    said = f"{fill.instrument}: execution {fill.execution_id} was {_figures(was)}, and is said to be {_figures(fill)}"
    turn.market.reconciled = turn.market.reconciled and not changes
    if _in_what_was_adopted(turn, fill.instrument.venue, fill.at):
        _pass_over(turn, fill, f"{said} only now")
        return
    if fill.revision == known.revision or fill.instrument != was.instrument:
        turn.alert("EXECUTION_DISPUTED", f"{said}, without a correction; the ledger keeps the first")
        return
    # Whose it is was settled when it was first told.
    fill = replace(fill, client_order_id=was.client_order_id, venue_order_id=was.venue_order_id)
    fee_was = None if fill.fee is None else _fee_of(turn, fill.instrument.venue, fill.execution_id)
    turn.emit(FillCorrected(fill, was, fee_was, known.foreign, turn.now))
    if changes:
        turn.alert("EXECUTION_CORRECTED", f"{said} now")
    if fill.quantity < was.quantity and not known.foreign:
        _shrunk(turn, fill.client_order_id, fill.execution_id)


def _says_the_same(fill: Fill, was: Fill) -> bool:
    fee = was.fee if fill.fee is None else fill.fee
    told = (fill.instrument, fill.signed_quantity, fill.price, fee)
    return told == (was.instrument, was.signed_quantity, was.price, was.fee)


def _outdates(revision: int, known: int) -> bool:
    """Say whether a restatement that changes nothing must be kept, since it outdates others that may come late.

    0 is where revisions were not told, or not kept, yet: 1 is the first.
    """
    return revision > max(known, 1)


def _figures(fill: Fill) -> str:
    return f"{fill.signed_quantity:+} at {fill.price}"


def bust(turn: Turn, given: Bust) -> None:
    """Take an execution back; one not heard of yet will not be booked when it is."""
    venue = given.instrument.venue
    known = turn.state.executions.get((venue, given.execution_id))
    if given.instrument not in turn.state.instruments:
        return
    if known is not None and given.revision <= known.revision:
        return
    was = None if known is None else known.fill
    if was is None and before_the_books(turn, venue, given.at):
        return  # in the opening balance, if anywhere: what it changes there is a difference for a person
    if _in_what_was_adopted(turn, venue, given.at):
        _pass_over(turn, given, f"execution {given.execution_id} is said only now to have been taken back")
        return
    order = turn.state.orders.get((was or given).client_order_id or "")
    if known is not None and known.foreign:
        order = None
    fee_was = _fee_of(turn, venue, given.execution_id)
    turn.emit(FillBusted(given, was, fee_was, order is None, turn.now))
    turn.market.reconciled = False
    figures = "of which nothing is booked" if was is None else _figures(was)
    turn.alert(
        "EXECUTION_CORRECTED",
        f"{given.instrument}: the venue has taken back execution {given.execution_id}, {figures}",
    )
    if order is not None:
        _shrunk(turn, order.request.client_order_id, given.execution_id)


def _shrunk(turn: Turn, client_order_id: str | None, execution_id: str) -> None:
    if client_order_id in turn.state.orders:
        hear_word(turn, client_order_id, Word.TAKEN_BACK, f"execution {execution_id} was taken back")


def _fee_of(turn: Turn, venue: str, execution_id: str) -> Money | None:
    known = turn.state.commissions.get((venue, execution_id))
    return None if known is None else known.fee


def charge(turn: Turn, report: CommissionReport) -> None:
    """Book a fee once: of the highest revision told, none of an execution that has been taken back since."""
    key = (report.instrument.venue, report.execution_id)
    if report.instrument not in turn.state.instruments:
        return
    known, execution = turn.state.commissions.get(key), turn.state.executions.get(key)
    if known is not None and (
        report.revision <= known.revision
        or (report.fee == known.fee and not _outdates(report.revision, known.revision))
    ):
        return
    if execution is None and before_the_books(turn, key[0], report.at):
        return
    if (key[0], key[1], report.revision) in turn.market.passed_over:
        return
    taken_back = execution if execution is not None and execution.fill is None else None
    if taken_back is not None and (report.revision < taken_back.revision or not report.fee.units):
        return  # nothing is owed for a trade that never was, unless the venue charges the bust itself
    turn.emit(CommissionBooked(report, None if known is None else known.fee))


def before_the_books(turn: Turn, venue: str, at: datetime) -> bool:
    """Say whether something happened before this ledger met the account: its opening balance holds it already."""
    opened = turn.state.opened_at.get(venue)
    return opened is None or at < opened or _in_what_was_adopted(turn, venue, at)


def _in_what_was_adopted(turn: Turn, venue: str, at: datetime) -> bool:
    """Say whether something told only now happened before a person took the venue's word over, which holds it."""
    as_of = turn.state.adopted_as_of.get(venue)
    return as_of is not None and at <= as_of
