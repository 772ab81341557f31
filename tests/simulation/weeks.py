"""CME's weekends over recorded prices, with the bot's automation and without it, beside one another.

``make weekends``. Each long closure of the hourly file is played by itself, from the day before to the day after it: a
spread as the guides have it (leverage 5 at the inverse venue; at the broker too little for the configured gap), opened,
held over the closure, and closed at the end. Then the same again with what no file promises: CME opening at the gap the
profile is set for, and the perpetual at its worst excursion meanwhile, down and up. Nobody is awake: what the
automation proposes is answered by standing approvals or not at all.

Exit status 1 if something promised is broken: with the automation no account is liquidated, Δ is never beyond the band
of the collateral's watch for longer than ``ANSWERS``; and books and venues agree, either way.
"""

import argparse
import gzip
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.market.formats import open_recording
from bot.model.plans import Cause, PlanKind
from bot.model.policy import Policy
from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.replay import Options, Replayed, examine, replay, watched
from bot.runtime.replay.shock import Shock
from bot.runtime.replay.worth import gained, held, naked
from config.load import load_profile
from risk.direction import Direction
from risk.sessions import Span
from risk.standing import Use

SHARED = Path(__file__).parents[3] / "shared" / "data"
HOURLY = SHARED / "cme_bitmex_hourly_2018_2020.csv.gz"
FUNDING = SHARED / "xbtusd_funding_2018_2020.csv"
BEFORE, AFTER = timedelta(hours=24), timedelta(hours=24)
AROUND = timedelta(days=1)
LONG = timedelta(hours=24)
SIZE, WALLET = Decimal(3), Decimal("0.6")
CASH_FOR_EACH = {Direction.LONG_INVERSE: Decimal("1.25"), Direction.SHORT_INVERSE: Decimal("0.57")}
"""USD at the broker, of what is held there at the start: it asks for the whole value of a short and half of a long's: a
move of 12.5 % or 14 % liquidates them (1.25 − 0.125 = 1.125, 0.57 − 0.14 = 0.86 / 2)."""
EXCURSION, GAP = Decimal("0.2"), Decimal("0.155")
ASLEEP = (Use.REDUCE, Use.COLLATERAL, Use.ORPHAN, Use.OPEN)
"""What standing approvals are given for; nobody answers anything else."""
BAND = Decimal("0.1")
"""XBT: of the collateral's watch in the profile."""
ROLLED = timedelta(hours=1)
ANSWERS = timedelta(seconds=90)
"""Within so long Δ is back in the band: in the profile its watch waits for sixty seconds, then proposes and trades."""
_TICKS = Decimal("0.01")
"""So far CME's first price may lie from the gap that was asked for: the opening's first minutes, and the tick."""
_UNITS = 10**8


@dataclass(frozen=True, slots=True)
class Weekend:
    """What one closure came to. Sizes in XBT of CME contracts, signed; ``gap``, ``excursion``: fractions; distances to
    liquidation: fractions of price, None where there is none; naked Δ from the opening to the closing: at
    most, at most for ten seconds and longer, how long beyond the band, and XBT·hours; ``cost`` of what the bot did by
    itself, ``gained``: USD. ``reduced``: XBT of CME off before the close. ``asked``: transfers. ``out``: for how long a
    roll of the rule's left nothing held.
    """

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
    beyond: timedelta
    naked_hours: Decimal
    cost: Decimal
    gained: Decimal
    reduced: Decimal
    asked: int
    refused: int
    problems: tuple[str, ...]
    out: timedelta

    @property
    def opened(self) -> bool:
        return self.before != 0


def limits(*, automated: bool, direction: Direction, stops: bool = False) -> Policy:
    """The profile ``sim``; its closure reckons with a broker that asks for all of a short's value, as this one does."""
    settings = load_profile("sim", {})
    # The broker's margin on a long takes up 88 % of what is there for it: a price that rises before the opening must
    # not be what keeps a weekend out.
    taken = settings.limits.model_copy(update={"max_linear_margin_percent": Decimal(97)})
    if not automated:
        return policy(taken)
    rules = watched(settings, Options(direction=direction))
    pair = rules.automation
    if pair is None or pair.closure is None:
        raise ValueError("the profile sim watches no closures")
    closure = pair.closure
    if direction is Direction.LONG_INVERSE:
        closure = replace(closure, stress=replace(closure.stress, broker_rate=Decimal(1)))
    # Stops lie beyond the excursion that is survived without them: without them it is the size alone that is seen.
    return policy(taken, replace(pair, closure=closure if stops else replace(closure, stops=None)))


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
    stops: bool = False,
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
        opens = (one for one in told if one.at >= begins)
        quoted = next((price for one in opens for price in one.months.values()), start.perpetual.bid)
        price = Decimal(quoted) / 100
        linear = SIZE + WALLET if direction is Direction.LONG_INVERSE else SIZE
        options = Options(
            direction=direction,
            size=SIZE,
            tranches=1,
            wallet=int(WALLET * _UNITS),
            cash=int(linear * price * CASH_FOR_EACH[direction] * _UNITS),
            approve_after=timedelta(0),
            begins=begins,
            ends=ends,
            standing=ASLEEP if automated else (),
            asleep=True,
            shock=shock,
            seed=seed,
        )
        minutes = files.by_the_minute(begins, ends) if shock is None else None
        played = [hours] if minutes is None else [cut(minutes, folder / "minutes.csv", begins, ends), hours]
        played += [] if files.funding is None else [files.funding]
        recording = examine(played, begins, ends)
        rules = limits(automated=automated, direction=direction, stops=stops)
        return _weekend(replay(recording, options, rules), span)


