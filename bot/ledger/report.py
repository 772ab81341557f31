"""What it came to: a summary of a ledger's events, a line for each cause. Pure, and all of it Decimal.

**How it adds up.** Every trade is an exchange of XBT for USD, so what the fills of a plan exchanged is what the plan
brought, in both currencies, whatever happened to the price meanwhile: 25 XBT bought for 200,000 USD and sold for
250,000 USD have locked in 50,000 USD. Those sums, fees, funding, and what came in from outside are the *lines*; cash
and open positions are what is *held*. The one must equal the other to the last unit of each currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.ledger.accounts import SPOT_ACCOUNT, TRANSIT
from bot.ledger.amounts import NOTHING, Amounts, Tally
from bot.ledger.balances import Balances, Books
from bot.ledger.entries import Entry, EntryReader
from bot.ledger.journal import ADJUSTMENTS, CASH, DEPOSITS, EXCHANGE, OPENING
from bot.ledger.ownership import Ownership
from bot.ledger.plan_results import PlanFold, PlanResult
from bot.model.codec import GENESIS
from bot.model.events import (
    Adopted,
    FillBooked,
    OrderIntended,
    PlanFinished,
    PlanProposed,
    Reconciled,
    Recorded,
    TicketRaised,
    TrancheFinished,
)
from bot.model.ids import FLATTEN_PREFIX, Role
from bot.model.tickets import Ticket
from bot.model.transfers import ConversionRecorded
from risk.instruments import InstrumentId
from risk.orders import Cause, Fill, Side
from risk.terms import Kind

SPREADS = "spreads"
COLLATERAL = "collateral hedge"
EMERGENCY = "emergency command"
FOREIGN = "fills of no order here"
EXPIRED = "settled at expiry"
CONVERTED = "conversions"
_FEES = "expenses:fees:"
_FUNDING = "income:funding:"
_SETTLEMENT = "income:settlement:"
_FROM_OUTSIDE = {
    OPENING: "opening balances",
    DEPOSITS: "deposits less withdrawals",
    ADJUSTMENTS: "adopted differences",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One cause, or one thing held, and what it came to."""

    name: str
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Summary:
    """``earned`` and ``from_outside`` are the lines that explain what is ``held`` (see above); ``result`` is the sum
    of the first, of which ``pnl`` is realised (in cash, wherever it is) and ``in_positions`` is not yet. ``residual``
    is what no line explains: nothing. ``fees`` (positive when paid) and ``funding`` (positive when received) are part
    of the result.

    The ``_usd`` figures value XBT at ``valuation_price``, the price of the last fill at an inverse contract;
    they are None when there is XBT to value and no such fill. ``max_naked_delta_xbt`` is the largest of any plan,
    ``naked_xbt_seconds`` the sum over all plans. ``fills`` counts our orders' fills, ``adopted`` the differences
    a person adopted, ``adoptions`` those, the foreign fills and the venues' own adjustments. ``reconciled``: when
    ledger and venues were last held against each other, and in what they differed.
    """

    events: int
    head: str
    until: datetime | None
    plans: tuple[PlanResult, ...]
    tranches_filled: int
    orders: int
    fills: int
    foreign_fills: int
    adopted: int
    adoptions: int
    max_naked_delta_xbt: Decimal
    naked_xbt_seconds: Decimal
    longest_naked_seconds: Decimal
    earned: tuple[Line, ...]
    from_outside: tuple[Line, ...]
    held: tuple[Line, ...]
    result: Amounts
    in_positions: Amounts
    residual: Amounts
    pnl: Amounts
    fees: Amounts
    funding: Amounts
    valuation_price: Decimal | None
    final_delta_xbt: Decimal
    reconciled: tuple[datetime, tuple[str, ...]] | None
    balances: Balances

    @property
    def pnl_usd(self) -> Decimal | None:
        return self.pnl.valued(self.valuation_price)

    @property
    def fees_usd(self) -> Decimal | None:
        return self.fees.valued(self.valuation_price)

    @property
    def funding_usd(self) -> Decimal | None:
        return self.funding.valued(self.valuation_price)


def summarise(events: Iterable[Recorded]) -> Summary:
    """Sum up a chain of events from its start. Raises Unbookable."""
    fold = _Fold()
    for recorded in events:
        fold.see(recorded)
    return fold.summary()


