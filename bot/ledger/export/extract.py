"""What an export is made from: the entries of a period, and every account's balance before and after it.

All of it is folded anew from the chain of events, each link proved: what lies in the projections is not asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from bot.ledger.entries import Entry, EntryReader
from bot.model.codec import GENESIS
from bot.model.events import Recorded
from risk.money import Currency

Accounts = Mapping[tuple[str, Currency], int]


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, both included; None: from the beginning, to the end.

    A day is the day on which the books recorded something, not the venue's: what is told late belongs to the day
    it was told. So a period that has been exported never changes again, and periods join without a gap.
    """

    first: date | None = None
    last: date | None = None

    def __contains__(self, at: datetime) -> bool:
        return not self.precedes(at) and not self.follows(at)

    def precedes(self, at: datetime) -> bool:
        """Say whether ``at`` is before the period."""
        return self.first is not None and at.astimezone(UTC).date() < self.first

    def follows(self, at: datetime) -> bool:
        """Say whether ``at`` is after the period."""
        return self.last is not None and at.astimezone(UTC).date() > self.last


@dataclass(slots=True)
class Extract:
    """``opening``, ``closing``: each account's balance in units (1e-8) where the period begins and ends.
    ``events``, ``head``, ``until``: how far the chain was read, whatever the period."""

    period: Period
    entries: list[Entry] = field(default_factory=list)
    opening: dict[tuple[str, Currency], int] = field(default_factory=dict)
    closing: dict[tuple[str, Currency], int] = field(default_factory=dict)
    events: int = 0
    head: str = GENESIS
    until: datetime | None = None


def extracting(events: Iterable[Recorded], extract: Extract) -> Iterator[tuple[Recorded, Entry | None]]:
    """Fold ``events`` into ``extract``, and hand each on with its entry. Raises LedgerError."""
    reader = EntryReader()
    for recorded in events:
        entry = reader.read(recorded)
        if entry is not None:
            if recorded.at in extract.period:
                extract.entries.append(entry)
            for posting in entry.postings:
                account = posting.account, posting.currency
                if extract.period.precedes(recorded.at):
                    extract.opening[account] = extract.opening.get(account, 0) + posting.units
                if not extract.period.follows(recorded.at):
                    extract.closing[account] = extract.closing.get(account, 0) + posting.units
        extract.events, extract.head, extract.until = recorded.seq, recorded.hash, recorded.at
        yield recorded, entry


def extract(events: Iterable[Recorded], period: Period) -> Extract:
    """Fold ``events``, from the chain's start, into an extract. Raises LedgerError."""
    made = Extract(period)
    for _ in extracting(events, made):
        pass
    return made
