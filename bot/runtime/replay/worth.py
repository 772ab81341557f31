"""What the bot did by itself in a replay and what that cost; how naked it was; what was brought from outside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from adapters.simulator.market.interpolated import Spreads
from bot.model.events import CommissionBooked, FillBooked, PlanProposed, Recorded
from bot.model.ids import parse_client_order_id
from bot.model.plans import Cause, PlanSpec
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency

if TYPE_CHECKING:
    from bot.runtime.replay.result import Replayed

LASTS = timedelta(seconds=10)
"""So long a Δ must have lasted for it not to be the moment between a fill and its hedge."""
THE_END = "the end of the replay"
_NOT_OWN = (Cause.PERSON, Cause.EXIT)


@dataclass(slots=True)
class Own:
    """What the plans of one watch traded: XBT of each leg, unsigned, at the fills' own prices; ``cost``: USD of fees,
    and of half the spread between bid and ask."""

    cause: Cause
    plans: int = 0
    inverse_xbt: Decimal = Decimal(0)
    linear_xbt: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)


def own_trades(
    events: Iterable[Recorded], instruments: Mapping[InstrumentId, Instrument], spreads: Spreads
) -> tuple[Own, ...]:
    """Return what the watches did, one entry for each that proposed anything."""
    found: dict[Cause, Own] = {}
    specs: dict[str, PlanSpec] = {}
    counted: dict[str, Own] = {}
    for recorded in events:
        match recorded.event:
            case PlanProposed(spec) if spec.cause not in _NOT_OWN:
                specs[spec.plan_id] = spec
                found.setdefault(spec.cause, Own(spec.cause)).plans += 1
            case FillBooked(fill):
                key = parse_client_order_id(fill.client_order_id or "")
                told = None if key is None else specs.get(key[0].plan_id)
                if told is None:
                    continue
                own = counted[fill.execution_id] = found[told.cause]
                xbt = abs(instruments[fill.instrument].xbt(fill.quantity, fill.price))
                if fill.instrument == told.inverse:
                    own.inverse_xbt += xbt
                    own.cost += xbt * spreads.inverse / 200
                else:
                    own.linear_xbt += xbt
                    own.cost += xbt * spreads.linear / 200
                if fill.fee is not None:
                    in_xbt = fill.fee.currency is Currency.XBT
                    own.cost += fill.fee.amount * (fill.price if in_xbt else 1)
            case CommissionBooked(report) if report.execution_id in counted:
                counted[report.execution_id].cost += report.fee.amount
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Naked:
    """Δ between two moments. ``most``: XBT at most, the moment between a fill and its hedge counted; ``lasting``: at
    most what stayed the same for ``LASTS`` and longer; ``beyond``: the longest it stayed beyond the band; ``hours``:
    XBT·hours."""

    most: Decimal
    lasting: Decimal
    beyond: timedelta
    hours: Decimal


def naked(result: "Replayed", band: Decimal) -> Naked:
    """Return how naked a replay was, from the end of the first opening to the last taking down. ``band``: XBT."""
    span = held(result)
    told = [] if span is None else list(_steps(result.deltas, *span))
    longest = stretch = timedelta(0)
    for delta, lasted in told:
        stretch = stretch + lasted if abs(delta) > band else timedelta(0)
        longest = max(longest, stretch)
    return Naked(
        most=max((abs(delta) for delta, _ in told), default=Decimal(0)),
        lasting=max((abs(delta) for delta, lasted in told if lasted >= LASTS), default=Decimal(0)),
        beyond=longest,
        hours=sum((abs(delta) * _hours(lasted) for delta, lasted in told), Decimal(0)),
    )


def held(result: "Replayed") -> tuple[datetime, datetime] | None:
    """Return from when to when the rule's spread was up: its first opening, and when it wished it down at the end."""
    own = [plan for plan in result.plans if plan.spec.cause is Cause.PERSON]
    opened = next((plan.ended_at for plan in own if plan.ended_at is not None), None)
    if opened is None:
        return None
    return opened, next((plan.proposed_at for plan in own if plan.why == THE_END), result.samples[-1].at)


def brought(result: "Replayed") -> Decimal:
    """Return what had arrived from outside by the end, in USD at the last price."""
    last = result.samples[-1]
    return sum(
        (
            one.amount * (last.price if one.currency is Currency.XBT else 1)
            for one in result.sent
            if one.arrives_at < last.at
        ),
        Decimal(0),
    )


def gained(result: "Replayed") -> Decimal:
    """Return what both accounts won or lost (USD), without what was brought."""
    return result.samples[-1].equity_usd - result.samples[0].equity_usd - brought(result)


def _steps(
    deltas: Iterable[tuple[datetime, Decimal]], begins: datetime, ends: datetime
) -> Iterator[tuple[Decimal, timedelta]]:
    """Δ, and how long it was so."""
    for (at, delta), (until, _) in pairwise([*deltas, (ends, Decimal(0))]):
        since, last = max(at, begins), min(until, ends)
        if since < last:
            yield delta, last - since


def _hours(span: timedelta) -> Decimal:
    return Decimal(span / timedelta(microseconds=1)) / 3_600_000_000
