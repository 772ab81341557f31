"""12 and 13 March 2020 by the minute: the price halves within a day. ``make march-2020``.

The same spread three times: without the automation; with it, and nobody sends the money it asks for; with it, and its
owner sends what it asks for, which arrives after the profile's lead times.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from bot.runtime.logs import silent
from bot.runtime.replay import Options, Replayed, examine, replay
from risk.direction import Direction
from risk.money import Currency
from tests.simulation.weeks import CASH_FOR_EACH, FUNDING, HOURLY, SHARED, SIZE, WALLET, cut, limits

MINUTES = SHARED / "xbtusd_1m_2020-02-15_2020-05-31.csv.gz"
BEGINS, ENDS = datetime(2020, 3, 12, tzinfo=UTC), datetime(2020, 3, 13, 20, tzinfo=UTC)
PRICE = Decimal(7_950)
_UNITS = 10**8


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


def play(files: Sequence[Path], way: Way, begins: datetime = BEGINS, ends: datetime = ENDS) -> Replayed:
    """Play a spread of the guides' leverage through it."""
    options = Options(
        size=SIZE,
        tranches=1,
        wallet=int(WALLET * _UNITS),
        cash=int((SIZE + WALLET) * PRICE * CASH_FOR_EACH * _UNITS),
        begins=begins,
        ends=ends,
        standing=way.automated,
        sends=way.sends,
    )
    rules = limits(automated=way.automated, direction=Direction.LONG_INVERSE)
    with silent():
        return replay(examine(files, begins, ends), options, rules)


def show(way: Way, result: Replayed) -> None:
    print(f"== {way.name}")
    for low in result.lows:
        print(
            f"  lowest    {low.venue}, {low.what}: {low.figure:,.4f} {low.unit} on {low.at:%F %R} at {low.price:,.0f}"
        )
    for fill in result.forced:
        print(
            f"  forced    {fill.at:%F %R} {fill.instrument} {fill.side} {fill.quantity} at {fill.price} ({fill.cause})"
        )
    for at, alert in result.alerted:
        if alert.code in ("TRANSFER_WANTED", "PROPOSED", "MARGIN_LAST", "LIQUIDATED"):
            print(f"  {at:%d %R}  {alert.code}: {alert.text[:150]}")
    for one in result.sent:
        print(
            f"  sent      {one.amount:,f} {one.currency} to {one.venue} on {one.sent_at:%F %R}, "
            f"there {one.arrives_at:%F %R}"
        )
    for problem in (*result.differences, *result.verification.problems, *result.refused):
        print(f"  !         {problem}")
    first, last = result.samples[0], result.samples[-1]
    brought = sum(
        (
            one.amount * (last.price if one.currency is Currency.XBT else 1)
            for one in result.sent
            if one.arrives_at < last.at
        ),
        Decimal(0),
    )
    told = [*result.deltas, (last.at, Decimal(0))]
    hours = sum(
        (
            abs(delta) * Decimal((until - at).total_seconds()) / 3600
            for (at, delta), (until, _) in pairwise(told)
        ),
        Decimal(0),
    )
    print(
        f"  equity    {first.equity_usd:,.2f} → {last.equity_usd:,.2f} USD, of it brought {brought:,.2f} (at the end's "
        f"price): {last.equity_usd - first.equity_usd - brought:+,.2f} USD; naked {hours:.1f} XBT·h; "
        f"{len(result.forced)} forced fills; books agree: {result.ok}"
    )


def main(given: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--way", type=int, choices=range(len(WAYS)), action="append")
    told = asked.parse_args(given)
    with tempfile.TemporaryDirectory(prefix="march-") as text:
        folder = Path(text)
        files = [
            cut(MINUTES, folder / "minutes.csv", BEGINS, ENDS),
            cut(HOURLY, folder / "hours.csv", BEGINS, ENDS),
            FUNDING,
        ]
        for number in told.way or range(len(WAYS)):
            show(WAYS[number], play(files, WAYS[number]))
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
