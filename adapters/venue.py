"""The one way the bot sees a venue.

An implementation hides its client library: no ccxt dict and no ib_async object crosses this line. It
translates, keeps its links alive, and reports; it decides nothing and retries no order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Account, Funding, MarginImpact, Position, Quote, Skew
from risk.sessions import TradingHours


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a venue can and cannot do; the only ground on which a conformance test may differ.

    ``unique_client_ids``: the venue itself refuses a repeated client order id. ``dead_mans_switch``: resting
    orders can be made to die with the link. ``post_only``, ``reduce_only``: enforced by the venue.
    ``fee_with_fill``: a fill carries its fee (else a ``CommissionReport`` follows). ``cash_flows``: the venue
    tells deposits, withdrawals and funding. ``confirms_quotes``: a book that stands still is told again with a later
    time while link and data farms are known to be up (else its age is all there is to judge it by). ``what_if``: the
    venue says what margin an order would need (else it follows from the rates it states). ``stops``: it keeps
    stops that its mark price sets off.
    """

    unique_client_ids: bool
    dead_mans_switch: bool
    post_only: bool
    reduce_only: bool
    fee_with_fill: bool
    cash_flows: bool
    confirms_quotes: bool = False
    what_if: bool = False
    stops: bool = False


class LinkState(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Link:
    """A venue's link changed. After UP the adapter has resubscribed; the bot reconciles before it trusts."""

    venue: str
    state: LinkState
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HoursAnnounced:
    """When a contract trades, as its venue announces it; told when connected, and again as it moves on."""

    instrument: InstrumentId
    hours: TradingHours


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """How far a venue's clock is from ours; told when it changes, and every half minute."""

    venue: str
    skew: Skew


@dataclass(frozen=True, slots=True)
class FundingAnnounced:
    """The next funding payment of a contract, and at which rate."""

    instrument: InstrumentId
    funding: Funding


class IndexRole(StrEnum):
    """SPOT: the price of the moment. SETTLEMENT: the average that dated contracts settle on."""

    SPOT = "spot"
    SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class IndexTold:
    """A reference index, as its venue tells it. Told when it changes, every few seconds.

    ``price``: USD per XBT; None where it is not known, and ``note`` says why. ``at``: of when it is, by the venue or,
    of a change that was seen, by us; None where that cannot be said: nobody is to take an old figure for a new one.
    """

    venue: str
    role: IndexRole
    symbol: str
    price: Decimal | None
    at: datetime | None
    note: str = ""


VenueEvent = (
    HoursAnnounced
    | FundingAnnounced
    | IndexTold
    | ClockSeen
    | Quote
    | OrderUpdate
    | Fill
    | Bust
    | CommissionReport
    | CashFlow
    | Link
)
Sink = Callable[[VenueEvent], None]
"""Takes one event, at once and without blocking. Called on the event loop's thread."""


class Venue(Protocol):
    """A venue. All methods are for one asyncio loop; none may be called before ``connect``.

    Questions raise ``Unreachable`` when unanswered — never an empty answer — and ``Misconfigured`` when a
    person has to act.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def complaints(self) -> list[str]:
        """What this login gets only in part, in words for a person: market data that are delayed, a key that may
        only cancel."""
        ...

    @property
    def rate_left(self) -> Decimal | None:
        """What is left of the venue's rate limit, a fraction of our share; None where nobody counts."""
        ...

    @property
    def order_wait(self) -> float:
        """How many seconds an order would wait before it is sent, by what we count of the rate limit; 0.0: at once."""
        ...

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        """Connect, load the contracts of ``symbols``, stream quotes and everything private into ``sink``.

        Returns when the first snapshots are in. From then on the link is kept up for ever (each change is a
        ``Link``) until ``close``. Raises Unreachable or Misconfigured.
        """
        ...

    async def close(self) -> None:
        """Stop streaming and release every socket and task. Idempotent."""
        ...

    def instrument(self, symbol: str) -> Instrument:
        """Return a loaded contract, with the terms the venue stated."""
        ...

    async def submit(self, order: Approved) -> OrderUpdate:
        """Send one order, once. Returns the venue's first word on it (it may already be final).

        Raises Refused (it does not exist; also a stop where there are none), NotSent (nor was it seen), or
        OutcomeUnknown. Fills arrive
        through the sink only, possibly before this returns.
        """
        ...

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        """Ask for a cancel. Success means asked; what became of the order arrives as an ``OrderUpdate``.

        An order that is already final is not an error. Raises Refused (no such order), Unreachable.
        """
        ...

    async def cancel_all(self) -> None:
        """Ask for the cancel of **every** order of the account: other programs' and other people's, in whatever it
        trades, stops included. For the emergency alone.

        Success means asked; ``open_orders`` tells what is left. Raises Refused, Unreachable.
        """
        ...

    async def arm_dead_mans_switch(self, timeout_ms: int) -> None:
        """Have the venue cancel **every** order of the account, stops included, ``timeout_ms`` after we fall silent.

        It is refreshed, for as long as the link lasts, until disarmed. Raises Refused where the venue has no such
        switch, ValueError below 5,000 ms (seconds given by mistake), Unreachable.
        """
        ...

    async def disarm_dead_mans_switch(self) -> None:
        """Raises Refused or Unreachable; then it may still fire, and is no longer refreshed."""
        ...

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        """Return the venue's word on an order, None if the venue answers that it has none."""
        ...

    async def open_orders(self) -> list[OrderUpdate]:
        """Return every resting order of the account, other programs' included."""
        ...

    async def fills(self, since: datetime) -> list[Fill]:
        """Return the account's fills from ``since`` on, oldest first, each once, as they stand now.

        Those the venue has restated may be older; those it has taken back are left out (see ``busts``).
        """
        ...

    async def busts(self, since: datetime) -> list[Bust]:
        """Return the executions taken back from ``since`` on; there may be older ones among them."""
        ...

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        """Return fees reported apart from their fills, from ``since`` on; empty where fills carry them."""
        ...

    async def positions(self) -> list[Position]:
        """Return every open position of the account (a flat one may be left out)."""
        ...

    async def account(self) -> Account: ...

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        """Ask what an order would do to the account's margin; nothing is placed. None without the capability, or
        where the venue does not say. Raises Unreachable, or Refused where it would not take the order."""
        ...

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        """Return cash that moved other than by trades, from ``since`` on; empty without the capability."""
        ...
