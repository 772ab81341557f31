"""The last word: what both venues say is left, what was last heard of one that is away, and what a person can do."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from bot.flatten.outcome import Ending, Leg, Outcome, Word, total
from bot.flatten.side import VenueSide, name_of
from bot.flatten.voice import clock
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.portfolio import Account

# An account's word this old is said with its time.
FRESH = timedelta(seconds=15)
BY_HAND = "close it by hand: the venue's own website or app, or the broker's program or telephone desk"


def report(
    inverse: VenueSide,
    linear: VenueSide,
    ending: Ending,
    account: Account | None,
    booked: Mapping[InstrumentId, Word],
    *,
    now: datetime,
    orders_sent: int,
    unmatched: Decimal,
    flat_after: float | None,
    seconds: float,
) -> Outcome:
    """Compose the outcome. ``booked``: what is known of positions from elsewhere than their venues."""
    sides = (inverse, linear)
    legs = (
        _leg(inverse, linear, booked),
        _leg(linear, inverse, booked),
        *(month for side in sides for month in _other_months(side, booked)),
    )
    in_xbt = account is not None and account.currency is Currency.XBT
    wallet = account.equity.amount if account is not None and in_xbt else None
    # A position that is not known may be one that only the open can close.
    closed = linear.is_closed and linear.excess != 0
    likely = [leg.xbt if leg.xbt is not None or leg.last is None else leg.last.xbt for leg in legs]
    return Outcome(
        ending=ending,
        legs=legs,
        unanswered=tuple(side.trouble for side in sides if side.contracts is None),
        live_orders=tuple(f"{side.instrument_id} {name}" for side in sides for name in side.live),
        stops=tuple(f"{side.instrument_id} {name_of(stop)}" for side in sides for stop in side.stops),
        foreign_orders=tuple(
            f"{order.instrument} {name_of(order)}"
            for side in sides
            for order in side.orders
            if order.instrument not in side.instrument_ids
        ),
        orders_sent=orders_sent,
        unmatched_xbt=unmatched,
        wallet_xbt=wallet,
        wallet_at=account.at if account is not None and now - account.at > FRESH else None,
        remaining_xbt=total(wallet, [leg.xbt for leg in legs]),
        likely_xbt=total(wallet, likely),
        closed=closed,
        opens=linear.opens if closed else None,
        flat_after=flat_after,
        seconds=seconds,
    )


def _leg(side: VenueSide, other: VenueSide, booked: Mapping[InstrumentId, Word]) -> Leg:
    key = side.instrument_id
    if side.contracts is not None:
        return Leg(key, side.contracts, side.xbt(side.contracts), side.goal, advice=_advice(side, other))
    last = booked.get(key)
    if side.told is not None:
        contracts, at = side.told
        last = Word(contracts, side.xbt(contracts), at, f"{side.venue.name}, to this command")
    return Leg(key, None, None, side.goal, last, f"{key} is not known to be flat: look there, and {BY_HAND}")


def _other_months(side: VenueSide, booked: Mapping[InstrumentId, Word]) -> Iterator[Leg]:
    for key, contracts in side.elsewhere.items():
        last = booked.get(key)
        advice = f"{key} is not known to be flat: look there, and {BY_HAND}"
        if contracts:
            goal = side.goal_of(key)
            yield Leg(
                key, contracts, side.xbt(contracts, key), goal, advice="" if contracts == goal else advice
            )
        elif contracts is None and last is not None and last.contracts:
            yield Leg(key, None, None, last=last, advice=advice)


def _advice(side: VenueSide, other: VenueSide) -> str:
    if not side.excess:
        return ""
    if other.contracts is None:
        return (
            f"{side.instrument_id} may be the hedge of what {other.venue.name} holds: leave it until that is known, "
            "or close both together"
        )
    if side.is_closed:
        return f"{side.instrument_id} can only be closed once its market opens: {clock(side.opens)}"
    words = f" (its last words: {side.refused})" if side.refusals else ""
    return f"{side.instrument_id}: {abs(side.excess):,} contracts are left{words}: {BY_HAND}"
