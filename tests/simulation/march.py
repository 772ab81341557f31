"""12 and 13 March 2020 by the minute: the price halves within a day. ``make march-2020``.

The same spread three times, either way round: without the automation; with it, and nobody sends the money it asks for;
with it, and its owner sends what it asks for, which arrives after the profile's lead times. Nobody is awake: what it
proposes is answered by standing approvals or not at all. Exit status 1 if a venue closes a position by force although
the automation was on, or books and venues do not agree.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bot.runtime.logs import silent
from bot.runtime.replay import Options, Replayed, examine, replay
from bot.runtime.replay.worth import brought, gained, naked
from risk.direction import Direction
from risk.money import Currency
from tests.simulation.weeks import (
    ASLEEP,
    BAND,
    CASH_FOR_EACH,
    FUNDING,
    HOURLY,
    SHARED,
    SIZE,
    WALLET,
    cut,
    limits,
)

MINUTES = SHARED / "xbtusd_1m_2020-02-15_2020-05-31.csv.gz"
BEGINS, ENDS = datetime(2020, 3, 12, tzinfo=UTC), datetime(2020, 3, 13, 20, tzinfo=UTC)
PRICE = Decimal(7_950)
_UNITS = 10**8
_TOLD = (
    "TRANSFER_WANTED",
    "COLLATERAL_IDLE",
    "PROPOSED",
    "STANDING_DENIED",
    "MARGIN_LAST",
    "LIQUIDATED",
)


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    automated: bool
    sends: bool


WAYS = (
    Way("without the automation", automated=False, sends=False),
    Way("with it, nothing sent", automated=True, sends=False),
    Way("with it, sent as asked", automated=True, sends=True),
)


def play(
    files: Sequence[Path],
    way: Way,
    begins: datetime = BEGINS,
    ends: datetime = ENDS,
    direction: Direction = Direction.LONG_INVERSE,
) -> Replayed:
    """Play a spread of the guides' leverage through it."""
    linear = SIZE + WALLET if direction is Direction.LONG_INVERSE else SIZE
    options = Options(
        direction=direction,
        size=SIZE,
        tranches=1,
        wallet=int(WALLET * _UNITS),
        cash=int(linear * PRICE * CASH_FOR_EACH[direction] * _UNITS),
        begins=begins,
        ends=ends,
        standing=ASLEEP if way.automated else (),
        asleep=True,
        sends=way.sends,
    )
    rules = limits(automated=way.automated, direction=direction)
    with silent():
        return replay(examine(files, begins, ends), options, rules)


def show(direction: Direction, way: Way, result: Replayed) -> None:
    print(f"== {direction}, {way.name}")
    for low in result.lows:
        print(
            f"  lowest    {low.venue}, {low.what}: {low.figure:,.4f} {low.unit} on {low.at:%d %R} at {low.price:,.0f}"
        )
    for fill in result.forced:
        print(
            f"  forced    {fill.at:%d %R} {fill.instrument} {fill.side} {fill.quantity} at {fill.price} ({fill.cause})"
        )
    for at, alert in result.alerted:
        if alert.code in _TOLD:
            print(f"  {at:%d %R}  {alert.code}: {alert.text}")
    for one in result.sent:
        print(
            f"  sent      {one.amount:,f} {one.currency} to {one.venue} on {one.sent_at:%d %R}, "
            f"there {one.arrives_at:%d %R}"
        )
    for own in result.own:
        print(
            f"  its own   {own.cause}: {own.plans} plans, {own.inverse_xbt:.2f} XBT inverse and {own.linear_xbt:.2f} "
            f"XBT linear traded, cost {own.cost:,.2f} USD"
        )
    for problem in (*result.differences, *result.verification.problems, *result.refused):
        print(f"  !         {problem}")
    delta = naked(result, BAND)
    first, last = result.samples[0], result.samples[-1]
    print(
        f"  naked     at most {delta.most:.3f} XBT, for 10 s and longer {delta.lasting:.3f} XBT, beyond {BAND} XBT for "
        f"{delta.beyond.total_seconds():,.0f} s at a time, {delta.hours:.2f} XBT·h"
    )
    print(
        f"  equity    {first.equity_usd:,.2f} → {last.equity_usd:,.2f} USD, of it brought {brought(result):,.2f} (at "
        f"{last.price:,.2f}): {gained(result):+,.2f} USD; books agree: {result.ok}"
    )
    print()


def compare(found: Sequence[tuple[Direction, Way, Replayed]]) -> None:
    """Print what each came to, a line each. ``near``: the least distance to a liquidation, of price, and when."""
    print(
        f"{'':<38} {'forced':>6} {'near, inverse':>17} {'near, broker':>17} {'asked':>5} {'sent XBT':>9} "
        f"{'sent USD':>9} {'Δ 10s':>6} {'XBT·h':>7} {'own cost':>9} {'P&L USD':>10}"
    )
    for direction, way, result in found:
        sample = result.samples[0]
        near = " ".join(_nearest(result, venue) for venue in (sample.inverse.venue, sample.broker.venue))
        xbt, usd = (
            sum((one.amount for one in result.sent if one.currency is currency), Decimal(0))
            for currency in (Currency.XBT, Currency.USD)
        )
        delta = naked(result, BAND)
        cost = sum((own.cost for own in result.own), Decimal(0))
        print(
            f"{direction + ', ' + way.name:<38} {len(result.forced):6} {near} {result.alerts['TRANSFER_WANTED']:5} "
            f"{xbt:9.4f} {usd:9,.0f} {delta.lasting:6.3f} {delta.hours:7.2f} {cost:9.2f} {gained(result):+10,.2f}"
        )


def _nearest(result: Replayed, venue: str) -> str:
    low = next((low for low in result.lows if low.venue == venue and low.unit == "% of price"), None)
    return f"{'–':>17}" if low is None else f"{low.figure:7.2f}% {low.at:%d %R}"


def main(given: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--way", type=int, choices=range(len(WAYS)), action="append")
    asked.add_argument(
        "--direction", type=Direction, action="append", help="again for the other; default: both"
    )
    told = asked.parse_args(given)
    found = []
    with tempfile.TemporaryDirectory(prefix="march-") as text:
        folder = Path(text)
        files = [
            cut(MINUTES, folder / "minutes.csv", BEGINS, ENDS),
            cut(HOURLY, folder / "hours.csv", BEGINS, ENDS),
            FUNDING,
        ]
        for direction in told.direction or Direction:
            for number in told.way or range(len(WAYS)):
                result = play(files, WAYS[number], direction=direction)
                found.append((direction, WAYS[number], result))
                show(*found[-1])
                sys.stdout.flush()
    compare(found)
    kept = all(not result.forced for _, way, result in found if way.automated)
    return 0 if kept and all(result.ok for _, _, result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
