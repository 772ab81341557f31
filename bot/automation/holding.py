"""Whether holding the spread still pays: what the basis has left, against the funding it costs until then.

Funding is paid by longs of a perpetual while its rate is above zero, and by shorts below. The next payment counts at
the rate announced for it, those after it at the median of the latest: one payment of 1 % is no month of them. It is a
guess, and said to be one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from bot.automation.entering import ends_soon
from bot.automation.proposing import (
    has_rested,
    held_direction,
    is_quiet,
    raise_reduction,
    raise_roll,
    withdraw,
)
from bot.model.automation import Automation, CarryLimits
from bot.model.plans import Cause
from bot.orders.turn import Turn
from risk.carry import Carry, Rates, carry
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.money import Money

_INTERVAL = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Holding:
    """What holding to ``until`` is expected to bring, in USD per XBT. ``left``: what the basis still gives if it goes
    to nothing, against closing at the books of the moment; ``funding``: what is expected to be paid for it (negative:
    received); ``rate``: the usual rate that rests on, None without funding. ``funded``: what the inverse leg has
    received in funding since it was last flat (negative: paid), None before the first payment."""

    direction: Direction
    left: Decimal
    funding: Decimal
    rate: Decimal | None
    until: datetime
    funded: Money | None = None

    @property
    def edge(self) -> Decimal:
        return self.left - self.funding


def books_now(turn: Turn, pair: Automation, direction: Direction, commission: Decimal) -> Carry | None:
    """Return what trading ``direction`` would cost and bring at fresh books; None without them."""
    quotes = [turn.market.fresh(key, turn.now, turn.policy) for key in (pair.linear, pair.inverse)]
    if quotes[0] is None or quotes[1] is None:
        return None
    fee = turn.state.instruments[pair.inverse].terms.taker_fee
    multiplier = turn.state.instruments[pair.linear].terms.multiplier
    return carry(direction, quotes[0], quotes[1], Rates(fee, commission / multiplier))


def holding(turn: Turn, pair: Automation, limits: CarryLimits) -> Holding | None:
    """Return what holding the spread is expected to bring; None without a spread or fresh books."""
    state = turn.state
    if state.positions[pair.inverse] * state.positions[pair.linear] >= 0:
        return None
    direction = held_direction(state, pair)
    now = books_now(turn, pair, direction, limits.commission)
    if now is None:
        return None
    expected = expected_funding(turn, pair, direction, limits, now.closing.basis.inverse)
    funded = state.funded.get(pair.inverse)
    return Holding(direction, -now.closing.received, expected.cost, expected.rate, expected.until, funded)


@dataclass(frozen=True, slots=True)
class Expected:
    """``cost``: of funding until ``until``, in USD per XBT (negative: received); ``rate``: what is usual, None without
    funding."""

    cost: Decimal
    rate: Decimal | None
    until: datetime


def expected_funding(
    turn: Turn, pair: Automation, direction: Direction, limits: CarryLimits, price: Decimal
) -> Expected:
    """Return what holding ``direction`` is expected to pay in funding, with the inverse leg at ``price``."""
    expiry = turn.state.instruments[pair.linear].terms.expiry
    until = turn.now + limits.horizon if expiry is None else min(expiry, turn.now + limits.horizon)
    rates = turn.market.funding_rates.get(pair.inverse, {})
    if not rates or until <= turn.now:
        return Expected(Decimal(0), median(rates.values()) if rates else None, until)
    rate, announced = median(rates.values()), turn.market.fundings.get(pair.inverse)
    paid = rate * Decimal((until - turn.now) / _INTERVAL)
    if announced is not None and turn.now < announced.at < until:
        paid += announced.rate - rate
    return Expected(direction.inverse_side.sign * paid * price, rate, until)


@dataclass(frozen=True, slots=True)
class Move:
    """The inverse leg in a contract that pays no funding, in place of a perpetual. ``edge``: what holding would bring
    then, in USD per XBT, like a ``Holding``'s, the move paid for; ``until``: when the first of the pair ends."""

    into: InstrumentId
    edge: Decimal
    until: datetime


def move(turn: Turn, pair: Automation, limits: CarryLimits) -> Move | None:
    """Return what it would bring to take the inverse leg out of its perpetual into the profile's dated contract; None
    where it is in none, or none is named, or it is about to end, or without fresh books.

    Against closing all of it now, what closes either way cancels: the linear leg stays instead of being traded away,
    and the dated contract is entered for it, crossing its book, with its fee.
    """
    into, state = pair.next_inverse, turn.state
    if into is None or state.instruments[pair.inverse].terms.expiry is not None:
        return None
    ends = [state.instruments[key].terms.expiry for key in (into, pair.linear)]
    known = [end for end in ends if end is not None]
    direction = held_direction(state, pair)
    moved = replace(pair, inverse=into)
    now = books_now(turn, moved, direction, limits.commission)
    if now is None or not known or ends_soon(turn, moved):
        return None
    fee = state.instruments[into].terms.taker_fee * now.opening.basis.inverse
    entered = direction.inverse_side.sign * (now.closing.basis.linear - now.opening.basis.inverse)
    return Move(into, entered - fee, min(known))


def watch(turn: Turn, pair: Automation, limits: CarryLimits) -> None:
    """Once holding has been expected to cost more than ``limits.loss`` for long enough, propose to leave the perpetual
    for a dated contract where that pays, or else to close."""
    found = holding(turn, pair, limits)
    price = turn.market.last_mids.get(pair.inverse)
    if found is None or price is None or found.edge >= -limits.loss * price:
        turn.market.not_paying_since = None
        if found is not None and found.edge >= 0:
            withdraw(turn, Cause.CARRY, "holding pays again, and nobody has been asked yet")
        return
    since = turn.market.not_paying_since = turn.market.not_paying_since or turn.now
    if not turn.has_passed(limits.steady, since) or not is_quiet(turn) or turn.state.active_plans():
        return
    if not has_rested(turn, Cause.CARRY, limits.pause):
        return
    instead = move(turn, pair, limits)
    if instead is not None and instead.edge >= 0:
        why = f"{says(found)}; in {instead.into} it is {instead.edge:+,.2f} until {instead.until:%F}, the move paid"
        raise_roll(turn, pair, pair.inverse, why, 1, cause=Cause.CARRY)
    else:
        raise_reduction(turn, pair, Cause.CARRY, None, says(found), 1, urgent=False)


def says(found: Holding) -> str:
    """Return the sums for a person."""
    funding = (
        "no funding is known"
        if found.rate is None
        else (
            f"funding, usually {found.rate:.4%}, is expected to "
            f"{'cost' if found.funding > 0 else 'bring'} {abs(found.funding):,.2f}"
        )
    )
    text = (
        f"holding until {found.until:%F %R}Z: the basis has {found.left:,.2f} USD per XBT left, {funding}: "
        f"{found.edge:+,.2f} in all"
    )
    return text if found.funded is None else f"{text}; funding so far {found.funded}"
