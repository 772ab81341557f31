"""The double-entry journal: what each event means in money, to the satoshi and the cent.

Accounts (debits positive: what we have is positive, what it came from negative)::

    assets:<venue>:cash         the venue's wallet
    assets:<venue>:<symbol>     a position: its XBT on one side, its USD on the other
    assets:transit              money people move: it has left its source and not arrived
    assets:spot                 wallets of ours that are none of the venues
    equity:opening              cash that was there when the books were opened
    equity:deposits             deposits less withdrawals
    equity:adjustments          differences a person adopted, and the venue's own adjustments
    equity:exchange             the other side of every trade: XBT exchanged for USD
    expenses:fees:<venue>       commissions; of ``transfers``, ``spot``: what moving and converting cost
    income:funding:<venue>      funding received (negative when received: income)
    income:settlement:<venue>   cash of a settlement that belongs to no position here

A trade is booked as an exchange. An inverse BUY of N contracts at p puts its value in XBT on the position, against
as many dollars owed: ``+V XBT, −N × multiplier USD``. A linear BUY of c contracts puts ``+c × multiplier XBT,
−c × multiplier × p USD``. What a reduction realises (average cost) moves on from the position to cash; a flat
position stands at zero in both currencies. A contract's settlement at expiry is told as an execution at the
settlement price and booked as one; a daily settlement moves a part of the result to cash, and no more.

An execution the venue restates or takes back later is turned round in the entry of the correction, and what it had
made of the results after it is put right (see ``holding``): afterwards every account stands as if the right trade had
been booked from the start.

**Δ is readable.** An open inverse position keeps its cost in XBT, contracts × multiplier / entry, on its account, a
linear one contracts × multiplier; so the sum of XBT over all ``assets:`` accounts is
``wallet + Σ contracts/entry + Σ linear``, and XBT on its way or in a wallet of ours: the portfolio's Δ, at any price.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, get_args

from bot.ledger.accounts import (
    ADJUSTMENTS,
    CASH,
    DEPOSITS,
    EXCHANGE,
    OPENING,
    cash_account,
    fees_account,
    funding_account,
    position_account,
    settlement_account,
)
from bot.ledger.errors import Unbookable
from bot.ledger.holding import Holding, Move, OpenPosition, Step, StepKind, other, share
from bot.ledger.transfer_moves import moves
from bot.model.cold import cool
from bot.model.events import (
    AccountOpened,
    Adopted,
    AdoptedPosition,
    CashBooked,
    CommissionBooked,
    Event,
    FillBooked,
    FillBusted,
    FillCorrected,
    InstrumentLoaded,
    Recorded,
)
from bot.model.transfers import (
    ConversionRecorded,
    TransferCancelled,
    TransferDone,
    TransferEvent,
    TransferMatched,
    TransferRecorded,
)
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money, to_units
from risk.orders import CashFlow, CashFlowKind, Fill
from risk.terms import Kind

_Key = tuple[str, str]
"""A venue, and the id of an execution or a cash flow there."""
_Seen = TypeVar("_Seen")

JOURNAL_KINDS = (
    InstrumentLoaded,
    AccountOpened,
    FillBooked,
    FillCorrected,
    FillBusted,
    CommissionBooked,
    CashBooked,
    Adopted,
    *get_args(TransferEvent),
)
"""The events that matter to the journal; all others post nothing."""


@dataclass(frozen=True, slots=True)
class Posting:
    """``units`` (1e-8) of ``currency`` on ``account``, by the entry of event ``seq``."""

    seq: int
    account: str
    currency: Currency
    units: int


@dataclass(slots=True, eq=False)
class Journal:
    """Folds events into postings. Feed it every event once, in the chain's order.

    What is told again (an execution, a commission, a cash flow, an account's opening) is booked once: the repeat
    posts nothing, and ``verify`` names it.
    """

    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)
    holdings: dict[InstrumentId, Holding] = field(default_factory=dict)
    _opened: set[str] = field(default_factory=set)
    _executions: set[tuple[str, str]] = field(default_factory=set)
    _commissioned: set[tuple[str, str]] = field(default_factory=set)
    _flows: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        # What grows with history may rest on the disk (see ``bot.model.cold``).
        cool(self, "_executions", "_commissioned", "_flows", prefix="booked ")

    @property
    def positions(self) -> Mapping[InstrumentId, OpenPosition]:
        return {instrument: holding.position for instrument, holding in self.holdings.items()}

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
                    entry.take(self._holding(fill.instrument).take(self._trade(fill)))
                    if fill.fee is not None:
                        self._pay_fee(entry, (fill.instrument.venue, fill.execution_id), fill.fee)
            case FillCorrected(fill, was, fee_was):
                self._correct(entry, was, fill)
                if fill.fee is not None:
                    self._replace_fee(entry, (fill.instrument.venue, fill.execution_id), fee_was, fill.fee)
            case FillBusted(bust, was, fee_was):
                if was is not None:
                    self._correct(entry, was, None)
                self._replace_fee(entry, (bust.instrument.venue, bust.execution_id), fee_was, None)
            case CommissionBooked(report, replaces):
                key = (report.instrument.venue, report.execution_id)
                if replaces is not None:
                    self._replace_fee(entry, key, replaces, report.fee)
                else:
                    self._pay_fee(entry, key, report.fee)
            case CashBooked(flow):
                if _first(self._flows, (flow.venue, flow.flow_id)):
                    self._flow(entry, flow)
            case (
                TransferRecorded()
                | TransferMatched()
                | TransferDone()
                | TransferCancelled()
                | ConversionRecorded() as event
            ):
                entry.take(moves(event))
            case Adopted() as adopted:
                self._check(adopted)
                self._adopt(entry, adopted)
        return entry.postings

    def _holding(self, instrument: InstrumentId) -> Holding:
        if instrument not in self.holdings:
            self.holdings[instrument] = Holding(instrument)
        return self.holdings[instrument]

    def _trade(self, fill: Fill) -> Step:
        settled, other_side = exchanged(self.instruments[fill.instrument], fill)
        return Step(StepKind.TRADE, settled, other_side, fill.signed_quantity, fill.execution_id)

    def _correct(self, entry: "_Entry", was: Fill, right: Fill | None) -> None:
        key = (was.instrument.venue, was.execution_id)
        if key not in self._executions:
            return
        step = None if right is None else self._trade(right)
        if step is None:
            self._executions.discard(key)
        entry.take(self._holding(was.instrument).correct(self._trade(was), step))

    def _pay_fee(self, entry: "_Entry", key: "_Key", fee: Money) -> None:
        if _first(self._commissioned, key):
            entry.move(fee, cash_account(key[0]), fees_account(key[0]))

    def _replace_fee(self, entry: "_Entry", key: "_Key", was: Money | None, fee: Money | None) -> None:
        if was is not None and key in self._commissioned:
            self._commissioned.discard(key)
            entry.move(was, fees_account(key[0]), cash_account(key[0]))
        if fee is not None:
            self._pay_fee(entry, key, fee)

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
            venue = item.instrument.venue
            settlement = self.instruments[item.instrument].terms.settlement
            holding = self._holding(item.instrument)
            before = holding.position
            after = self._taken_over(before, item)
            settled = after.settled - before.settled
            change = Step(
                StepKind.TAKEOVER,
                Money(settlement, settled),
                Money(other(settlement), after.other - before.other),
                after.contracts - before.contracts,
                left=after.settled,
            )
            entry.take(holding.take(change))
            costs[venue] = costs.get(venue, 0) + settled
        for account in adopted.cash:
            moved = account.after.units - account.before.units - costs[account.venue]
            entry.move(Money(account.after.currency, moved), ADJUSTMENTS, cash_account(account.venue))

    def _taken_over(self, held: OpenPosition, item: AdoptedPosition) -> OpenPosition:
        """Return the position as adopted: at the venue's cost, or moved at a price as a trade would move it."""
        instrument = self.instruments[item.instrument]
        inverse = instrument.terms.kind is Kind.INVERSE
        size = item.after * to_units(instrument.terms.multiplier)
        other_side = -size if inverse else size
        if item.cost is not None:
            return OpenPosition(item.after, item.cost.units if inverse else -item.cost.units, other_side)
        change = item.after - item.before
        if item.price is None or change == 0:
            return OpenPosition(item.after, held.settled, other_side)
        value = instrument.value_units(change, item.price)
        settled = value if inverse else -value
        realised = 0
        if held.contracts * change < 0:
            closing = min(abs(held.contracts), abs(change))
            realised = share(held.settled, closing, abs(held.contracts)) + share(
                settled, closing, abs(change)
            )
        return OpenPosition(item.after, held.settled + settled - realised, other_side)

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
        if flow.instrument is None or flow.instrument not in self.instruments:
            entry.move(flow.amount, settlement_account(flow.venue), cash_account(flow.venue))
            return
        nothing = Money(other(flow.amount.currency), 0)
        entry.take(self._holding(flow.instrument).take(Step(StepKind.SETTLEMENT, flow.amount, nothing)))


class _Entry:
    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.postings: list[Posting] = []

    def take(self, moves: Iterable[Move]) -> None:
        for money, source, target in moves:
            self.move(money, source, target)

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
        return Money(settlement, value), Money(other(settlement), -size)
    return Money(settlement, -value), Money(other(settlement), size)


def objection(event: Event, instruments: Mapping[InstrumentId, Instrument]) -> str | None:
    """Say why the books cannot take ``event``, knowing ``instruments``; None if they can."""
    match event:
        case InstrumentLoaded(told) if told.id in instruments:
            known = instruments[told.id].terms
            for name in ("kind", "multiplier"):
                before, now = getattr(known, name), getattr(told.terms, name)
                if before != now:
                    return f"{told.id} changed its {name} from {before} to {now}: that is another contract"
        case FillBooked(fill) | FillCorrected(fill) if fill.instrument not in instruments:
            return f"{fill.instrument} was traded, but its terms were never loaded"
        case CashBooked(flow) if flow.kind is CashFlowKind.SETTLEMENT and flow.instrument is not None:
            instrument = instruments.get(flow.instrument)
            settlement = instrument.terms.settlement if instrument is not None else flow.amount.currency
            if flow.amount.currency is not settlement:
                return f"{flow.instrument} settles in {settlement}, not in {flow.amount.currency}"
    return None


def _first(seen: set[_Seen], key: _Seen) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True


__all__ = [
    "ADJUSTMENTS",
    "CASH",
    "DEPOSITS",
    "EXCHANGE",
    "JOURNAL_KINDS",
    "OPENING",
    "Journal",
    "OpenPosition",
    "Posting",
    "cash_account",
    "exchanged",
    "fees_account",
    "funding_account",
    "objection",
    "position_account",
]
