"""CME's weekends over recorded prices, with the bot's automation and without it, beside one another.

``make weekends``. Each long closure of the hourly file is played by itself, from the day before to the day after it: a
spread as the guides have it (leverage 5 at the inverse venue, a fifth more at the broker than its margin), opened,
held over the closure, and closed at the end. Then the same again with what no file promises: CME opening at the gap
the profile is set for, and the perpetual at its worst excursion meanwhile, down and up. Automation answers by standing
approvals: nobody is awake.
"""

import argparse
import gzip
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.market.formats import open_recording
from bot.ledger.writer import read_events
from bot.model.events import CommissionBooked, FillBooked
from bot.model.ids import parse_client_order_id
from bot.model.plans import Cause
from bot.model.policy import Policy
from bot.runtime.automation import automation
from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.replay import LEDGER, Options, Replayed, examine, replay
from bot.runtime.replay.shock import Shock
from config.load import load_profile
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.sessions import Span

SHARED = Path(__file__).parents[3] / "shared" / "data"
HOURLY = SHARED / "cme_bitmex_hourly_2018_2020.csv.gz"
FUNDING = SHARED / "xbtusd_funding_2018_2020.csv"
BEFORE, AFTER = timedelta(hours=24), timedelta(hours=24)
AROUND = timedelta(days=1)
LONG = timedelta(hours=24)
SIZE, WALLET = Decimal(3), Decimal("0.6")
CASH_FOR_EACH = Decimal("1.25")
"""USD at the broker, of the value short there at the start: it asks for the whole value of a short."""
EXCURSION, GAP = Decimal("0.2"), Decimal("0.155")
LASTS = Decimal(10) / 3600
"""Hours: so long a Δ must have lasted for it not to be the moment between a fill and its hedge."""
_UNITS = 10**8
_BOT = (Cause.CLOSURE, Cause.REBUILD, Cause.MARGIN, Cause.COLLATERAL, Cause.ORPHAN)


@dataclass(frozen=True, slots=True)
class Weekend:
    """What one closure came to. Sizes in XBT of CME contracts, signed; ``gap``, ``excursion``: fractions; distances to
    liquidation: fractions of price, None where there is none; naked Δ from the opening to the closing: at
    most, at most for ten seconds and longer, and XBT·hours; ``cost``, ``gained``: USD."""

    closes: datetime
    before: Decimal
    over: Decimal
    after: Decimal
    gap: Decimal | None
    excursion: Decimal
    inverse_nearest: Decimal | None
    broker_nearest: Decimal | None
    liquidations: int
    naked_max: Decimal
    naked_long: Decimal
    naked_hours: Decimal
    cost: Decimal
    gained: Decimal
    reduced: Decimal
    refused: int
    problems: tuple[str, ...]

    @property
    def opened(self) -> bool:
        return self.before != 0


def limits(*, automated: bool, direction: Direction) -> Policy:
    """The profile ``sim``; its closure reckons with a broker that asks for all of a short's value, as this one does."""
    settings = load_profile("sim", {})
    if not automated:
        return policy(settings.limits)
    nowhere = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", "none yet")
    pair = replace(automation(settings, *nowhere), carry=None, edge=None, expiry=None, direction=direction)
    if pair.closure is None:
        raise ValueError("the profile sim watches no closures")
    stress = replace(pair.closure.stress, broker_rate=Decimal(1))
    # Stops lie beyond the excursion that is survived without them: what is seen here is the size alone.
    return policy(settings.limits, replace(pair, closure=replace(pair.closure, stress=stress, stops=None)))


def closures(path: Path) -> list[Span]:
    """The long closures of CME's old hours that the file has prices before and after of."""
    told = [moment.at for moment in open_recording(path)[1] if moment.months]
    first, last = told[0], told[-1]
    days = (last - first).days + 14
    open_ = sessions(Hours.WEEKDAYS, (first - timedelta(days=7)).date(), days).intervals or ()
    gaps = [Span(before.closes, after.opens) for before, after in pairwise(open_)]
    return [
        gap for gap in gaps if gap.length > LONG and gap.start - BEFORE >= first and gap.end + AFTER <= last
    ]


def cut(path: Path, kept: Path, begins: datetime, ends: datetime) -> Path:
    """The rows of a file around a span, and the header."""
    low, high = (f"{at:%Y-%m-%dT%H:%M}Z" for at in (begins - AROUND, ends + AROUND))
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as rows:
        header = next(rows)
        kept.write_text("".join(chain([header], (row for row in rows if low <= row[:17] <= high))))
    return kept


@dataclass(frozen=True, slots=True)
class Files:
    """Hourly closes of both; funding; the perpetual by the minute, for the weekends it has."""

    hours: Path
    funding: Path | None = None
    minutes: Path | None = None

    def by_the_minute(self, begins: datetime, ends: datetime) -> Path | None:
        """The minutes, if they hold all of a span: what the price did while CME was closed is in no other file."""
        if self.minutes is None:
            return None
        first, last = _extent(self.minutes)
        return self.minutes if first <= begins and ends <= last else None