def _weekend(result: Replayed, span: Span) -> Weekend:
    up = held(result)
    kept = [] if up is None else [one for one in result.samples if up[0] <= one.at < up[1]]
    over = [one for one in kept if span.start <= one.at < span.end]
    was = next((one for one in reversed(kept) if one.at < span.start and one.linear is not None), None)
    then = next((one for one in kept if one.at >= span.end and one.linear is not None), None)
    base = over[0].price if over else Decimal(1)
    delta = naked(result, BAND)
    return Weekend(
        closes=span.start,
        before=kept[0].linear_xbt if kept else Decimal(0),
        over=over[0].linear_xbt if over else Decimal(0),
        after=kept[-1].linear_xbt if kept else Decimal(0),
        gap=None if was is None or then is None else _moved(was.linear, then.linear),
        excursion=max((one.price / base - 1 for one in over), key=abs, default=Decimal(0)),
        inverse_nearest=min(
            (one.inverse.distance for one in kept if one.inverse.distance is not None), default=None
        ),
        broker_nearest=min(
            (one.broker.distance for one in kept if one.broker.distance is not None), default=None
        ),
        liquidations=len({(fill.instrument, fill.at) for fill in result.forced}),
        naked_max=delta.most,
        naked_long=delta.lasting,
        beyond=delta.beyond,
        naked_hours=delta.hours,
        cost=sum((one.cost for one in result.own), Decimal(0)),
        gained=gained(result),
        reduced=sum((one.linear_xbt for one in result.own if one.cause is Cause.CLOSURE), Decimal(0)),
        asked=result.alerts["TRANSFER_WANTED"],
        refused=len(result.refused),
        problems=(*result.differences, *result.verification.problems),
        out=_out(result),
    )


def _out(result: Replayed) -> timedelta:
    """Return the longest time between a roll's closing and its opening: the next month was not quoted yet."""
    rule = [plan for plan in result.plans if plan.spec.cause is Cause.PERSON]
    gaps = [
        after.proposed_at - before.ended_at
        for before, after in pairwise(rule)
        if before.spec.kind is PlanKind.CLOSE and after.spec.kind is PlanKind.OPEN and before.ended_at
    ]
    return max(gaps, default=timedelta(0))


