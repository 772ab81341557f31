"""What the fills of a plan's legs came to, held against the quotes on their tickets.

Everything follows from what the fills exchanged: ``xbt`` and ``usd``, signed, as the journal books them. A leg that
is quoted q and exchanges (xbt, usd) has cost ``−(usd + q × xbt)`` USD more than the quote promised: a buy of x XBT at
p costs (p − q) × x, a sale (q − p) × x, and what was bought and taken back again costs the difference of its prices.
The quote is the side of the book the leg would have taken when its ticket was raised: the ask to buy, the bid to
sell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.ledger.amounts import Amounts, Tally
from risk.instruments import InstrumentId
from risk.money import Currency

_PRICE = Decimal("1e-8")
_BP = Decimal("1e-4")


@dataclass(slots=True)
class LegTally:
    """One leg of one tranche: what it was quoted, and what its fills exchanged."""

    instrument: InstrumentId
    quote: Decimal | None = None
    exchanged: Tally = field(default_factory=Tally)

    @property
    def amounts(self) -> Amounts:
        return self.exchanged.amounts

    @property
    def traded(self) -> bool:
        return any(self.exchanged.units[currency] for currency in Currency)


@dataclass(frozen=True, slots=True)
class Slippage:
    """Against the quotes of the tickets; positive is worse than quoted. In USD, in USD per XBT of the leg (of the
    pair: of its linear leg), and in 1/10,000 of that leg's value as quoted. None where nothing is left to divide by."""

    usd: Decimal
    usd_per_xbt: Decimal | None
    bp: Decimal | None


@dataclass(frozen=True, slots=True)
class LegResult:
    """All of a plan's fills in one contract, net of what was taken back. ``quoted``, ``filled``: mean prices in
    USD per XBT; ``quoted`` and ``slippage`` are None unless every fill had a ticket with a quote."""

    instrument: InstrumentId
    exchanged: Amounts
    quoted: Decimal | None
    filled: Decimal | None
    slippage: Slippage | None


@dataclass(frozen=True, slots=True)
class PairResult:
    """Both legs together. ``quoted``, ``filled``: the basis, linear − inverse, in USD per XBT. ``captured``: the
    share of the basis quoted that was filled, where the tickets promised to receive one."""

    exchanged: Amounts
    quoted: Decimal | None
    filled: Decimal | None
    captured: Decimal | None
    slippage: Slippage | None


def leg_results(legs: Iterable[LegTally]) -> tuple[LegResult, ...]:
    """Return a result a contract, in the order the contracts first traded in."""
    by_instrument: dict[InstrumentId, list[LegTally]] = {}
    for leg in legs:
        if leg.traded:
            by_instrument.setdefault(leg.instrument, []).append(leg)
    return tuple(_leg_result(instrument, of_it) for instrument, of_it in by_instrument.items())


def _leg_result(instrument: InstrumentId, legs: Sequence[LegTally]) -> LegResult:
    tally = Tally()
    value: Decimal | None = Decimal(0)
    for leg in legs:
        for currency in Currency:
            tally.add(currency, leg.exchanged.units[currency])
        value = None if value is None or leg.quote is None else value + leg.quote * leg.amounts.xbt
    exchanged = tally.amounts
    filled = _mean(-exchanged.usd, exchanged.xbt)
    if value is None:
        return LegResult(instrument, exchanged, None, filled, None)
    slippage = _slippage(-(exchanged.usd + value), exchanged.xbt, value)
    return LegResult(instrument, exchanged, _mean(value, exchanged.xbt), filled, slippage)


def pair_result(linear: LegResult | None, inverse: LegResult | None) -> PairResult | None:
    """Return what two legs came to as a pair; None unless both have traded."""
    if linear is None or inverse is None:
        return None
    quoted, filled = _difference(linear.quoted, inverse.quoted), _difference(linear.filled, inverse.filled)
    # Selling the linear leg receives the basis, buying it pays it.
    promised = None if quoted is None else -quoted * linear.exchanged.xbt
    captured = None
    if promised is not None and promised > 0 and quoted and filled is not None:
        captured = (filled / quoted).quantize(_BP)
    slippage = None
    if linear.slippage is not None and inverse.slippage is not None:
        size = linear.exchanged.xbt
        value = Decimal(0) if linear.quoted is None else linear.quoted * size
        slippage = _slippage(linear.slippage.usd + inverse.slippage.usd, size, value)
    return PairResult(linear.exchanged + inverse.exchanged, quoted, filled, captured, slippage)


def _slippage(usd: Decimal, xbt: Decimal, value: Decimal) -> Slippage:
    return Slippage(
        usd.quantize(_PRICE),
        (usd / abs(xbt)).quantize(_PRICE) if xbt else None,
        (usd / abs(value) * 10_000).quantize(_BP) if value else None,
    )


def _mean(usd: Decimal, xbt: Decimal) -> Decimal | None:
    return (usd / xbt).quantize(_PRICE) if xbt else None


def _difference(linear: Decimal | None, inverse: Decimal | None) -> Decimal | None:
    return None if linear is None or inverse is None else linear - inverse
