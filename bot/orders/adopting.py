"""Adoption: a person takes the venues' word over where the ledger's differs."""

from bot.model.actions import Cancel
from bot.model.events import Adopted, TradingStateChanged
from bot.model.ids import Role
from bot.model.inputs import Done
from bot.model.trading_state import TradingState
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose


def adopt(turn: Turn, adopted: Adopted) -> Done | Denied:
    """Record it, if the ledger still says what the person saw it say. Trading is halted: a person enables it."""
    moved = _moved(turn, adopted)
    if moved is not None:
        return moved
    if turn.state.trading.starts_orders:
        # First, so that a crash in between forgets the adoption and not the halt.
        turn.emit(TradingStateChanged(TradingState.HALTED, adopted.by, f"adopted: {adopted.reason}"))
    for client_id in adopted.written_off:
        order = turn.state.orders[client_id]
        if order.leg is not None and order.leg.role is not Role.SINGLE and order.undescribed:
            answers = order.purpose is not Purpose.WORK
            so = "counted at the order's limit as the answer they are" if answers else "no plan hedges them"
            turn.alert(
                "LEGGED_POSITION",
                f"{client_id}: {order.undescribed} contracts have filled that nobody describes; "
                f"adopted as they are, {so}: look at Δ (basisbot status)",
            )
    turn.emit(adopted)
    _warn_of_transfers(turn, adopted)
    turn.market.reconciled = False
    for client_id in adopted.revived:
        # Ours, and nobody waits for it any more.
        turn.act(Cancel(turn.state.orders[client_id].request.instrument, client_id))
    count = len(adopted.differences)
    return Done(f"{count} difference{'' if count == 1 else 's'} adopted; trading is {turn.state.trading}")


def _warn_of_transfers(turn: Turn, adopted: Adopted) -> None:
    """The cash that was adopted may be what a transfer brought: its flow, told later, would not be booked any more."""
    venues = {account.venue for account in adopted.cash if account.after != account.before}
    for transfer in turn.state.moves.open():
        recorded = transfer.recorded
        places = sorted(venues & {recorded.source, recorded.target})
        if places:
            turn.alert(
                "TRANSFER_UNKNOWN",
                f"transfer {recorded.transfer_id} ({recorded.amount}) is open: if the cash adopted at {places[0]} "
                "was that, it is counted twice until you close it (see: basisbot transfer list)",
            )


def _moved(turn: Turn, adopted: Adopted) -> Denied | None:
    state = turn.state
    for item in adopted.positions:
        if state.positions[item.instrument] != item.before:
            return Denied(
                "ADOPT_MOVED", f"{item.instrument} at {item.before}", f"{state.positions[item.instrument]}"
            )
    for account in adopted.cash:
        if state.cash_and_cost.get(account.venue) != account.before:
            return Denied(
                "ADOPT_MOVED",
                f"{account.venue} at {account.before}",
                f"{state.cash_and_cost.get(account.venue)}",
            )
    for client_id in adopted.written_off + adopted.revived:
        if client_id not in state.orders:
            return Denied("ADOPT_MOVED", "an order of this ledger", client_id)
    return None