class _Fold:
    def __init__(self) -> None:
        self._reader = EntryReader()
        self._owned = Ownership()
        self._plans: dict[str, PlanFold] = {}
        self._earned: dict[str, Tally] = {}
        self._outside: dict[str, Tally] = {}
        self._counts = dict.fromkeys(("orders", "fills", "foreign", "adjusted", "adopted"), 0)
        self._price: Decimal | None = None
        self._last: Recorded | None = None
        self._reconciled: tuple[datetime, tuple[str, ...]] | None = None

    @property
    def _books(self) -> Books:
        return self._reader.books

    def see(self, recorded: Recorded) -> None:
        entry = self._reader.read(recorded)
        self._last = recorded
        match recorded.event:
            case PlanProposed(spec):
                plan = self._plan(spec.plan_id)
                plan.spec, plan.proposed_at = spec, recorded.at
            case TicketRaised(ticket):
                self._quoted(ticket)
            case OrderIntended():
                self._counts["orders"] += 1
            case TrancheFinished(plan_id, tranche):
                self._plan(plan_id).tranche_finished(tranche)
            case PlanFinished(plan_id, status, reason):
                self._plan(plan_id).finish(recorded.at, status, reason)
            case Reconciled(differences):
                self._reconciled = recorded.at, differences
            case Adopted(differences=differences):
                self._counts["adopted"] += len(differences)
            case FillBooked(fill, foreign):
                if fill.cause is not Cause.SETTLEMENT:
                    self._counts["foreign" if foreign else "fills"] += 1
                if self._books.journal.instruments[fill.instrument].terms.kind is Kind.INVERSE:
                    self._price = fill.price
        if entry is not None:
            self._book(entry)

    def _plan(self, plan_id: str) -> PlanFold:
        return self._plans.setdefault(plan_id, PlanFold(plan_id))

    def _quoted(self, ticket: Ticket) -> None:
        shown, leg = ticket.circumstances, ticket.material.leg
        instrument = self._books.journal.instruments.get(ticket.material.instrument)
        if instrument is None:
            return
        spec = self._plan(leg.plan_id).spec
        linear = instrument.terms.kind is Kind.LINEAR
        if spec is not None and spec.is_roll:
            linear = instrument.id == spec.linear
        if linear:
            bid, ask = shown.linear_bid, shown.linear_ask
        else:
            bid, ask = shown.inverse_bid, shown.inverse_ask
        quote = ask if ticket.material.side is Side.BUY else bid
        self._plan(leg.plan_id).quoted(leg, instrument.id, quote)

    def _book(self, entry: Entry) -> None:
        """Give each posting outside the assets to the line it belongs to, with the sign it has for the assets."""
        about = entry.references
        for instrument, held in self._books.journal.positions.items():
            # An adoption moves positions that it does not name in one word.
            self._owned.moves_to(instrument, held.contracts, about.plan_id)
        plan = None if about.plan_id is None else self._plan(about.plan_id)
        if not isinstance(entry.recorded.event, Adopted):
            self._counts["adjusted"] += any(posting.account == ADJUSTMENTS for posting in entry.postings)
        exchanged = Tally()
        for posting in entry.postings:
            account, currency, units = posting.account, posting.currency, -posting.units
            if account.startswith("assets:"):
                continue
            if account == EXCHANGE:
                exchanged.add(currency, units)
            elif account in _FROM_OUTSIDE:
                self._outside.setdefault(_FROM_OUTSIDE[account], Tally()).add(currency, units)
            else:
                self._earned.setdefault(_earned_name(account), Tally()).add(currency, units)
            if account.startswith(_FEES) and plan is not None:
                plan.fee(account.removeprefix(_FEES), currency, -units)
            if account.startswith(_FUNDING) and about.instrument is not None:
                for owner, share in self._owned.split(about.instrument, units).items():
                    if owner is not None:
                        self._plan(owner).fund(currency, share)
        if any(exchanged.units.values()):
            self._exchanged(entry, plan, exchanged)

    def _exchanged(self, entry: Entry, plan: PlanFold | None, exchanged: Tally) -> None:
        about, recorded = entry.references, entry.recorded
        line = self._earned.setdefault(_trade_name(entry), Tally())
        for currency, units in exchanged.units.items():
            line.add(currency, units)
        if plan is None or about.leg is None or about.instrument is None:
            return
        if isinstance(recorded.event, FillBooked):
            fill, heard_at = recorded.event.fill, recorded.event.heard_at
            plan.trade(about.leg, about.instrument, exchanged, heard_at, self._lot(plan, fill))
        else:
            plan.trade(about.leg, about.instrument, exchanged, recorded.at, None)

    def _lot(self, plan: PlanFold, fill: Fill) -> Decimal:
        """Return what nobody could hedge, in XBT at the fill's price: less than the smaller of the pair's lots; where
        the coarse one hedges, than half of its own."""
        known = self._books.journal.instruments
        if plan.spec is not None and plan.spec.legging.working is Kind.INVERSE and plan.spec.linear in known:
            return known[plan.spec.linear].granule(fill.price) / 2
        of_plan = {fill.instrument}
        if plan.spec is not None:
            of_plan |= {plan.spec.inverse, plan.spec.linear}
        return min(known[key].granule(fill.price) for key in of_plan if key in known)

    def summary(self) -> Summary:
        balances = self._books.balances()
        last, counts = self._last, self._counts
        plans = tuple(
            plan.result(None if last is None else last.at, self._linear()) for plan in self._plans.values()
        )
        exposures = [plan.exposure for plan in plans]
        earned, outside, held = _lines(self._earned), _lines(self._outside), _held(balances)
        result = _total(earned)
        in_cash = _total(line for line in held if _is_cash(line.name))
        return Summary(
            events=0 if last is None else last.seq,
            head=GENESIS if last is None else last.hash,
            until=None if last is None else last.at,
            plans=plans,
            tranches_filled=sum(plan.tranches_filled for plan in plans),
            orders=counts["orders"],
            fills=counts["fills"],
            foreign_fills=counts["foreign"],
            adopted=counts["adopted"],
            adoptions=counts["foreign"] + counts["adjusted"] + counts["adopted"],
            max_naked_delta_xbt=max((of.max_naked_delta_xbt for of in exposures), default=Decimal(0)),
            naked_xbt_seconds=sum((of.naked_xbt_seconds for of in exposures), Decimal(0)),
            longest_naked_seconds=max((of.longest_naked_seconds for of in exposures), default=Decimal(0)),
            earned=earned,
            from_outside=outside,
            held=held,
            result=result,
            in_positions=_total(held) - in_cash,
            residual=_total(held) - result - _total(outside),
            pnl=in_cash - _total(outside),
            fees=NOTHING - _total(line for line in earned if line.name.startswith("fees ")),
            funding=_total(line for line in earned if line.name.startswith("funding ")),
            valuation_price=self._price,
            final_delta_xbt=balances.delta_xbt,
            reconciled=self._reconciled,
            balances=balances,
        )

    def _linear(self) -> set[InstrumentId]:
        known = self._books.journal.instruments
        return {key for key, instrument in known.items() if instrument.terms.kind is Kind.LINEAR}


