"""What we believe of an order, as a table — ugly truths included.

INTENDED   durable here (or inside a reserved block), on its way to the socket
LIVE       the venue has acknowledged it
FILLED, CANCELED, REFUSED   final by the venue's word; an order that expired is CANCELED
UNKNOWN    sent, and no word: neither alive nor dead until the venue answers

Fills, corrections and commissions are booked in every state: a fill after a cancel is a fill. A final state may
still be left when the venue says better (IB shows a false Cancelled, and the order then fills), and FILLED is left
when the venue takes a trade back. What cannot be true after what was heard before is refused, loudly: the belief
stays, a person hears of it, and the venue is asked.
"""

from dataclasses import dataclass
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
    """What we hear of an order. TAKEN_BACK: the venue has busted a fill of it, or made it smaller."""

    LIVE = "live"
    FILLED = "filled"
    CANCELED = "canceled"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NO_SUCH_ORDER = "no_such_order"
    TAKEN_BACK = "taken_back"


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
        # It has reached the venue, then; whether it still lives is to be asked.
        Word.TAKEN_BACK: Belief.UNKNOWN,
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
        Word.TAKEN_BACK: Belief.LIVE,
    },
    Belief.UNKNOWN: {
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        Word.NO_ANSWER: Belief.UNKNOWN,
        Word.NO_SUCH_ORDER: Belief.REFUSED,
        Word.TAKEN_BACK: Belief.UNKNOWN,
    },
    Belief.FILLED: {
        # Overtaken on their way, or forgotten by a venue that keeps orders for a day.
        Word.LIVE: Belief.FILLED,
        Word.FILLED: Belief.FILLED,
        Word.NO_ANSWER: Belief.FILLED,
        Word.NO_SUCH_ORDER: Belief.FILLED,
        # What was taken back is not worked again by the venue: the order has ended with less.
        Word.TAKEN_BACK: Belief.CANCELED,
        # Contradictions.
        Word.CANCELED: Belief.FILLED,
        Word.REFUSED: Belief.FILLED,
    },
    Belief.CANCELED: {
        # An answer that was overtaken on its way cannot bring a cancelled order back to life ...
        Word.LIVE: Belief.CANCELED,
        # ... but a cancel can lose its race against the fill.
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.NO_ANSWER: Belief.CANCELED,
        Word.NO_SUCH_ORDER: Belief.CANCELED,
        Word.TAKEN_BACK: Belief.CANCELED,
        # A contradiction: what was never taken on cannot have been cancelled.
        Word.REFUSED: Belief.CANCELED,
    },
    Belief.REFUSED: {
        # "Refused" may have been our reading of silence; the venue's own word wins.
        Word.LIVE: Belief.LIVE,
        Word.FILLED: Belief.FILLED,
        Word.CANCELED: Belief.CANCELED,
        Word.REFUSED: Belief.REFUSED,
        Word.NO_ANSWER: Belief.REFUSED,
        Word.NO_SUCH_ORDER: Belief.REFUSED,
        # It existed after all.
        Word.TAKEN_BACK: Belief.UNKNOWN,
    },
}

CONTRADICTIONS = frozenset(
    {
        (Belief.FILLED, Word.CANCELED),
        (Belief.FILLED, Word.REFUSED),
        (Belief.CANCELED, Word.REFUSED),
    }
)
"""What cannot be true after what was heard before. The belief stays as it is, and a person is told."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of the table, taken or refused."""

    before: Belief
    word: Word

    @property
    def after(self) -> Belief:
        return TRANSITIONS[self.before][self.word]

    @property
    def is_contradiction(self) -> bool:
        return (self.before, self.word) in CONTRADICTIONS

    @property
    def name(self) -> str:
        """Return the step as ``live + filled = filled``; a contradiction ends in ``!``."""
        return f"{self.before} + {self.word} = {self.after}{'!' if self.is_contradiction else ''}"


ALL_TRANSITIONS = tuple(Transition(belief, word) for belief in Belief for word in Word)
"""Every step there is, so that whoever counts them can name those that never ran."""


def hear(belief: Belief, word: Word) -> Belief:
    """Return what we believe after hearing ``word``."""
    return TRANSITIONS[belief][word]
