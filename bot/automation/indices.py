"""Both venues' reference indices, side by side: what each contract settles on, and how far they are apart.

A spread that is held to its end is paid by the averages of two indices, not of one. They are compared only as of the
same moment: an index that is old, or was never told, makes the difference unknown, and why is said. In its contract's
last hours the contract's own price stands in for an index that cannot be had: it must come to it by the end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.venue import IndexRole, IndexTold, LinkState
from bot.model.automation import Automation, SettlementLimits
from bot.orders.turn import Turn
from risk.basis import Basis
from risk.instruments import InstrumentId
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class Reading:
    """One venue's index of the moment. ``price``: USD per XBT, None where it is not to be used, and ``why`` says why.
    ``stand_in``: the contract whose own price it is, because ``why``."""

    venue: str
    name: str
    price: Decimal | None
    why: str = ""
    stand_in: InstrumentId | None = None

    def __str__(self) -> str:
        if self.price is None:
            return f"{self.name} not known ({self.why})"
        if self.stand_in is None:
            return f"{self.name} {self.price:,.2f}"
        return f"{self.stand_in} itself {self.price:,.2f} in place of {self.name} ({self.why})"


@dataclass(frozen=True, slots=True)
class Averaging:
    """A contract whose settlement price is being fixed. ``share``: how much of the average is, a fraction."""

    instrument: InstrumentId
    ends: datetime
    share: Decimal


@dataclass(frozen=True, slots=True)
class Indices:
    """``apart``: linear less inverse, None where they cannot be compared. ``first``, ``ends``: which contract that is
    held ends first, and when. ``settlements``: the averages that dated contracts settle on, as told."""

    inverse: Reading
    linear: Reading
    apart: Basis | None
    first: InstrumentId | None
    ends: datetime | None
    settlements: tuple[IndexTold, ...]
    averaging: tuple[Averaging, ...]

    @property
    def sentence(self) -> str:
        if self.apart is None:
            unknown = [str(one) for one in (self.inverse, self.linear) if one.price is None]
            return f"not compared: {'; '.join(unknown)}"
        usd, percent = self.apart.absolute, self.apart.percent
        return f"{self.inverse}; {self.linear}: {usd:+,.2f} USD, {percent:+.3f} %"


def indices(turn: Turn, pair: Automation, limits: SettlementLimits) -> Indices:
    """Return how the indices stand now."""
    held = sorted(
        (terms.expiry, key)
        for key in pair.contracts
        if key in turn.state.instruments
        and turn.state.positions[key]
        and (terms := turn.state.instruments[key].terms).expiry is not None
        and terms.expiry > turn.now
    )
    inverse = _reading(turn, pair.inverse, limits)
    linear = _reading(turn, pair.linear, limits)
    if inverse.price is not None and linear.price is None:
        linear = _stand_in(turn, pair.linear, linear, limits)
    elif linear.price is not None and inverse.price is None:
        inverse = _stand_in(turn, pair.inverse, inverse, limits)
    known = inverse.price is not None and linear.price is not None
    told = turn.market.indices
    return Indices(
        inverse,
        linear,
        Basis(linear.price, inverse.price) if known and linear.price and inverse.price else None,
        held[0][1] if held else None,
        held[0][0] if held else None,
        tuple(
            told[venue, IndexRole.SETTLEMENT]
            for venue in (pair.inverse.venue, pair.linear.venue)
            if (venue, IndexRole.SETTLEMENT) in told
        ),
        tuple(one for ends, key in held if (one := _averaging(turn, pair, key, ends)) is not None),
    )


def _reading(turn: Turn, key: InstrumentId, limits: SettlementLimits) -> Reading:
    told = turn.market.indices.get((key.venue, IndexRole.SPOT))
    if told is None:
        return Reading(key.venue, f"{key.venue}'s index", None, "the venue has not told it yet")
    why = ""
    if told.price is None:
        why = told.note
    elif turn.market.links.get(key.venue) is not LinkState.UP:
        why = f"{key.venue} is not linked"
    elif told.at is None:
        why = f"{key.venue} does not say of when its last value is"
    elif turn.now - told.at > limits.max_age:
        why = f"older than {limits.max_age.total_seconds():g} s"
    return Reading(key.venue, told.symbol, None if why else told.price, why)


def _stand_in(turn: Turn, key: InstrumentId, instead_of: Reading, limits: SettlementLimits) -> Reading:
    """Return the contract's own price where it has nearly come to its index; else the index stays unknown."""
    instrument = turn.state.instruments.get(key)  # its venue may not have been reached yet
    ends = None if instrument is None else instrument.terms.expiry
    if ends is None or not timedelta(0) < ends - turn.now <= limits.converges:
        return instead_of
    quote = turn.market.fresh(key, turn.now, turn.policy)
    if quote is None or quote.mid is None:
        return instead_of
    return Reading(key.venue, instead_of.name, quote.mid, instead_of.why, key)


def _averaging(turn: Turn, pair: Automation, key: InstrumentId, ends: datetime) -> Averaging | None:
    if pair.expiry is None:
        return None
    is_inverse = turn.state.instruments[key].terms.kind is Kind.INVERSE
    window = pair.expiry.inverse_window if is_inverse else pair.expiry.linear_window
    passed = window - (ends - turn.now)
    if passed < timedelta(0):
        return None
    microsecond = timedelta(microseconds=1)
    return Averaging(key, ends, Decimal(passed // microsecond) / Decimal(window // microsecond))
