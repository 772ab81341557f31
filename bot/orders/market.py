"""What is true only for the moment: quotes, links, whether ledger and venues agree. Never stored."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.venue import Link, LinkState
from risk.instruments import InstrumentId
from risk.portfolio import Account, Quote


@dataclass(slots=True)
class Market:
    quotes: dict[InstrumentId, Quote] = field(default_factory=dict)
    links: dict[str, LinkState] = field(default_factory=dict)
    up_since: dict[str, datetime] = field(default_factory=dict)
    """By venue: when its link last came up (even if it is down again), or it last disowned an order: from then on
    hedging there gets its whole time anew."""
    accounts: dict[str, Account] = field(default_factory=dict)
    reconciled: bool = False
    latched: str | None = None
    """Why nothing may be sent: the emergency command is in charge. None while it is not."""
    asked: dict[str, datetime] = field(default_factory=dict)
    """By client order id: when its venue was last asked about it."""
    under_way: set[str] = field(default_factory=set)
    """Client order ids sent by this process whose request has not been answered yet."""
    absent: dict[str, int] = field(default_factory=dict)
    """By client order id: how often in a row the venue has said it knows no such order."""
    alerted: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By code and subject: when a person was last alerted."""

    def quote(self, quote: Quote) -> None:
        self.quotes[quote.instrument] = quote

    def link(self, link: Link) -> None:
        self.links[link.venue] = link.state
        if link.state is LinkState.UP:
            self.up_since[link.venue] = link.at

    def fresh(self, instrument: InstrumentId, now: datetime, limit: timedelta) -> Quote | None:
        """Return the quote if its link is up, it is young enough, two-sided and not crossed; else None."""
        quote = self.quotes.get(instrument)
        if quote is None or self.links.get(instrument.venue) is not LinkState.UP:
            return None
        if quote.age(now) > limit or quote.mid is None or quote.is_crossed:
            return None
        return quote