def _moved(was: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if was is None or then is None else then / was - 1


# --- the table -----------------------------------------------------------------------------------------------


KINDS: tuple[tuple[str, Shock | None], ...] = (
    ("recorded", None),
    ("gap down", Shock(-EXCURSION, -GAP)),
    ("gap up", Shock(EXCURSION, GAP)),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One closure, played one way."""

    files: Files
    span: Span
    kind: str
    automated: bool
    direction: Direction
    stops: bool

    @property
    def shock(self) -> Shock | None:
        return dict(KINDS)[self.kind]


def run(case: Case) -> Weekend | None:
    return play(
        case.files,
        case.span,
        automated=case.automated,
        direction=case.direction,
        shock=case.shock,
        stops=case.stops,
    )


def unfit(found: Weekend | None, shock: Shock | None) -> str:
    """Say why a weekend shows nothing: it was not the one that was to be played. Empty where it was."""
    if found is None or not found.opened:
        return "no spread could be opened before it"
    if found.out > ROLLED:
        return f"the rule was out of it for {found.out}, in a roll: the next month was not quoted"
    if shock is not None and (found.gap is None or abs(found.gap - shock.gap) > _TICKS):
        return "the file has no price of CME soon enough after it, so that it could not open at the gap"
    return ""


@dataclass(slots=True)
class Tally:
    """The weekends of one kind that could be played both ways, each without and with the automation."""

    kind: str
    pairs: list[tuple[Weekend, Weekend]] = field(default_factory=list)
    left_out: int = 0

    def lines(self) -> list[str]:
        told = [
            f"{self.kind}: {len(self.pairs)} weekends" + f", {self.left_out} left out" * bool(self.left_out)
        ]
        told += [_sums("without", [off for off, _ in self.pairs])] if self.pairs else []
        told += [_sums("with", [on for _, on in self.pairs])] if self.pairs else []
        return told


def broken(on: Weekend) -> list[str]:
    """Return the promises that a weekend with the automation broke."""
    found = []
    if on.liquidations:
        found.append(f"{on.liquidations} liquidations")
    if on.beyond >= ANSWERS:
        found.append(f"Δ beyond {BAND} XBT for {on.beyond}")
    return found


def percent(fraction: Decimal | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:+.1f}"


HEAD = (
    f"{'closes (UTC)':<17} {'market':<9} {'auto':<4} gap.%  exc.%    held   over  after  inv.%  CME.%  liq"
    "  Δ max  Δ 10s  out s   XBT·h  asks     cost     gained"
)


def row(case: Case, one: Weekend) -> str:
    return (
        f"{one.closes:%F %R}  {case.kind:<9} {'on' if case.automated else 'off':<4} {percent(one.gap):>5} "
        f"{percent(one.excursion):>6}  {one.before:+6.1f} {one.over:+6.1f} {one.after:+6.1f} "
        f"{percent(one.inverse_nearest):>6} {percent(one.broker_nearest):>6} {one.liquidations:4} {one.naked_max:6.3f} "
        f"{one.naked_long:6.3f} {one.beyond.total_seconds():6.1f} {one.naked_hours:7.2f} {one.asked:5} {one.cost:8.2f} "
        f"{one.gained:+10.2f}"
    )


def _sums(name: str, found: Sequence[Weekend]) -> str:
    small = sum(1 for one in found if one.reduced)
    return (
        f"  {name:<8} liquidated in {sum(1 for one in found if one.liquidations):3}, made small in {small:3} "
        f"({sum((one.reduced for one in found), Decimal(0)):.1f} XBT), Δ max {max(one.naked_max for one in found):.3f} "
        f"XBT, for 10 s and longer {max(one.naked_long for one in found):.3f} XBT, beyond the band at most "
        f"{max(one.beyond for one in found).total_seconds():.1f} s, "
        f"{sum((one.naked_hours for one in found), Decimal(0)):.1f} XBT·h, transfers asked for "
        f"{sum(one.asked for one in found)}, cost {sum((one.cost for one in found), Decimal(0)):,.0f} USD, gained "
        f"{sum((one.gained for one in found), Decimal(0)):+,.0f} USD, refused {sum(one.refused for one in found)}, "
        f"books that do not agree {sum(1 for one in found if one.problems)}"
    )


def table(cases: Sequence[Case], jobs: int) -> list[str]:
    """Play and print them all, each case without the automation followed by the same with it. Returns what broke."""
    print(HEAD)
    tallies: dict[str, Tally] = {}
    wrong: list[str] = []
    with ProcessPoolExecutor(jobs) as pool:
        played = zip(cases, pool.map(run, cases), strict=True)
        for (without, off), (watched, on) in zip(played, played, strict=True):  # two after one another
            name = f"{without.span.start:%F %R}  {without.kind:<9}"
            tally = tallies.setdefault(without.kind, Tally(without.kind))
            reason = unfit(off, without.shock) or unfit(on, watched.shock)
            if off is None or on is None or reason:
                tally.left_out += 1
                print(f"{name} left out: {reason}", flush=True)
            else:
                tally.pairs.append((off, on))
            for case, one in ((without, off), (watched, on)):
                if one is None:
                    continue
                if not reason:
                    print(row(case, one), flush=True)
                wrong += [f"{name} {'on' if case.automated else 'off'}: {each}" for each in one.problems]
                wrong += (
                    [f"{name} on: {each}" for each in broken(one)] if case.automated and not reason else []
                )
    print()
    for tally in tallies.values():
        print("\n".join(tally.lines()))
        wrong += [] if tally.pairs else [f"{tally.kind}: not one weekend could be played"]
    return wrong


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
    asked.add_argument(
        "--direction", type=Direction, action="append", help="again for the other; default: both"
    )
    asked.add_argument(
        "--stops", action="store_true", help="with the profile's ladder of stops resting meanwhile"
    )
    asked.add_argument("--jobs", type=int, default=1)
    told = asked.parse_args(given)
    spans = [
        span for span in closures(told.hours) if told.begins <= span.start.astimezone(UTC).date() < told.to
    ][:: told.every]
    files = Files(told.hours, told.funding, told.minutes)
    wrong: list[str] = []
    for direction in told.direction or Direction:
        print(f"== {direction}")
        cases = [
            Case(files, span, kind, automated, direction, told.stops)
            for span in spans
            for kind in told.kinds.split(",")
            for automated in (False, True)
        ]
        wrong += [f"{direction}  {each}" for each in table(cases, told.jobs)]
        print()
    print(
        f"with the automation: nothing liquidated, never beyond the band for {ANSWERS.seconds} s, books agree"
        if not wrong
        else f"BROKEN: {len(wrong)}"
    )
    for each in wrong:
        print(f"  {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
