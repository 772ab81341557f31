"""What is seen on the basis, and believed only when it has been seen long and often enough: one bad tick is nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from risk.instruments import InstrumentId
from risk.portfolio import Quote


@dataclass(slots=True)
class Sighting:
    """Something that has been so without a break since ``since``. ``least`` and ``most``: between which values.

    ``quotes``: how many quotes of each contract have said so, each told at a time of its own.
    """

    since: datetime
    least: Decimal
    most: Decimal
    quotes: Counter[InstrumentId] = field(default_factory=Counter)
    told: dict[InstrumentId, datetime] = field(default_factory=dict)

    @classmethod
    def begun(cls, now: datetime, value: Decimal) -> "Sighting":
        return cls(now, value, value)

    def see(self, value: Decimal, quotes: Iterable[Quote]) -> None:
        """Take in a value, and the quotes it comes of."""
        self.least, self.most = min(self.least, value), max(self.most, value)
        for quote in quotes:
            if self.told.get(quote.instrument) != quote.at:
                self.told[quote.instrument] = quote.at
                self.quotes[quote.instrument] += 1

    def is_sure(self, now: datetime, lasting: timedelta, times: int) -> bool:
        """Say whether it has lasted, and every contract has said so as often as ``times``."""
        return now - self.since >= lasting and all(count >= times for count in self.quotes.values())