@cache
def _extent(path: Path) -> tuple[datetime, datetime]:
    told = [moment.at for moment in open_recording(path)[1]]
    return told[0], told[-1]


def play(
    files: Files,
    span: Span,
    *,
    automated: bool,
    direction: Direction = Direction.LONG_INVERSE,
    shock: Shock | None = None,
    seed: int = 1,
) -> Weekend | None:
    """Play one closure; None where the file says too little around it."""
    begins, ends = span.start - BEFORE, span.end + AFTER
    with tempfile.TemporaryDirectory(prefix="weeks-") as text, silent():
        folder = Path(text)
        hours = cut(files.hours, folder / "hours.csv", begins, ends)
        told = [moment for moment in open_recording(hours)[1] if moment.perpetual is not None]
        start = next((one for one in told if begins <= one.at < span.start), None)
        if start is None or start.perpetual is None:
            return None
        price = Decimal(start.perpetual.bid) / 100
        short = SIZE + WALLET if direction is Direction.LONG_INVERSE else SIZE
        options = Options(
            direction=direction,
            size=SIZE,
            tranches=1,
            wallet=int(WALLET * _UNITS),
            cash=int(short * price * CASH_FOR_EACH * _UNITS),
            approve_after=timedelta(0),
            begins=begins,
            ends=ends,
            standing=automated,
            shock=shock,
            seed=seed,
        )
        minutes = files.by_the_minute(begins, ends) if shock is None else None
        played = [hours] if minutes is None else [cut(minutes, folder / "minutes.csv", begins, ends), hours]
        played += [] if files.funding is None else [files.funding]
        recording = examine(played, begins, ends)
        result = replay(recording, options, limits(automated=automated, direction=direction), folder)
        return _weekend(result, span, folder)


def _weekend(result: Replayed, span: Span, folder: Path) -> Weekend:
    opened = next((plan.ended_at for plan in result.plans if plan.spec.proposed_by == "replay"), None)
    ended = next(
        (plan.proposed_at for plan in result.plans if plan.why == "the end of the replay"),
        result.samples[-1].at,
    )
    held = [one for one in result.samples if opened is not None and opened <= one.at < ended]
    first = next((one.linear_xbt for one in held), Decimal(0))
    over = [one for one in held if span.start <= one.at < span.end]
    was = next((one for one in reversed(held) if one.at < span.start and one.linear is not None), None)
    then = next((one for one in held if one.at >= span.end and one.linear is not None), None)
    base = over[0].price if over else Decimal(1)
    worst = max((one.price / base - 1 for one in over), key=abs, default=Decimal(0))
    naked = list(_naked(result, opened, ended))
    cost, reduced = _cost(folder, result)
    return Weekend(
        closes=span.start,
        before=first,
        over=over[0].linear_xbt if over else Decimal(0),
        after=held[-1].linear_xbt if held else Decimal(0),
        gap=None if was is None or then is None else _moved(was.linear, then.linear),
        excursion=worst,
        inverse_nearest=min(
            (one.inverse.distance for one in held if one.inverse.distance is not None), default=None
        ),
        broker_nearest=min(
            (one.broker.distance for one in held if one.broker.distance is not None), default=None
        ),
        liquidations=len({(fill.instrument, fill.at) for fill in result.forced}),
        naked_max=max((abs(delta) for delta, _ in naked), default=Decimal(0)),
        naked_long=max((abs(delta) for delta, hours in naked if hours >= LASTS), default=Decimal(0)),
        naked_hours=sum((abs(delta) * hours for delta, hours in naked), Decimal(0)),
        cost=cost,
        gained=result.samples[-1].equity_usd - result.samples[0].equity_usd,
        reduced=reduced,
        refused=len(result.refused),
        problems=(*result.differences, *result.verification.problems),
    )


