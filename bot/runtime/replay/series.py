"""Time series of a replay: what both venues' books and the bot showed, hour by hour, and the worst in between.

Everything comes from the simulated exchanges' own arithmetic but Δ, which is the bot's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import PositionView
from bot.model.events import CashBooked, CommissionBooked, FillBooked, Recorded
from bot.runtime.replay.margins import MarginWatch, Standing
from risk.money import Currency, Money, from_units
from risk.orders import CashFlowKind

_CENTS = Decimal(100)


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment. Prices and basis: USD per XBT, None where nobody quotes; ``linear`` is the month a spread belongs
    in. ``inverse_xbt``, ``linear_xbt``: positions, signed. ``equity_usd``, ``equity_xbt``: both accounts together,
    at the perpetual's price. ``funding_usd``, ``fees_usd``: so far, each valued when it was booked, received > 0."""

    at: datetime
    price: Decimal
    linear: Decimal | None
    delta: Decimal
    inverse_xbt: Decimal
    linear_xbt: Decimal
    inverse: Standing
    broker: Standing
    equity_usd: Decimal
    equity_xbt: Decimal
    funding_usd: Decimal
    fees_usd: Decimal

    @property
    def basis(self) -> Decimal | None:
        return None if self.linear is None else self.linear - self.price


@dataclass(slots=True)
class Drawdown:
    """The largest fall from a peak, while both venues are quoted: how much, from when to when."""

    peak: Decimal = Decimal("-Infinity")
    peak_at: datetime | None = None
    worst: Decimal = Decimal(0)
    since: datetime | None = None
    until: datetime | None = None

    def note(self, figure: Decimal, at: datetime) -> None:
        if figure > self.peak:
            self.peak, self.peak_at = figure, at
        elif self.peak - figure > self.worst:
            self.worst, self.since, self.until = self.peak - figure, self.peak_at, at


@dataclass(slots=True)
class Sampler:
    """``look`` after every step of the market; every ``every`` it keeps a sample. ``hear`` the ledger's events.
    ``deltas``: the bot's Δ from each moment on at which it changed."""

    inverse: Exchange
    linear: Exchange
    accounts: tuple[str, str]
    watch: MarginWatch
    linear_price: Callable[[datetime], Decimal | None]
    delta: Callable[[], Decimal]
    every: timedelta = timedelta(hours=1)
    samples: list[Sample] = field(default_factory=list)
    deltas: list[tuple[datetime, Decimal]] = field(default_factory=list)
    usd: Drawdown = field(default_factory=Drawdown)
    xbt: Drawdown = field(default_factory=Drawdown)
    _price: Decimal = Decimal(0)
    _funding: Decimal = Decimal(0)
    _fees: Decimal = Decimal(0)

    def hear(self, recorded: Recorded) -> None:
        match recorded.event:
            case CashBooked(flow) if flow.kind is CashFlowKind.FUNDING:
                self._funding += self._usd(flow.amount)
            case FillBooked(fill) if fill.fee is not None:
                self._fees -= self._usd(fill.fee)
            case CommissionBooked(report, was):
                self._fees -= self._usd(report.fee)
                self._fees += Decimal(0) if was is None else self._usd(was)
        delta = self.delta()
        if not self.deltas or self.deltas[-1][1] != delta:
            self.deltas.append((recorded.at, delta))

    def look(self, now: datetime, *, always: bool = False) -> None:
        """Take the venues' books in; ``always`` keeps a sample whenever the last was."""
        ticker = self.inverse.ticker("XBTUSD")
        if ticker.index is None:
            return
        price = self._price = ticker.index / _CENTS
        accounts = self.inverse.account(self.accounts[0]), self.linear.account(self.accounts[1])
        positions = self.inverse.positions(self.accounts[0]), self.linear.positions(self.accounts[1])
        standings = [
            self.watch.look(account, held, exchange.name, price)
            for account, held, exchange in zip(accounts, positions, (self.inverse, self.linear), strict=True)
        ]
        equity_usd = standings[0].equity * price + standings[1].equity
        equity_xbt = equity_usd / price
        linear = self.linear_price(now)
        if linear is not None:  # else one leg has stood still since CME closed, and the other has not
            self.usd.note(equity_usd, now)
            self.xbt.note(equity_xbt, now)
        if self.samples and now - self.samples[-1].at < self.every and not always:
            return
        self.samples.append(
            Sample(
                at=now,
                price=price,
                linear=linear,
                delta=self.delta(),
                inverse_xbt=sum((view.contracts / price for view in positions[0]), Decimal(0)),
                linear_xbt=self._linear_xbt(positions[1]),
                inverse=standings[0],
                broker=standings[1],
                equity_usd=equity_usd,
                equity_xbt=equity_xbt,
                funding_usd=self._funding,
                fees_usd=self._fees,
            )
        )

    def _linear_xbt(self, positions: Sequence[PositionView]) -> Decimal:
        return sum(
            (view.contracts * from_units(self.linear.spec(view.symbol).multiplier) for view in positions),
            Decimal(0),
        )

    def _usd(self, money: Money) -> Decimal:
        return money.amount * self._price if money.currency is Currency.XBT else money.amount
