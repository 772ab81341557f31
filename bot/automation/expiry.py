"""A contract that ends: said in time, and never run into by accident.

The two venues end their contracts hours apart, twenty around Christmas and Good Friday. Either the spread is taken down
before the first of them ends; or that contract is held to its settlement and the other leg comes off in slices while
the settlement price is averaged: what of the average is fixed already has no delta left, although the books show it
until the settlement is booked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_DOWN, Decimal

from bot.automation.proposing import has_rested, is_news, plan_of, raise_reduction, raise_roll, raise_single
from bot.model.automation import AtExpiry, Automation, ExpiryLimits
from bot.model.plans import Cause, Single
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class _End:
    instrument: InstrumentId
    at: datetime
    averages_from: datetime


def _ends(turn: Turn, pair: Automation, limits: ExpiryLimits) -> list[_End]:
    """Return when the contracts that are held end, the first first."""
    found = []
    for key in (pair.inverse, *pair.months):
        terms = turn.state.instruments[key].terms
        if terms.expiry is None or not turn.state.positions[key]:
            continue
        window = limits.inverse_window if terms.kind is Kind.INVERSE else limits.linear_window
        found.append(_End(key, terms.expiry, terms.expiry - window))
    return sorted(found, key=lambda end: end.at)


def is_averaging(turn: Turn, pair: Automation, limits: ExpiryLimits) -> bool:
    """Say whether a contract that is held is being settled, or has ended and is not booked yet."""
    return any(turn.now >= end.averages_from for end in _ends(turn, pair, limits))


def watch(turn: Turn, pair: Automation, limits: ExpiryLimits) -> None:
    """Say when a contract is about to end, and propose in time what is done about it."""
    ends = _ends(turn, pair, limits)
    if not ends:
        return
    first = ends[0]
    left = first.at - turn.now
    key = f"{first.at} {left.days}"
    if timedelta(0) < left <= limits.warn and is_news(turn, "EXPIRY_NEAR", key):
        turn.alert("EXPIRY_NEAR", _sentence(turn, pair, limits, first), about=key)
    if left <= timedelta(0) or plan_of(turn.state, Cause.EXPIRY):
        return
    if not has_rested(turn, Cause.EXPIRY, limits.pause):
        return
    held = turn.state.positions
    if held[pair.inverse] * held[pair.linear] >= 0:
        return
    if limits.what is AtExpiry.CLOSE and left <= limits.lead:
        why = f"{first.instrument} expires {first.at:%a %F %R}Z: the spread is taken down before"
        raise_reduction(turn, pair, Cause.EXPIRY, None, why, 1, urgent=True)
    elif limits.what is AtExpiry.ROLL and left <= limits.lead:
        _roll(turn, pair, limits, first)
    elif limits.what is AtExpiry.SETTLE and turn.now >= first.averages_from - limits.lead:
        _take_off(turn, pair, limits, first)


def _roll(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End) -> None:
    """Take the linear leg into the next month; what is not its end, or has no next month, is closed instead."""
    ends = f"{first.instrument} expires {first.at:%a %F %R}Z"
    if first.instrument != pair.linear or pair.next_linear is None:
        why = f"{ends}, and there is no next month to roll into: the spread is taken down before"
        raise_reduction(turn, pair, Cause.EXPIRY, None, why, 1, urgent=True)
        return
    slices = min(limits.slices, abs(turn.state.positions[pair.linear]))
    raise_roll(turn, pair, f"{ends}: the leg goes into {pair.next_linear} before", slices)


def _take_off(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End) -> None:
    """Propose the other leg's slices: each in the middle of its part of the averaging."""
    other = pair.linear if first.instrument == pair.inverse else pair.inverse
    mids, state = turn.market.last_mids, turn.state
    if first.instrument not in mids or other not in mids:
        return
    instrument = state.instruments[other]
    settles = abs(
        state.instruments[first.instrument].xbt(state.positions[first.instrument], mids[first.instrument])
    )
    lots = (settles / instrument.granule(mids[other])).to_integral_value(ROUND_HALF_DOWN)
    contracts = min(int(lots) * instrument.terms.lot, abs(state.positions[other]))
    contracts -= contracts % instrument.terms.lot
    slices = min(limits.slices, contracts // instrument.terms.lot)
    if slices < 1:
        return
    part = (first.at - first.averages_from) / slices
    begins = max(first.averages_from + part / 2, turn.now)
    side = Side.SELL if state.positions[other] > 0 else Side.BUY
    raise_single(
        turn,
        pair,
        Cause.EXPIRY,
        Single(other, side, contracts, reduce_only=True),
        f"{first.instrument} is held to its settlement at {first.at:%a %F %R}Z, averaged from "
        f"{first.averages_from:%R}Z: {other} comes off in {slices} slices meanwhile",
        tranches=slices,
        pause=max((first.at - begins - part / 2) / max(slices - 1, 1), timedelta(0))
        if slices > 1
        else timedelta(0),
        not_before=begins,
    )


def _sentence(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End) -> str:
    left = first.at - turn.now
    other = pair.linear if first.instrument == pair.inverse else pair.inverse
    end = turn.state.instruments[other].terms.expiry
    apart = "does not end" if end is None else f"ends {_hours(end - first.at)} later, {end:%a %F %R}Z"
    rolls = first.instrument == pair.linear and pair.next_linear is not None
    closes = f"the spread is proposed for closing {_hours(limits.lead)} before"
    does = {
        AtExpiry.CLOSE: closes,
        AtExpiry.ROLL: f"the leg is proposed for rolling into {pair.next_linear} {_hours(limits.lead)} before"
        if rolls
        else closes,
        AtExpiry.SETTLE: "it is held to its settlement, the other leg comes off while that is averaged",
    }[limits.what]
    xbt = _size(turn, first.instrument)
    return f"{first.instrument} ({xbt}) expires in {left.days} days, {first.at:%a %F %R}Z; {other} {apart}: {does}"


def _size(turn: Turn, key: InstrumentId) -> str:
    price = turn.market.last_mids.get(key)
    held = turn.state.positions[key]
    return f"{held:+}" if price is None else f"{turn.state.instruments[key].xbt(held, price):+.2f} XBT"


def _hours(span: timedelta) -> str:
    return f"{Decimal(span.total_seconds()) / 3600:.0f} h"