def _moved(was: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if was is None or then is None else then / was - 1


def _naked(result: Replayed, begins: datetime | None, ends: datetime) -> Iterator[tuple[Decimal, Decimal]]:
    """Δ and for how many hours it was so."""
    if begins is None:
        return
    told = [*result.deltas, (ends, Decimal(0))]
    for (at, delta), (until, _) in pairwise(told):
        since, last = max(at, begins), min(until, ends)
        if since < last:
            yield delta, Decimal((last - since).total_seconds()) / 3600


def _cost(folder: Path, result: Replayed) -> tuple[Decimal, Decimal]:
    """USD of fees, and of half the spread between bid and ask, of what the bot did by itself; XBT of CME it took off
    before the close."""
    causes = {plan.spec.plan_id: plan.spec.cause for plan in result.plans}
    spreads = result.options.spreads
    cost = reduced = Decimal(0)
    own: set[str] = set()
    for entry in read_events(folder / LEDGER):
        match entry.event:
            case FillBooked(fill):
                key = parse_client_order_id(fill.client_order_id or "")
                cause = None if key is None else causes.get(key[0].plan_id)
                if cause not in _BOT:
                    continue
                own.add(fill.execution_id)
                inverse = fill.instrument.venue == "bitmex"
                xbt = fill.quantity / fill.price if inverse else Decimal(fill.quantity) / 10
                cost += xbt * (spreads.inverse if inverse else spreads.linear) / 200
                if fill.fee is not None:
                    cost += fill.fee.amount * fill.price if inverse else fill.fee.amount
                if not inverse and cause is Cause.CLOSURE:
                    reduced += xbt
            case CommissionBooked(report) if report.execution_id in own:
                cost += report.fee.amount
    return cost, reduced


# --- the table -----------------------------------------------------------------------------------------------


KINDS: tuple[tuple[str, Shock | None], ...] = (
    ("recorded", None),
    ("gap down", Shock(-EXCURSION, -GAP)),
    ("gap up", Shock(EXCURSION, GAP)),
)
Case = tuple[Files, Span, str, bool, Direction]


def run(case: Case) -> tuple[Case, Weekend | None]:
    files, span, kind, automated, direction = case
    shock = dict(KINDS)[kind]
    return case, play(files, span, automated=automated, direction=direction, shock=shock)


def percent(fraction: Decimal | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:+.1f}"


def row(one: Weekend) -> str:
    return (
        f"{one.before:+6.1f} {one.over:+6.1f} {one.after:+6.1f} {percent(one.inverse_nearest):>6} "
        f"{percent(one.broker_nearest):>6} {one.liquidations:4} {one.naked_max:6.3f} "
        f"{one.naked_long:6.3f} {one.naked_hours:7.2f} "
        f"{one.cost:8.2f} {one.gained:+10.2f}"
    )


HEAD = "   held   over  after  inv.%  CME.%  liq  Δ max  Δ 10s   XBT·h     cost     gained"


def totals(name: str, found: Sequence[Weekend]) -> str:
    liquidated = sum(1 for one in found if one.liquidations)
    small = sum(1 for one in found if one.reduced)
    return (
        f"{name:<22} weekends {len(found):4}, liquidated in {liquidated:3}, made small in {small:3} "
        f"({sum((one.reduced for one in found), Decimal(0)):.1f} XBT), Δ max "
        f"{max((one.naked_max for one in found), default=Decimal(0)):.3f} XBT, "
        f"for 10 s and longer {max((one.naked_long for one in found), default=Decimal(0)):.3f} XBT, "
        f"{sum((one.naked_hours for one in found), Decimal(0)):.1f} XBT·h, cost "
        f"{sum((one.cost for one in found), Decimal(0)):,.0f} USD, gained "
        f"{sum((one.gained for one in found), Decimal(0)):+,.0f} USD, mismatches "
        f"{sum(len(one.problems) for one in found)}"
    )


def table(cases: Iterable[Case], jobs: int) -> int:
    print(f"{'closes (UTC)':<17} {'market':<9} {'auto':<4} gap.%  exc.% {HEAD}")
    found: dict[tuple[str, bool], list[Weekend]] = {}
    failed = 0
    with ProcessPoolExecutor(jobs) as pool:
        for (_, span, kind, automated, _), one in pool.map(run, cases):
            name = "on" if automated else "off"
            if one is None or not one.opened:
                print(
                    f"{span.start:%F %R}  {kind:<9} {name:<4} no spread could be opened before it", flush=True
                )
                continue
            found.setdefault((kind, automated), []).append(one)
            failed += bool(one.problems) or (automated and bool(one.liquidations))
            print(
                f"{span.start:%F %R}  {kind:<9} {name:<4} {percent(one.gap):>5} {percent(one.excursion):>6} {row(one)}",
                flush=True,
            )
    print()
    for (kind, automated), several in found.items():
        print(totals(f"{kind}, {'with' if automated else 'without'}", several))
    return failed


def main(given: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=Path, default=HOURLY)
    asked.add_argument(
        "--minutes", type=Path, help="play by the minute what this file has: minutes of work each"
    )
    asked.add_argument("--funding", type=Path, default=FUNDING)
    asked.add_argument("--from", dest="begins", type=date.fromisoformat, default=date(2018, 1, 1))
    asked.add_argument("--to", type=date.fromisoformat, default=date(2021, 1, 1))
    asked.add_argument("--every", type=int, default=1, help="of the weekends, only every n-th")
    asked.add_argument("--kinds", default=",".join(kind for kind, _ in KINDS))
    asked.add_argument("--direction", type=Direction, default=Direction.LONG_INVERSE)
    asked.add_argument("--jobs", type=int, default=1)
    told = asked.parse_args(given)
    spans = [
        span for span in closures(told.hours) if told.begins <= span.start.astimezone(UTC).date() < told.to
    ][:: told.every]
    files = Files(told.hours, told.funding, told.minutes)
    cases = [
        (files, span, kind, automated, told.direction)
        for span in spans
        for kind in told.kinds.split(",")
        for automated in (False, True)
    ]
    return 1 if table(cases, told.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
