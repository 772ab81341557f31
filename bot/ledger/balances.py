"""What the books say we have: cash, positions, Δ. To be held against what the venues say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot.ledger.journal import CASH, Journal, Posting
from bot.model.events import Recorded
from risk.instruments import InstrumentId
from risk.money import Currency, Money, from_units


@dataclass(frozen=True, slots=True)
class Balances:
    """``cash``: each venue's wallet, zero left out. ``positions``: signed contracts, flat ones left out.

    ``costs``: signed open cost of each position in its settlement currency, long > 0, as a venue states it
    (``Position.cost_units``). ``accounts``: every account's balance in units.
    """

    cash: Mapping[tuple[str, Currency], Money]
    positions: Mapping[InstrumentId, int]
    costs: Mapping[InstrumentId, Money]
    accounts: Mapping[tuple[str, Currency], int]

    @property
    def delta_xbt(self) -> Decimal:
        """Δ in XBT: wallet + Σ contracts/entry + Σ linear, the sum of XBT over all assets (see ``journal``)."""
        return from_units(self.total("assets:", Currency.XBT))

    def total(self, prefix: str, currency: Currency) -> int:
        """Return the units of ``currency`` on all accounts whose name begins with ``prefix``."""
        return sum(
            units
            for (account, of), units in self.accounts.items()
            if of is currency and account.startswith(prefix)
        )


class Books:
    """Folds events into balances. Feed it every event once, in the chain's order."""

    def __init__(self) -> None:
        self.journal = Journal()
        self._accounts: defaultdict[tuple[str, Currency], int] = defaultdict(int)

    def see(self, recorded: Recorded) -> list[Posting]:
        """Take one event; return its entry. Raises Unbookable."""
        postings = self.journal.post(recorded)
        for posting in postings:
            self._accounts[posting.account, posting.currency] += posting.units
        return postings

    def balances(self) -> Balances:
        cash: dict[tuple[str, Currency], Money] = {}
        for (account, currency), units in self._accounts.items():
            kind, _, rest = account.partition(":")
            venue, _, what = rest.rpartition(":")
            if kind == "assets" and what == CASH and units:
                cash[venue, currency] = Money(currency, units)
        positions, costs = {}, {}
        for instrument, held in self.journal.positions.items():
            if held.contracts:
                currency = self.journal.instruments[instrument].terms.settlement
                sign = 1 if currency is Currency.XBT else -1
                positions[instrument] = held.contracts
                costs[instrument] = Money(currency, sign * held.settled)
        return Balances(cash, positions, costs, dict(self._accounts))


def balances(events: Iterable[Recorded]) -> Balances:
    """Return the balances after ``events``, from the chain's start."""
    books = Books()
    for recorded in events:
        books.see(recorded)
    return books.balances()
