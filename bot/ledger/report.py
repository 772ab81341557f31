"""What it came to: a summary of a ledger's events. Pure, and all of it Decimal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.ledger.balances import Balances, Books
from bot.ledger.journal import ADJUSTMENTS, DEPOSITS, OPENING
from bot.model.events import FillBooked, OrderIntended, PlanFinished, PlanProposed, Recorded, TrancheFinished
from bot.model.ids import Role, parse_client_order_id
from risk.instruments import Instrument
from risk.money import Currency, from_units
from risk.orders import Fill
from risk.terms import Kind

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Whole XBT and whole USD, side by side, never added up."""

    xbt: Decimal
    usd: Decimal

    def valued(self, price: Decimal | None) -> Decimal | None:
        """Return all of it in USD, XBT at ``price``; None where there is XBT and no price."""
        if self.xbt == 0:
            return self.usd
        return None if price is None else self.usd + self.xbt * price


@dataclass(frozen=True, slots=True)
class PlanExposure:
    """How naked a plan's legs were: the largest |Σ of their fills in XBT|, and its integral over time."""

    plan_id: str
    max_naked_delta_xbt: Decimal
    naked_xbt_seconds: Decimal


@dataclass(frozen=True, slots=True)
class Summary:
    """``pnl`` is realised and net: what cash has changed by, deposits, opening and adopted differences apart.
    ``fees`` (positive when paid) and ``funding`` (positive when received) are part of it.

    The ``_usd`` figures value XBT at ``valuation_price``, the price of the last fill at an inverse contract;
    they are None when there is XBT to value and no such fill. ``max_naked_delta_xbt`` is the largest of any plan,
    ``naked_xbt_seconds`` the sum over all plans. ``fills`` counts our orders' fills.
    """

    plans: tuple[PlanExposure, ...]
    tranches_filled: int
    orders: int
    fills: int
    foreign_fills: int
    max_naked_delta_xbt: Decimal
    naked_xbt_seconds: Decimal
    pnl: Amounts
    fees: Amounts
    funding: Amounts
    valuation_price: Decimal | None
    final_delta_xbt: Decimal
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
    books = Books()
    plans: dict[str, _Exposure] = {}
    working: dict[tuple[str, int], int] = {}
    finished: set[tuple[str, int]] = set()
    orders = fills = foreign_fills = 0
    price: Decimal | None = None
    last: datetime | None = None
    for recorded in events:
        books.see(recorded)
        last = recorded.at
        match recorded.event:
            case PlanProposed(spec):
                plans.setdefault(spec.plan_id, _Exposure())
            case OrderIntended():
                orders += 1
            case TrancheFinished(plan_id, tranche):
                finished.add((plan_id, tranche))
            case PlanFinished(plan_id) if plan_id in plans:
                plans[plan_id].finish(recorded.at)
            case FillBooked(fill, foreign, heard_at):
                instrument = books.journal.instruments[fill.instrument]
                if instrument.terms.kind is Kind.INVERSE:
                    price = fill.price
                if foreign:
                    foreign_fills += 1
                    continue
                fills += 1
                parsed = parse_client_order_id(fill.client_order_id or "")
                if parsed is None or parsed[0].role is Role.SINGLE:
                    continue
                leg = parsed[0]
                plans.setdefault(leg.plan_id, _Exposure()).fill(_signed_xbt(instrument, fill), heard_at)
                if leg.role is Role.WORKING:
                    of = (leg.plan_id, leg.tranche)
                    working[of] = working.get(of, 0) + fill.signed_quantity
    exposures = tuple(exposure.result(plan_id, last) for plan_id, exposure in plans.items())
    balances = books.balances()
    return Summary(
        plans=exposures,
        tranches_filled=sum(1 for tranche in finished if working.get(tranche)),
        orders=orders,
        fills=fills,
        foreign_fills=foreign_fills,
        max_naked_delta_xbt=max((plan.max_naked_delta_xbt for plan in exposures), default=Decimal(0)),
        naked_xbt_seconds=sum((plan.naked_xbt_seconds for plan in exposures), Decimal(0)),
        pnl=_pnl(balances),
        fees=_amounts(balances, "expenses:fees:"),
        funding=_negated(_amounts(balances, "income:funding:")),
        valuation_price=price,
        final_delta_xbt=balances.delta_xbt,
        balances=balances,
    )


class _Exposure:
    """The running sum of a plan's spread legs, by the time we heard of each fill."""

    def __init__(self) -> None:
        self._naked = Decimal(0)
        self._since: datetime | None = None
        self._largest = Decimal(0)
        self._integral = Decimal(0)
        self._finished = False

    def fill(self, xbt: Decimal, heard_at: datetime) -> None:
        self._elapse(heard_at)
        self._naked += xbt
        self._largest = max(self._largest, abs(self._naked))

    def finish(self, at: datetime) -> None:
        self._elapse(at)
        self._finished = True

    def result(self, plan_id: str, until: datetime | None) -> PlanExposure:
        """Close the account; a plan that is not finished is naked up to ``until``, the last event."""
        if until is not None:
            self._elapse(until)
        return PlanExposure(plan_id, self._largest, self._integral)

    def _elapse(self, to: datetime) -> None:
        # After its end a plan's rest waits for no hedge; and a clock that was set back makes no time negative.
        if self._finished or (self._since is not None and to <= self._since):
            return
        if self._since is not None:
            self._integral += abs(self._naked) * ((to - self._since) // _MICROSECOND) / 1_000_000
        self._since = to


def _signed_xbt(instrument: Instrument, fill: Fill) -> Decimal:
    return instrument.xbt(fill.signed_quantity, fill.price)


def _amounts(balances: Balances, prefix: str) -> Amounts:
    return Amounts(
        from_units(balances.total(prefix, Currency.XBT)), from_units(balances.total(prefix, Currency.USD))
    )


def _negated(amounts: Amounts) -> Amounts:
    return Amounts(0 - amounts.xbt, 0 - amounts.usd)


def _pnl(balances: Balances) -> Amounts:
    units = dict.fromkeys(Currency, 0)
    for money in balances.cash.values():
        units[money.currency] += money.units
    for account in (OPENING, DEPOSITS, ADJUSTMENTS):
        for currency in Currency:
            units[currency] += balances.accounts.get((account, currency), 0)
    return Amounts(from_units(units[Currency.XBT]), from_units(units[Currency.USD]))
