"""Taking in a word about an order: what we believe of it then, and whether a person must hear of it."""

from bot.model.actions import Ask
from bot.model.events import OrderBelieved
from bot.model.order_states import Belief, Transition, Word
from bot.orders.turn import Turn


def hear_word(
    turn: Turn,
    client_id: str,
    word: Word,
    detail: str = "",
    venue_order_id: str = "",
    venue_filled: int | None = None,
    *,
    tried: bool = True,
) -> None:
    """Move the order along the table. Every step, taken or refused, is counted in ``turn.market.transitions``."""
    turn.market.under_way.discard(client_id)
    order = turn.state.orders.get(client_id)
    if order is None:
        return
    if (order.belief, word) == (Belief.FILLED, Word.CANCELED) and _is_restated(turn, client_id):
        word = Word.TAKEN_BACK  # with less than was told first, of which we have heard the correction alone
    step = Transition(order.belief, word)
    turn.market.transitions[step.name] += 1
    if step.is_contradiction and not order.corrected:
        # Of an order whose fill was taken back, words of before and after are about.
        turn.market.reconciled = False
        turn.alert(
            "ORDER_CONTRADICTED",
            f"{client_id} is {order.belief} by the venue's word, and now it says {word}"
            f"{f' ({detail})' if detail else ''}; asking {order.request.instrument.venue}",
            about=f"{client_id} {word}",
        )
        turn.act(Ask(order.request.instrument, client_id))
    more = venue_filled is not None and venue_filled > order.venue_filled
    if step.after is order.belief and not more:
        return
    turn.emit(OrderBelieved(client_id, step.after, venue_order_id, venue_filled, detail, tried))
    if step.after is Belief.UNKNOWN:
        turn.alert("ORDER_UNKNOWN", f"{client_id}: {detail}; asking {order.request.instrument.venue}")


def _is_restated(turn: Turn, client_id: str) -> bool:
    """Say whether an execution of the order is known as corrected: 1 is the first revision, where any is told."""
    fills = (known.fill for known in turn.state.executions.values())
    return any(fill.revision > 1 for fill in fills if fill is not None and fill.client_order_id == client_id)
