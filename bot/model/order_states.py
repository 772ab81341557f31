"""What we believe of an order, as a table — ugly truths included.

INTENDED   durable here (or inside a reserved block), on its way to the socket
LIVE       the venue has acknowledged it
FILLED, CANCELED, REFUSED   final by the venue's word
UNKNOWN    sent, and no word: neither alive nor dead until the venue answers

Fills are booked in every state: a fill after a cancel is a fill. A final state may still be left when the
venue says better (IB shows a false Cancelled, and the order then fills).
"""

from enum import StrEnum

from risk.orders import OrderStatus


class Belief(StrEnum):
    INTENDED = "intended"
    LIVE = "live"
    FILLED = "filled"
    CANCELED = "canceled"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in (Belief.FILLED, Belief.CANCELED, Belief.REFUSED)


class Word(StrEnum):
    """What we hear of an order."""

    LIVE = "live"
    FILLED = "filled"
    CANCELED = "canceled"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NO_SUCH_ORDER = "no_such_order"


WORD_OF_STATUS = {
    OrderStatus.NEW: Word.LIVE,
    OrderStatus.PARTIALLY_FILLED: Word.LIVE,
    OrderStatus.FILLED: Word.FILLED,
    OrderStatus.CANCELED: Word.CANCELED,
    OrderStatus.REJECTED: Word.REFUSED,
}

TRANSITIONS: dict[Belief, dict[Word, Belief]] = {
    Belief.INTENDED: {
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        Word.NO_ANSWER: Belief.UNKNOWN,
        Word.NO_SUCH_ORDER: Belief.REFUSED,
    },
    Belief.LIVE: {
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        # A late timeout of the request: the venue has answered by another way already.
        Word.NO_ANSWER: Belief.LIVE,
        # The venue knew it before: absence is not evidence.
        Word.NO_SUCH_ORDER: Belief.UNKNOWN,
    },
    Belief.UNKNOWN: {
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        Word.NO_ANSWER: Belief.UNKNOWN,
        Word.NO_SUCH_ORDER: Belief.REFUSED,
    },
    Belief.FILLED: dict.fromkeys(Word, Belief.FILLED),
    Belief.CANCELED: {
        # An answer that was overtaken on its way cannot bring a cancelled order back to life ...
        Word.LIVE: Belief.CANCELED,
        # ... but a cancel can lose its race against the fill.
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.CANCELED,
        Word.NO_ANSWER: Belief.CANCELED,
        Word.NO_SUCH_ORDER: Belief.CANCELED,
    },
    Belief.REFUSED: {
        # "Refused" may have been our reading of silence; the venue's own word wins.
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        Word.NO_ANSWER: Belief.REFUSED,
        Word.NO_SUCH_ORDER: Belief.REFUSED,
    },
}


def hear(belief: Belief, word: Word) -> Belief:
    """Return what we believe after hearing ``word``."""
    return TRANSITIONS[belief][word]
