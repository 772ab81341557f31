"""What the events come to: the bot's state and the journal, folded side by side, up to one event of the chain."""

from collections.abc import Iterator

from bot.ledger.journal import JOURNAL_KINDS, Journal, Posting
from bot.ledger.store import Stored
from bot.model.codec import GENESIS
from bot.model.cold import ColdDict, Shelf, cold_parts
from bot.model.events import Recorded
from bot.orders.fold import UnfoldableEvent, apply
from bot.orders.state import BotState

_JOURNAL_KINDS = frozenset(kind.__name__ for kind in JOURNAL_KINDS)


class Folded:
    """State and journal after event ``seq``, whose hash is ``hash``.

    ``unfoldable``: why the state ends before that, if it does: an event did not follow from those before it.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self.state = BotState()
        self.journal = Journal()
        self.unfoldable: str | None = None

    def post(self, recorded: Recorded) -> list[Posting]:
        """Take the next event; return its entry in the journal. Raises Unbookable."""
        postings = self.journal.post(recorded)
        self.follow(recorded)
        return postings

    def replay(self, stored: Stored) -> None:
        """Take the next event of a chain that is proved and booked already. Raises LedgerDamaged."""
        recorded = stored.recorded()
        if stored.kind in _JOURNAL_KINDS:
            self.journal.post(recorded)
        self.follow(recorded)

    def follow(self, recorded: Recorded) -> None:
        """Take the next event into the state alone."""
        self.seq, self.hash = recorded.seq, recorded.hash
        if self.unfoldable is not None:
            return
        try:
            apply(self.state, recorded.event, recorded.at)
        except UnfoldableEvent as error:
            self.unfoldable = f"event {recorded.seq}: {error}"

    def parts(self) -> Iterator[tuple[str, BotState | Journal]]:
        """Give the two, by the names they are stored under."""
        yield "state", self.state
        yield "journal", self.journal


def put_on(shelf: Shelf, folded: Folded) -> None:
    """Let everything that rests be fetched from ``shelf``."""
    for _, part in folded.parts():
        for collection in cold_parts(part).values():
            if isinstance(collection, ColdDict):
                collection.shelf = shelf
