"""A contract that ends: said in time, and never run into by accident.

The two venues end their contracts hours apart, twenty around Christmas and Good Friday. Either the spread is taken down
or rolled before the first of them ends; or that contract is held to its settlement and the other leg comes off in
slices while the settlement price is averaged: what of the average is fixed already has no delta left, although the
books show it until the settlement is booked.

What a leg holds beyond its partner hedges the collateral. No slice of the other leg stands for that: it goes into the
next month before, where the profile names one, or its end leaves the collateral naked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_DOWN, Decimal

from bot.automation.proposing import (
    has_rested,
    is_news,
    plan_of,
    raise_reduction,
    raise_roll,
    raise_single,
    withdraw,
)
from bot.model.automation import AtExpiry, Automation, ExpiryLimits
from bot.model.plans import Cause, Single
from bot.orders.state import PlanState
from bot.orders.ticketing import stop_plan
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class _End:
    instrument: InstrumentId
    at: datetime
    averages_from: datetime

    def __str__(self) -> str:
        return f"{self.instrument} expires {self.at:%a %F %R}Z"


def _ends(turn: Turn, pair: Automation, limits: ExpiryLimits) -> list[_End]:
    """Return when the contracts that are held end, the first first."""
    found = []
    for key in pair.contracts:
        if not turn.state.positions[key]:
            continue
        terms = turn.state.instruments[key].terms
        if terms.expiry is None:
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
    if left <= timedelta(0):
        return
    settles = limits.what is AtExpiry.SETTLE
    at_work = plan_of(turn.state, Cause.EXPIRY)
    if at_work is not None:
        if settles:
            _reconsider(turn, pair, first, at_work)
        return
    since = first.averages_from if settles else first.at
    if turn.now < since - limits.lead or not _has_rested(turn, limits, first):
        return
    held, partner = turn.state.positions, pair.partner_of(first.instrument)
    if held[first.instrument] * held[partner] > 0:
        return  # no spread: a person's own affair
    if not held[partner]:
        # Only the collateral's hedge is left of it.
        _move_hedge(turn, pair, limits, first, None)
    elif limits.what is AtExpiry.CLOSE:
        raise_reduction(
            turn, pair, Cause.EXPIRY, None, f"{first}: the spread is taken down before", 1, urgent=True
        )
    elif limits.what is AtExpiry.ROLL:
        _roll(turn, pair, limits, first)
    elif not _move_hedge(turn, pair, limits, first, _beyond_partner(turn, pair, first)):
        _take_off(turn, pair, limits, first)


def _has_rested(turn: Turn, limits: ExpiryLimits, first: _End) -> bool:
    """What comes off while a price is averaged cannot wait for what was proposed before that began."""
    last = turn.market.proposed.get(Cause.EXPIRY)
    if limits.what is AtExpiry.SETTLE and last is not None and last < first.averages_from <= turn.now:
        return True
    return has_rested(turn, Cause.EXPIRY, limits.pause)


def _reconsider(turn: Turn, pair: Automation, first: _End, plan: PlanState) -> None:
    """A roll that nobody has answered by the time the averaging begins gives way to the other leg's slices. These,
    while they wait, give way to a hedge of the collateral that has been put into the contract meanwhile, and, as the
    averaging begins, to such as are sized at the price of that moment."""
    single = plan.spec.single
    if turn.now >= first.averages_from:
        unanswered = plan.current is None or not plan.current.armed
        if plan.spec.is_roll and unanswered and not plan.stopping:
            stop_plan(turn, plan, f"{first}, and is averaged now")
        old = single is not None and plan.proposed_at < first.averages_from
        if old and single is not None and single.contracts != _coming_off(turn, pair, first):
            withdraw(turn, Cause.EXPIRY, "it is sized again, at the price of the averaging")
    elif single is not None and _movable(turn, pair, first, _beyond_partner(turn, pair, first)):
        withdraw(turn, Cause.EXPIRY, "the collateral's hedge goes first")


def _roll(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End) -> None:
    """Take the leg into its next month; where it has none, the spread is closed instead."""
    following = pair.next_of(first.instrument)
    if following is None:
        why = f"{first}, and there is no next month to roll into: the spread is taken down before"
        raise_reduction(turn, pair, Cause.EXPIRY, None, why, 1, urgent=True)
        return
    why = f"{first}: the leg goes into {following} before"
    raise_roll(turn, pair, first.instrument, why, _tranches(turn, limits, first, None))


def _beyond_partner(turn: Turn, pair: Automation, first: _End) -> Decimal:
    """Return the XBT by which a contract is larger than the leg it stands against: the collateral's hedge. 0 where it
    is less than half of what the coarser of the two can trade."""
    sizes, granules = [], []
    for key in (first.instrument, pair.partner_of(first.instrument)):
        price = turn.market.last_mids.get(key)
        if price is None:
            return Decimal(0)
        instrument = turn.state.instruments[key]
        sizes.append(abs(instrument.xbt(turn.state.positions[key], price)))
        granules.append(instrument.granule(price))
    beyond = sizes[0] - sizes[1]
    return beyond if 2 * beyond > max(granules) else Decimal(0)


def _movable(turn: Turn, pair: Automation, first: _End, xbt: Decimal | None) -> bool:
    return xbt != 0 and pair.next_of(first.instrument) is not None and turn.now < first.averages_from


def _move_hedge(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End, xbt: Decimal | None) -> bool:
    """Propose to take ``xbt`` (None: all of a leg that stands alone) into the next month before its settlement price is
    averaged, in as much time as that takes: until then it is one contract, which all watches look after."""
    following = pair.next_of(first.instrument)
    if following is None or not _movable(turn, pair, first, xbt):
        return False
    size = None if xbt is None else _in_lots(turn, first, xbt)
    raise_roll(
        turn,
        pair,
        first.instrument,
        f"{first}, and with it {'what' if xbt is None else f'{xbt:.2f} XBT of it that'} hedges the collateral: "
        f"that goes into {following} before",
        _tranches(turn, limits, first, size),
        size,
        first.averages_from - (first.at - first.averages_from) if limits.what is AtExpiry.SETTLE else None,
    )
    return True


def _in_lots(turn: Turn, first: _End, xbt: Decimal) -> Decimal:
    granule = turn.state.instruments[first.instrument].granule(turn.market.last_mids[first.instrument])
    return (xbt / granule).to_integral_value(ROUND_HALF_DOWN) * granule


def _tranches(turn: Turn, limits: ExpiryLimits, first: _End, xbt: Decimal | None) -> int:
    instrument, held = turn.state.instruments[first.instrument], abs(turn.state.positions[first.instrument])
    if xbt is not None:
        held = min(instrument.contracts_for(xbt, turn.market.last_mids[first.instrument]), held)
    return _evenly(held // instrument.terms.lot, limits.slices)


def _evenly(lots: int, most: int) -> int:
    """Return in how many slices so many lots come off without the first ones being larger than the rest."""
    each = max(-(-lots // most), 1)
    return max(-(-lots // each), 1)


def _coming_off(turn: Turn, pair: Automation, first: _End) -> int:
    """Return how many contracts of the other leg stand against what settles, at the price of the moment: all of them
    where what would be left is less than half of what the coarser contract can trade."""
    other, mids, state = pair.partner_of(first.instrument), turn.market.last_mids, turn.state
    if first.instrument not in mids or other not in mids:
        return 0
    ending, instrument = state.instruments[first.instrument], state.instruments[other]
    settles = abs(ending.xbt(state.positions[first.instrument], mids[first.instrument]))
    granule, held = instrument.granule(mids[other]), abs(state.positions[other])
    lots = (settles / granule).to_integral_value(ROUND_HALF_DOWN)
    contracts = min(int(lots) * instrument.terms.lot, held)
    left = instrument.xbt(held - contracts, mids[other])
    if 2 * left < max(granule, ending.granule(mids[first.instrument])):
        contracts = held
    return contracts - contracts % instrument.terms.lot


def _take_off(turn: Turn, pair: Automation, limits: ExpiryLimits, first: _End) -> None:
    """Propose the other leg's slices: each in the middle of its part of the averaging."""
    other, contracts = pair.partner_of(first.instrument), _coming_off(turn, pair, first)
    if not contracts:
        return
    slices = _evenly(contracts // turn.state.instruments[other].terms.lot, limits.slices)
    part = (first.at - first.averages_from) / slices
    begins = max(first.averages_from + part / 2, turn.now)
    side = Side.SELL if turn.state.positions[other] > 0 else Side.BUY
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
    other, following = pair.partner_of(first.instrument), pair.next_of(first.instrument)
    end = turn.state.instruments[other].terms.expiry
    if end is None:
        apart = "does not end"
    else:
        apart = (
            f"ends {_hours(abs(end - first.at))} {'later' if end > first.at else 'sooner'}, {end:%a %F %R}Z"
        )
    closes = f"the spread is proposed for closing {_hours(limits.lead)} before"
    does = {
        AtExpiry.CLOSE: closes,
        AtExpiry.ROLL: closes
        if following is None
        else f"the leg is proposed for rolling into {following} {_hours(limits.lead)} before",
        AtExpiry.SETTLE: "it is held to its settlement, the other leg comes off while that is averaged",
    }[limits.what]
    beyond = _beyond_partner(turn, pair, first)
    if beyond and (limits.what is not AtExpiry.ROLL or following is None):
        does += f"; {beyond:.2f} XBT of it hedge the collateral, " + (
            "and nothing does once it has ended: the profile names no next month"
            if following is None
            else f"and go into {following} before"
        )
    xbt = _size(turn, first.instrument)
    return f"{first.instrument} ({xbt}) expires in {left.days} days, {first.at:%a %F %R}Z; {other} {apart}: {does}"


def _size(turn: Turn, key: InstrumentId) -> str:
    price = turn.market.last_mids.get(key)
    held = turn.state.positions[key]
    return f"{held:+}" if price is None else f"{turn.state.instruments[key].xbt(held, price):+.2f} XBT"


def _hours(span: timedelta) -> str:
    return f"{Decimal(span.total_seconds()) / 3600:.0f} h"
