"""What is true only for the moment: quotes, links, whether ledger and venues agree. Never stored."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.venue import IndexRole, IndexTold, Link, LinkState
from bot.model.ids import LegKey
from bot.model.plans import Cause
from bot.model.policy import Policy
from bot.orders.sightings import Sighting
from risk.approval import Denied
from risk.checks import link, quotes, session
from risk.checks.case import Sight
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.orders import OrderRequest, Side
from risk.portfolio import Account, Funding, MarginImpact, Quote, Skew
from risk.sessions import Session, TradingHours


@dataclass(slots=True)
class Unpaired:
    """The latest settlement at expiry: Δ ``before`` it, and what it ``moved`` Δ by, both in XBT."""

    instrument: InstrumentId
    before: Decimal
    moved: Decimal
    told_at: datetime


_RATES_KEPT = 9  # three days of payments
_BESIDE = timedelta(minutes=1)  # so far apart two prices still make a basis
_TELLS_FOR = timedelta(days=3)  # a price this old still tells what another venue's cannot be


@dataclass(frozen=True, slots=True)
class Advice:
    """Money a person should move: ``amount`` positive to ``venue``, negative away from it; why, and when last said."""

    venue: str
    currency: Currency
    amount: Decimal
    reason: str
    told_at: datetime


@dataclass(slots=True)
class Reminder:
    """An alert that lasts: when it was last told and last seen to be so, the pause until it is told again, and how bad
    it was when it was told."""

    told_at: datetime
    seen_at: datetime
    pause: timedelta
    level: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ToldMargin:
    """What the venue said of ``side`` and ``contracts``; None where it has not said it."""

    side: Side
    contracts: int
    impact: MarginImpact | None
    told_at: datetime


@dataclass(slots=True)
class Parting:
    """What is remembered of the settlement indices: since when they are seen apart, or cannot be compared.
    ``is_apart``: a person has been told so, and not yet that it is over."""

    since: datetime | None = None
    is_apart: bool = False
    unknown_since: datetime | None = None


@dataclass(slots=True)
class Market:
    quotes: dict[InstrumentId, Quote] = field(default_factory=dict)
    last_mids: dict[InstrumentId, Decimal] = field(default_factory=dict)
    """By instrument: the last mid seen; a book may be empty since."""
    changed: dict[InstrumentId, datetime] = field(default_factory=dict)
    """By instrument: when its book last changed; a quote may be younger, confirmed as still standing."""
    beside: dict[InstrumentId, dict[InstrumentId, Decimal]] = field(default_factory=dict)
    """By instrument: what the other venues' mids were when its own book last changed."""
    ratios: dict[InstrumentId, dict[InstrumentId, Decimal]] = field(default_factory=dict)
    """By instrument: its mid over the other venues', when both were last quoted while its market traded."""
    hours: dict[InstrumentId, TradingHours] = field(default_factory=dict)
    links: dict[str, LinkState] = field(default_factory=dict)
    skews: dict[str, Skew] = field(default_factory=dict)
    """By venue: how far its clock is from ours, as last heard."""
    fundings: dict[InstrumentId, Funding] = field(default_factory=dict)
    """By instrument: the next funding payment, as last heard."""
    funding_rates: dict[InstrumentId, dict[datetime, Decimal]] = field(default_factory=dict)
    """By instrument and time of payment: the rates last heard, three days of them."""
    indices: dict[tuple[str, IndexRole], IndexTold] = field(default_factory=dict)
    """By venue and role: its reference index, as last told."""
    parting: Parting = field(default_factory=Parting)
    rates_left: dict[str, Decimal] = field(default_factory=dict)
    """By venue: what is left of its rate limit, a fraction of it."""
    order_waits: dict[str, float] = field(default_factory=dict)
    """By venue: the seconds an order to it would wait for the rate limit; none stands for at once."""
    altered: dict[InstrumentId, str] = field(default_factory=dict)
    """By instrument: what its venue says of the contract, and the books cannot hold. Nothing is started in it."""
    doubted_since: dict[InstrumentId, datetime] = field(default_factory=dict)
    """By instrument: since when its price can not be traded on, although its market is open."""
    link_changes: int = 0
    up_since: dict[str, datetime] = field(default_factory=dict)
    """By venue: when its link last came up (even if it is down again), or it last disowned an order: from then on
    hedging there gets its whole time anew."""
    accounts: dict[str, Account] = field(default_factory=dict)
    traded_at: dict[InstrumentId, datetime] = field(default_factory=dict)
    """By instrument: when an execution in it was last booked."""
    broker_rates: dict[InstrumentId, Decimal] = field(default_factory=dict)
    """By instrument: the maintenance margin its venue last asked for, as a fraction of the position's value."""
    what_ifs: frozenset[str] = frozenset()
    """The venues that can be asked what margin an order would need."""
    asked_margin: dict[str, tuple[OrderRequest, datetime]] = field(default_factory=dict)
    """By plan id: the question on its way, and since when."""
    impacts: dict[InstrumentId, ToldMargin] = field(default_factory=dict)
    """By instrument: the venue's latest word on an order in it."""
    reconciled: bool = False
    agreed_at: datetime | None = None
    """When ledger and venues were last found to agree."""
    orphaned_at: datetime | None = None
    """When an execution that no order of ours caused was last booked."""
    closing: bool = False
    """The bot is ending: nothing new is started any more, whatever a comparison says."""
    differing_since: datetime | None = None
    reminded: int = 0
    """How often a person has been reminded of the mismatch that lasts since ``differing_since``."""
    latched: str | None = None
    """Why nothing may be sent: the emergency command is in charge. None while it is not."""
    delta_venues: Decimal | None = None
    """Δ in XBT by the venues' own words, at the last comparison of all of them."""
    delta_venues_at: datetime | None = None
    """When that was."""
    unpaired: Unpaired | None = None
    """What a contract's expiry may have left without its partner."""
    asked: dict[str, datetime] = field(default_factory=dict)
    """By client order id: when its venue was last asked about it."""
    under_way: set[str] = field(default_factory=set)
    """Client order ids sent by this process whose request has not been answered yet."""
    absent: dict[str, int] = field(default_factory=dict)
    """By client order id: how often in a row the venue has said it knows no such order."""
    absent_since: dict[str, datetime] = field(default_factory=dict)
    """By client order id: when the venue first said so."""
    doubts: dict[str, datetime] = field(default_factory=dict)
    """By client order id: a hedge that may have been on its way when an earlier process died, and when the venue's
    word that there is none can be trusted."""
    proposed: dict[Cause, datetime] = field(default_factory=dict)
    """By watch: when it last raised a plan, or tried to."""
    offers: dict[Cause, tuple[str, int]] = field(default_factory=dict)
    """By watch: the plan it last raised, and how many before that nobody had taken up."""
    advice: dict[str, Advice] = field(default_factory=dict)
    """By venue: the transfer that is asked for, or offered."""
    said: dict[str, str] = field(default_factory=dict)
    """By alert: which of its reminders a person has had."""
    reminders: dict[tuple[str, str], Reminder] = field(default_factory=dict)
    """By code and subject: the alerts of the watches that last."""
    sane_since: datetime | None = None
    """Since when both books have been quoted after a closure, while stops rest."""
    not_paying_since: datetime | None = None
    """Since when holding has been expected to cost more than it brings."""
    margin_low_since: datetime | None = None
    """Since when an account has stood at its last level of margin."""
    edge_since: datetime | None = None
    """Since when the basis has been worth an entry, or an exit."""
    beyond_band_since: datetime | None = None
    """Since when Δ has been further from its target than the collateral's band."""
    passed_over: set[tuple[str, str, int]] = field(default_factory=set)
    """By venue, execution and revision: what a person was told of that an adoption holds already."""
    alerted: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By code and subject: when a person was last alerted."""
    switches: frozenset[str] = frozenset()
    """The venues with a dead man's switch, and post-only orders."""
    stops: frozenset[str] = frozenset()
    """The venues that keep protective stops."""
    armed: dict[str, datetime] = field(default_factory=dict)
    """By venue: when an order that the dead man's switch guards was last seen to rest there, or was sent."""
    pulled: dict[str, datetime] = field(default_factory=dict)
    """By client order id: when the cancel of a resting order was last asked for."""
    sightings: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    """By plan and what is seen of its exit: what is not believed yet."""
    blind_since: dict[str, datetime] = field(default_factory=dict)
    """By plan: since when its exit sees no fresh quotes."""
    exit_reminded: dict[str, int] = field(default_factory=dict)
    """By plan: how often a person has been reminded that its exit has tripped."""
    exit_ended: dict[str, datetime] = field(default_factory=dict)
    """By the plan that was to carry an exit out: when it was first seen to have ended without."""
    waiting: dict[str, str] = field(default_factory=dict)
    """By plan: why it sends nothing now, for a person to read. What is not there waits for nothing but its fills."""
    transitions: Counter[str] = field(default_factory=Counter)
    """How often each step of the order states was taken or refused (``order_states.Transition.name``)."""

    def quote(self, quote: Quote) -> None:
        known = self.quotes.get(quote.instrument)
        self.quotes[quote.instrument] = quote
        if known is None or (known.bids, known.asks) != (quote.bids, quote.asks):
            self.changed[quote.instrument] = quote.at
            self.beside[quote.instrument] = self._mids_beside(quote.instrument)
        if quote.mid is not None:
            self.last_mids[quote.instrument] = quote.mid
            if self.session(quote.instrument, quote.at) is Session.OPEN:
                for other, mid in self._mids_beside(quote.instrument).items():
                    if abs(self.quotes[other].age(quote.at)) <= _BESIDE:
                        self.ratios.setdefault(quote.instrument, {})[other] = quote.mid / mid
            for instrument, mids in self.beside.items():
                if instrument.venue != quote.instrument.venue:
                    mids.setdefault(quote.instrument, quote.mid)

    def funding(self, instrument: InstrumentId, told: Funding) -> None:
        """Take the latest word on the next payment, and remember the rates of the last nine."""
        self.fundings[instrument] = told
        known = self.funding_rates.setdefault(instrument, {})
        known[told.at] = told.rate
        for old in sorted(known)[:-_RATES_KEPT]:
            del known[old]

    def link(self, link: Link) -> None:
        self.links[link.venue] = link.state
        self.link_changes += 1
        if link.state is LinkState.UP:
            self.up_since[link.venue] = link.at

    def in_doubt(self, leg: LegKey) -> bool:
        """Say whether a hedge of ``leg`` may be on its way that nobody knows of."""
        return any(client_id.startswith(f"{leg}-") for client_id in self.doubts)

    def sight(self, instrument: InstrumentId, now: datetime, policy: Policy) -> Sight:
        """Return what is known of a contract's market, for the rules to judge."""
        return Sight(
            instrument,
            self.hours.get(instrument),
            self.links.get(instrument.venue) is LinkState.UP,
            self.quotes.get(instrument),
            self._is_left_behind(instrument, now, policy),
            skew=self.skews.get(instrument.venue),
            funding=self.fundings.get(instrument),
            astray=self._astray(instrument, now, policy),
            altered=self.altered.get(instrument, ""),
        )

    def trouble(self, instrument: InstrumentId, now: datetime, policy: Policy) -> Denied | None:
        """Return why no new work may start on a contract's quote: its market, its link, or the quote itself."""
        seen = self.sight(instrument, now, policy)
        return (
            link.down(seen)
            or session.unworkable(seen, now, policy.close_margin)
            or quotes.unquoted(seen, now, policy.max_quote_age)
        )

    def fresh(self, instrument: InstrumentId, now: datetime, policy: Policy) -> Quote | None:
        """Return the quote if new work may start on it, None if anything is the ``trouble``."""
        return self.quotes[instrument] if self.trouble(instrument, now, policy) is None else None

    def session(self, instrument: InstrumentId, now: datetime) -> Session:
        """Say whether an instrument trades now; UNKNOWN where its venue has not said so."""
        hours = self.hours.get(instrument)
        return Session.UNKNOWN if hours is None else hours.session(now)

    def _is_left_behind(self, instrument: InstrumentId, now: datetime, policy: Policy) -> bool:
        """Say whether a book has long stood still while another venue's mid moved by more than ``max_quiet_move``.

        A quiet book is confirmed as long as its link lives, so a feed that has frozen under a live link shows by
        nothing but this: it is the same bitcoin, and one price does not go without the other for long. A book
        that changed within ``max_quote_age`` is fresh by itself: who moves first is given time to be followed.
        """
        changed = self.changed.get(instrument)
        if changed is None or now - changed <= policy.max_quote_age:
            return False
        mids, then = self._mids_beside(instrument), self.beside[instrument]
        return any(
            abs(mids[other] - mid) > policy.max_quiet_move * mid
            for other, mid in then.items()
            if other in mids
        )

    def _astray(self, instrument: InstrumentId, now: datetime, policy: Policy) -> str:
        """Say how far the price is from another venue's, where that is too far to be the same bitcoin.

        Which of the two is wrong nobody here can know: both are in doubt. An old price of the other venue still tells
        what cannot be, for days, from further away.
        """
        mine = self.quotes.get(instrument)
        if mine is None or mine.mid is None:
            return ""
        for other, mid in self._mids_beside(instrument).items():
            age = abs(self.quotes[other].age(now))
            if age > _TELLS_FOR:
                continue
            # What is quoted while a market is closed is confirmed, and yet as old as its close.
            old = age > policy.max_quote_age or any(
                self.session(key, now) is Session.CLOSED for key in (instrument, other)
            )
            limit = 2 * policy.max_apart if old else policy.max_apart
            low, high = sorted((mine.mid, mid))
            if high > low * (1 + limit):
                return (
                    f"{instrument} at {mine.mid:,.2f} and {other} at {mid:,.2f} are {high / low - 1:.0%} apart "
                    f"(the limit is {limit:.0%})"
                )
        return ""

    def _mids_beside(self, instrument: InstrumentId) -> dict[InstrumentId, Decimal]:
        return {
            other: quote.mid
            for other, quote in self.quotes.items()
            if other.venue != instrument.venue and quote.mid is not None
        }
