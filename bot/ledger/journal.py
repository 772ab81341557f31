"""The double-entry journal: what each event means in money, to the satoshi and the cent.

Accounts (debits positive: what we have is positive, what it came from negative)::

    assets:<venue>:cash         the venue's wallet
    assets:<venue>:<symbol>     a position: its XBT on one side, its USD on the other
    equity:opening              cash that was there when the books were opened
    equity:deposits             deposits less withdrawals
    equity:adjustments          differences a person adopted, and the venue's own adjustments
    equity:exchange             the other side of every trade: XBT exchanged for USD
    expenses:fees:<venue>       commissions
    income:funding:<venue>      funding received (negative when received: income)
    income:settlement:<venue>   cash of a settlement that belongs to no position here

A trade is booked as an exchange. An inverse BUY of N contracts at p puts its value in XBT on the position, against
as many dollars owed: ``+V XBT, −N × multiplier USD``. A linear BUY of c contracts puts ``+c × multiplier XBT,
−c × multiplier × p USD``. What a reduction realises (average cost) moves on from the position to cash; a flat
position stands at zero in both currencies.

**Δ is readable.** An open inverse position keeps its cost in XBT, contracts × multiplier / entry, on its account, a
linear one contracts × multiplier; so the sum of XBT over all ``assets:`` accounts is
``wallet + Σ contracts/entry + Σ linear``, which is the portfolio's Δ, at any price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.ledger.errors import Unbookable
from bot.model.cold import cool
from bot.model.events import (
    AccountOpened,
    Adopted,
    AdoptedPosition,
    CashBooked,
    CommissionBooked,
    Event,
    FillBooked,
    InstrumentLoaded,
    Recorded,
)
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money, to_units
from risk.orders import CashFlow, CashFlowKind, Fill
from risk.terms import Kind

CASH = "cash"
EXCHANGE = "equity:exchange"
OPENING = "equity:opening"
DEPOSITS = "equity:deposits"
ADJUSTMENTS = "equity:adjustments"

JOURNAL_KINDS = (InstrumentLoaded, AccountOpened, FillBooked, CommissionBooked, CashBooked, Adopted)
"""The events that matter to the journal; all others post nothing."""


@dataclass(frozen=True, slots=True)
class Posting:
    """``units`` (1e-8) of ``currency`` on ``account``, by the entry of event ``seq``."""

    seq: int
    account: str
    currency: Currency
    units: int


@dataclass(slots=True)
class OpenPosition:
    """What the position account holds. ``contracts`` signed, ``settled`` in the currency P&L is settled in
    (the open cost: XBT of an inverse, −USD of a linear contract), ``other`` in the other one."""

    contracts: int = 0
    settled: int = 0
    other: int = 0


def cash_account(venue: str) -> str:
    return f"assets:{venue}:{CASH}"


def position_account(instrument: InstrumentId) -> str:
    return f"assets:{instrument.venue}:{instrument.symbol}"


def fees_account(venue: str) -> str:
    return f"expenses:fees:{venue}"


def funding_account(venue: str) -> str:
    return f"income:funding:{venue}"


@dataclass(slots=True, eq=False)
class Journal:
    """Folds events into postings. Feed it every event once, in the chain's order.

    What is told again (an execution, a commission, a cash flow, an account's opening) is booked once: the repeat
    posts nothing, and ``verify`` names it.
    """

    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)
    positions: dict[InstrumentId, OpenPosition] = field(default_factory=dict)
    _opened: set[str] = field(default_factory=set)
    _executions: set[tuple[str, str]] = field(default_factory=set)
    _commissioned: set[tuple[str, str]] = field(default_factory=set)
    _flows: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        # What grows with history may rest on the disk (see ``bot.model.cold``).
        cool(self, "_executions", "_commissioned", "_flows", prefix="booked ")

    def post(self, recorded: Recorded) -> list[Posting]:
        """Return the entry of one event: postings that sum to zero in each currency, or none.

        Raises Unbookable, before anything is booked.
        """
        reason = objection(recorded.event, self.instruments)
        if reason is not None:
            raise Unbookable(reason)
        entry = _Entry(recorded.seq)
        match recorded.event:
            case InstrumentLoaded(instrument):
                self.instruments[instrument.id] = instrument
            case AccountOpened(venue, cash):
                if _first(self._opened, venue):
                    entry.move(cash, OPENING, cash_account(venue))
            case FillBooked(fill):
                if _first(self._executions, (fill.instrument.venue, fill.execution_id)):
                    self._trade(entry, fill)
                    if fill.fee is not None:
                        self._pay_fee(entry, fill.instrument.venue, fill.execution_id, fill.fee)
            case CommissionBooked(report):
                self._pay_fee(entry, report.instrument.venue, report.execution_id, report.fee)
            case CashBooked(flow):
                if _first(self._flows, (flow.venue, flow.flow_id)):
                    self._flow(entry, flow)
            case Adopted() as adopted:
                self._check(adopted)
                self._adopt(entry, adopted)
        return entry.postings

    def _trade(self, entry: "_Entry", fill: Fill) -> None:
        position = self.positions.setdefault(fill.instrument, OpenPosition())
        account = position_account(fill.instrument)
        settled, other = exchanged(self.instruments[fill.instrument], fill)
        entry.move(settled, EXCHANGE, account)
        entry.move(other, EXCHANGE, account)

        realised = _realised(position, fill.signed_quantity, settled.units)
        entry.move(Money(settled.currency, realised), account, cash_account(fill.instrument.venue))
        position.contracts += fill.signed_quantity
        position.settled += settled.units - realised
        position.other += other.units

    def _check(self, adopted: Adopted) -> None:
        for item in adopted.positions:
            held = self.positions.get(item.instrument, OpenPosition()).contracts
            if item.instrument not in self.instruments:
                raise Unbookable(f"{item.instrument} was adopted, but its terms were never loaded")
            if held != item.before:
                raise Unbookable(
                    f"{item.instrument}: {item.before} contracts adopted from, the books hold {held}"
                )

    def _adopt(self, entry: "_Entry", adopted: Adopted) -> None:
        """Book the way from the ledger's word to the venues' against ``equity:adjustments``."""
        costs = dict.fromkeys((account.venue for account in adopted.cash), 0)
        for item in adopted.positions:
            venue, account = item.instrument.venue, position_account(item.instrument)
            settlement = self.instruments[item.instrument].terms.settlement
            before = self.positions.get(item.instrument, OpenPosition())
            after = self._taken_over(before, item)
            entry.move(Money(settlement, after.settled - before.settled), ADJUSTMENTS, account)
            entry.move(Money(_other(settlement), after.other - before.other), ADJUSTMENTS, account)
            costs[venue] = costs.get(venue, 0) + after.settled - before.settled
            self.positions[item.instrument] = after
        for change in adopted.cash:
            moved = change.after.units - change.before.units - costs[change.venue]
            entry.move(Money(change.after.currency, moved), ADJUSTMENTS, cash_account(change.venue))

    def _taken_over(self, held: OpenPosition, item: AdoptedPosition) -> OpenPosition:
        """Return the position as adopted: at the venue's cost, or moved at a price as a trade would move it."""
        instrument = self.instruments[item.instrument]
        inverse = instrument.terms.kind is Kind.INVERSE
        size = item.after * to_units(instrument.terms.multiplier)
        other = -size if inverse else size
        if item.cost is not None:
            return OpenPosition(item.after, item.cost.units if inverse else -item.cost.units, other)
        change = item.after - item.before
        if item.price is None or change == 0:
            return OpenPosition(item.after, held.settled, other)
        value = instrument.value_units(change, item.price)
        settled = value if inverse else -value
        realised = 0
        if held.contracts * change < 0:
            closing = min(abs(held.contracts), abs(change))
            realised = share(held.settled, closing, abs(held.contracts)) + share(
                settled, closing, abs(change)
            )
        return OpenPosition(item.after, held.settled + settled - realised, other)

    def _pay_fee(self, entry: "_Entry", venue: str, execution_id: str, fee: Money) -> None:
        if _first(self._commissioned, (venue, execution_id)):
            entry.move(fee, cash_account(venue), fees_account(venue))

    def _flow(self, entry: "_Entry", flow: CashFlow) -> None:
        cash = cash_account(flow.venue)
        match flow.kind:
            case CashFlowKind.DEPOSIT | CashFlowKind.WITHDRAWAL:
                entry.move(flow.amount, DEPOSITS, cash)
            case CashFlowKind.FUNDING:
                entry.move(flow.amount, funding_account(flow.venue), cash)
            case CashFlowKind.ADJUSTMENT:
                entry.move(flow.amount, ADJUSTMENTS, cash)
            case CashFlowKind.SETTLEMENT:
                self._settle(entry, flow)

    def _settle(self, entry: "_Entry", flow: CashFlow) -> None:
        """A daily settlement turns part of a position's result into cash; one at expiry ends the position."""
        cash = cash_account(flow.venue)
        position = self.positions.get(flow.instrument) if flow.instrument is not None else None
        if flow.instrument is None or position is None or position.contracts == 0:
            entry.move(flow.amount, f"income:settlement:{flow.venue}", cash)
            return
        terms = self.instruments[flow.instrument].terms
        account = position_account(flow.instrument)
        entry.move(flow.amount, account, cash)
        position.settled -= flow.amount.units
        if terms.expiry is not None and flow.at >= terms.expiry:
            entry.move(Money(terms.settlement, position.settled), account, EXCHANGE)
            entry.move(Money(_other(terms.settlement), position.other), account, EXCHANGE)
            self.positions[flow.instrument] = OpenPosition()


class _Entry:
    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.postings: list[Posting] = []

    def move(self, money: Money, source: str, target: str) -> None:
        """Move ``money`` between two accounts; an amount of nothing leaves no line."""
        if money.units:
            self.postings.append(Posting(self.seq, target, money.currency, money.units))
            self.postings.append(Posting(self.seq, source, money.currency, -money.units))


def exchanged(instrument: Instrument, fill: Fill) -> tuple[Money, Money]:
    """Return what a fill puts on the position: in the settlement currency, and in the other one (signed)."""
    settlement = instrument.terms.settlement
    value = instrument.value_units(fill.signed_quantity, fill.price)
    size = fill.signed_quantity * to_units(instrument.terms.multiplier)
    if instrument.terms.kind is Kind.INVERSE:
        return Money(settlement, value), Money(_other(settlement), -size)
    return Money(settlement, -value), Money(_other(settlement), size)


def share(amount: int, part: int, whole: int) -> int:
    """Return ``amount`` × part / whole, towards zero as the value of a part lot is; all of it for the whole."""
    sign = -1 if amount < 0 else 1
    return sign * (abs(amount) * part // whole)


def objection(event: Event, instruments: Mapping[InstrumentId, Instrument]) -> str | None:
    """Say why the books cannot take ``event``, knowing ``instruments``; None if they can."""
    match event:
        case InstrumentLoaded(told) if told.id in instruments:
            known = instruments[told.id].terms
            for name in ("kind", "multiplier"):
                before, now = getattr(known, name), getattr(told.terms, name)
                if before != now:
                    return f"{told.id} changed its {name} from {before} to {now}: that is another contract"
        case FillBooked(fill) if fill.instrument not in instruments:
            return f"{fill.instrument} was traded, but its terms were never loaded"
        case CashBooked(flow) if flow.kind is CashFlowKind.SETTLEMENT and flow.instrument is not None:
            instrument = instruments.get(flow.instrument)
            settlement = instrument.terms.settlement if instrument is not None else flow.amount.currency
            if flow.amount.currency is not settlement:
                return f"{flow.instrument} settles in {settlement}, not in {flow.amount.currency}"
    return None


def _realised(position: OpenPosition, traded: int, settled: int) -> int:
    """Return what a change of a position turns into cash at average cost; ``settled``: what all of it is worth."""
    held = position.contracts
    if held * traded >= 0:
        return 0
    closing = min(abs(held), abs(traded))
    return share(position.settled, closing, abs(held)) + share(settled, closing, abs(traded))


def _other(currency: Currency) -> Currency:
    return Currency.USD if currency is Currency.XBT else Currency.XBT


_Key = TypeVar("_Key")


def _first(seen: set[_Key], key: _Key) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True
