"""The files of a replay together: what each is, from when to when they say something, which CME month is held when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.simulator.exchange.catalog import LEAST_LIFE, cme_expiry, front_month
from adapters.simulator.market.formats import Kind, Moment, Month, kind_of, open_recording
from adapters.simulator.market.funding_file import read_funding
from adapters.simulator.market.interpolated import LONGEST_CLOSED
from adapters.simulator.scenario import ScenarioError

ROLL_BEFORE = timedelta(days=3)
"""So long before a month's last price the spread goes to the next one."""
LAST_CHANCE = timedelta(hours=12)
_LONGEST = {Kind.QUOTES: timedelta(minutes=1), Kind.MINUTES: timedelta(minutes=2), Kind.HOURS: LONGEST_CLOSED}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A CME month, and when the last price of it as the held one was recorded."""

    month: Month
    until: datetime


@dataclass(frozen=True, slots=True)
class Recording:
    """The prices that lead: ``moments`` of them, from ``starts`` to ``ends``. ``holes``: where there is no quote for
    longer than there should be: an outage, not a calm. ``schedule``: CME's months, first to last."""

    files: tuple[tuple[str, str], ...]
    kind: Kind
    path: Path
    hours: Path | None
    funding: Mapping[datetime, int]
    starts: datetime
    ends: datetime
    moments: int
    holes: tuple[tuple[datetime, datetime], ...]
    schedule: tuple[Held, ...]

    def contract(self, now: datetime) -> Month:
        """Return the month a spread of ``now`` belongs in."""
        return next(
            (one.month for one in self.schedule if one.until - ROLL_BEFORE > now), self.schedule[-1].month
        )

    def is_last_chance(self, month: Month, now: datetime) -> bool:
        """Say whether prices of a month are about to end."""
        return any(one.month == month and now >= one.until - LAST_CHANCE for one in self.schedule)

    @property
    def months(self) -> tuple[Month, ...]:
        return tuple(sorted({one.month for one in self.schedule}))


def examine(paths: Sequence[Path], begins: datetime | None = None, ends: datetime | None = None) -> Recording:
    """Read the files through. ``begins``, ``ends``: of them only what lies between. Raises ScenarioError."""
    kinds: dict[Kind, Path] = {}
    for path in paths:
        kind = kind_of(path)
        if kind in kinds:
            raise ScenarioError(f"{path}: {kinds[kind]} holds {kind} already: one file of each kind")
        kinds[kind] = path
    prices = [kind for kind in (Kind.MINUTES, Kind.HOURS, Kind.QUOTES) if kind in kinds]
    if not prices:
        raise ScenarioError(
            f"{paths[0]}: holds {Kind.FUNDING}, and no prices: name a file of prices beside it"
        )
    lead = prices[0]
    if Kind.QUOTES in prices and len(prices) > 1:
        raise ScenarioError(f"{kinds[Kind.QUOTES]}: has both legs in it, and is played without other prices")
    path = kinds[lead]
    first, last, count, holes = _extent(path, lead, begins, ends)
    hours = kinds[Kind.HOURS] if lead is Kind.MINUTES and Kind.HOURS in kinds else None
    monthly = path if lead is Kind.HOURS else hours
    schedule = _by_calendar(first, last) if monthly is None else _as_recorded(monthly, first, last)
    if lead is Kind.QUOTES:
        schedule = (Held(front_month(first), last + LEAST_LIFE),)
    if not schedule:
        raise ScenarioError(f"{monthly}: no price of CME between {first:%F %R}Z and {last:%F %R}Z")
    return Recording(
        files=tuple((one.name, str(kind)) for kind, one in kinds.items()),
        kind=lead,
        path=path,
        hours=hours,
        funding=read_funding(kinds[Kind.FUNDING]) if Kind.FUNDING in kinds else {},
        starts=first,
        ends=last,
        moments=count,
        holes=holes,
        schedule=schedule,
    )


def moments_between(path: Path, begins: datetime | None, ends: datetime | None) -> Iterator[Moment]:
    _, moments = open_recording(path)
    for moment in moments:
        if ends is not None and moment.at > ends:
            return
        if begins is None or moment.at >= begins:
            yield moment


def _extent(
    path: Path, kind: Kind, begins: datetime | None, ends: datetime | None
) -> tuple[datetime, datetime, int, tuple[tuple[datetime, datetime], ...]]:
    first: datetime | None = None
    last: datetime | None = None
    count, holes = 0, []
    for moment in moments_between(path, begins, ends):
        if moment.perpetual is None:
            continue
        first, count = first or moment.at, count + 1
        if last is not None and moment.at - last > _LONGEST[kind]:
            holes.append((last, moment.at))
        last = moment.at
    if first is None or last is None or first == last:
        between = f" from {begins or 'its start'} to {ends or 'its end'}" if begins or ends else ""
        raise ScenarioError(f"{path}: nothing is recorded in it{between}")
    return first, last, count, tuple(holes)


def _as_recorded(path: Path, first: datetime, last: datetime) -> tuple[Held, ...]:
    until: dict[Month, datetime] = {}
    for moment in moments_between(path, first - _DAY, last + _DAY):
        if moment.held is not None and moment.held in moment.months:
            until[moment.held] = moment.at
    return _in_order(Held(month, at) for month, at in until.items())


def _by_calendar(first: datetime, last: datetime) -> tuple[Held, ...]:
    months, day = set(), first
    while day <= last:
        months.add(front_month(day + ROLL_BEFORE))
        day += _DAY
    return _in_order(Held(month, cme_expiry(*month) - LEAST_LIFE) for month in months)


def _in_order(held: Iterable[Held]) -> tuple[Held, ...]:
    return tuple(sorted(held, key=lambda one: one.until))