_CASH_NAME = " cash"
_ELSEWHERE = {TRANSIT: "on its way", SPOT_ACCOUNT: "beside the venues"}


def _is_cash(name: str) -> bool:
    return name.endswith(_CASH_NAME) or name in _ELSEWHERE.values()


def _trade_name(entry: Entry) -> str:
    about = entry.references
    if isinstance(entry.recorded.event, ConversionRecorded):
        return CONVERTED
    if about.leg is not None:
        return COLLATERAL if about.leg.role is Role.SINGLE else SPREADS
    if (about.client_order_id or "").startswith(f"{FLATTEN_PREFIX}-"):
        return EMERGENCY
    event = entry.recorded.event
    expired = isinstance(event, FillBooked) and event.fill.cause is Cause.SETTLEMENT
    return EXPIRED if expired else FOREIGN


def _earned_name(account: str) -> str:
    for prefix, name in ((_FEES, "fees"), (_FUNDING, "funding"), (_SETTLEMENT, "settlement")):
        if account.startswith(prefix):
            return f"{name} {account.removeprefix(prefix)}"
    return account


def _lines(tallies: dict[str, Tally]) -> tuple[Line, ...]:
    # Trades first, then what follows from them; anything else after that, by name.
    order = (SPREADS, COLLATERAL, EMERGENCY, FOREIGN, EXPIRED, CONVERTED, "fees ", "funding ", "settlement ")

    def rank(name: str) -> tuple[int, str]:
        return next((at for at, prefix in enumerate(order) if name.startswith(prefix)), len(order)), name

    return tuple(Line(name, tallies[name].amounts) for name in sorted(tallies, key=rank))


def _held(balances: Balances) -> tuple[Line, ...]:
    tallies: dict[str, Tally] = {}
    for (account, currency), units in balances.accounts.items():
        kind, _, rest = account.partition(":")
        venue, _, what = rest.rpartition(":")
        if kind == "assets" and units:
            name = f"{venue}{_CASH_NAME}" if what == CASH else f"{venue}:{what} position"
            name = _ELSEWHERE.get(account, name)
            tallies.setdefault(name, Tally()).add(currency, units)
    ordered = sorted(tallies, key=lambda name: (not _is_cash(name), name))
    return tuple(Line(name, tallies[name].amounts) for name in ordered)


def _total(lines: Iterable[Line]) -> Amounts:
    return sum((line.amounts for line in lines), NOTHING)
