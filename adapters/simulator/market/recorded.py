"""Recorded prices as a market. An outage is an outage: where nobody quoted, nobody quotes.

A file is CSV, plain or gzip, times UTC and rising, one of three by its header:

``timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask``
    Quotes of the perpetual and of a future, about one a second. A crossed pair says nothing.
``ts_bar_end_utc,open,high,low,close,volume,trades``
    Minutes of the perpetual, labelled by their end. Each is walked through its farther extremes: low then high
    if it rose, high then low if it fell, then the close. ``open`` is not used: it is the bar before's close. Two
    or more bars together with fewer than 15 trades are an outage.
``ts_utc,cme_contract,cme_price,cme_next_contract,cme_next_price,xbtusd_price``
    Hourly closes; an empty ``cme_price`` means that CME is closed.

The index is the perpetual's middle, for want of better. Inverse futures and CME's trade at the recorded future,
else at CME's price, else at the scenario's mean basis over the index.
"""

import csv
import gzip
import random
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain, dropwhile
from pathlib import Path

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Side
from adapters.simulator.market.ladder import Ladders
from adapters.simulator.market.process import PPM
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario, ScenarioError

FEWEST_TRADES = 15
_CENTS = 100
_GZIP = b"\x1f\x8b"
_MOST = Decimal(1_000_000)
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Bid and ask, cents; equal where only one price is known."""

    bid: int
    ask: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What was quoted from ``at`` on; None: nobody was."""

    at: datetime
    perpetual: Pair | None
    future: Pair | None = None
    linear: Pair | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is read. ``stale``: after so long without a row nobody quotes. ``has_linear``: CME is in it."""

    columns: tuple[str, ...]
    stale: timedelta
    read: Callable[[Iterator[Row]], Iterator[Moment]]
    has_linear: bool = False


class RecordedMarket:
    """The first row from ``scenario.data_from`` on is at ``now``; time runs ``scenario.speed`` times as fast.

    Where nothing is said of ``data_from``, that is the first row in which all is quoted that the file can hold.
    After the last row nobody quotes. Raises ScenarioError for a file, and for a row, that cannot be read.
    """

    def __init__(
        self, scenario: MarketScenario, specs: Iterable[ContractSpec], seed: int, now: datetime
    ) -> None:
        if scenario.data is None:
            raise ScenarioError("a recorded market needs a file")
        self._scenario = scenario
        self._specs = tuple(specs)
        self._format, moments = open_recording(scenario.data)
        start = scenario.data_from
        if start is None:
            self._moments = dropwhile(lambda one: not self._is_whole(one), moments)
        else:
            self._moments = dropwhile(lambda one: one.at < start, moments)
        self._next = next(self._moments, None)
        if self._next is None:
            raise ScenarioError(f"{scenario.data}: holds no row {_from(start)}")
        self._began, self._from = now, self._next.at
        self._now: Moment | None = None
        self._index = 0
        self._was_out = False
        self._ladders = Ladders(scenario, random.Random(f"market:{seed}"))

    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        """Move to the row of ``now``. In an outage books are emptied once, and then there is silence."""
        at = self.recorded_time(now)
        while self._next is not None and self._next.at <= at:
            self._now = self._next
            self._next = next(self._moments, None)
        current = self._now
        if current is None:
            return []
        out = current.perpetual is None or at - current.at > self._format.stale
        was_out, self._was_out = self._was_out, out
        if out and was_out:
            return []
        if current.perpetual is not None:
            self._index = (current.perpetual.bid + current.perpetual.ask) // 2
            self._ladders.note(self._index, at)
        if not self._index:
            return []
        return [self._update(spec, None if out else current) for spec in self._specs]

    def recorded_time(self, now: datetime) -> datetime:
        """Return the time of the recording that is played at ``now``."""
        return self._from + max(now - self._began, timedelta(0)) * self._scenario.speed

    def gap(self, move: int) -> None:
        """Refuse: what was recorded is not changed. Raises ScenarioError."""
        raise ScenarioError(f"a recorded market has the gaps it had, and none of {move} ppm")

    def _is_whole(self, moment: Moment) -> bool:
        return moment.perpetual is not None and (moment.linear is not None or not self._format.has_linear)

    def _update(self, spec: ContractSpec, current: Moment | None) -> MarketUpdate:
        pair = None if current is None else self._quoted(spec, current)
        if pair is None:
            return MarketUpdate(spec.symbol, self._index, (), ())
        bid = max(pair.bid // spec.tick, 1)
        ask = max(-(-pair.ask // spec.tick), bid + 1)
        return MarketUpdate(
            spec.symbol,
            self._index,
            self._ladders.side(spec, Side.BUY, bid),
            self._ladders.side(spec, Side.SELL, ask),
        )

    def _quoted(self, spec: ContractSpec, current: Moment) -> Pair | None:
        if spec.is_inverse and spec.is_perpetual:
            return current.perpetual
        if not spec.is_inverse and self._format.has_linear:
            return current.linear
        fair = self._index * (PPM + self._scenario.basis) // PPM
        return current.future or current.linear or Pair(fair, fair)


def open_recording(path: Path) -> tuple[Format, Iterator[Moment]]:
    """Open a recording; rows are read as they are asked for. Raises ScenarioError."""
    rows = _rows(path)
    header = next(rows, [])
    known = next((one for one in FORMATS if list(one.columns) == header), None)
    if known is None:
        rows.close()
        raise ScenarioError(f"{path}: unknown columns: {','.join(header)[:200] or 'none'}")
    return known, _checked(path, known.read(_named(path, known.columns, rows)))


def _from(start: datetime | None) -> str:
    return "in which every venue is quoted" if start is None else f"from {start} on"


def _rows(path: Path) -> Generator[list[str], None, None]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if packed
            else path.open(encoding="utf-8", newline="") as text
        ):
            yield from csv.reader(text)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError(f"{path}: cannot be read: {reason}") from error


def _named(path: Path, columns: Sequence[str], rows: Iterator[list[str]]) -> Iterator[Row]:
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            raise ScenarioError(f"{path}, line {number}: {len(row)} columns instead of {len(columns)}")
        yield dict(zip(columns, row, strict=True))


def _checked(path: Path, moments: Iterator[Moment]) -> Iterator[Moment]:
    last: datetime | None = None
    try:
        for moment in moments:
            if last is not None and moment.at < last:
                raise ScenarioError(f"{path}: {moment.at:%F %T}Z comes after {last:%F %T}Z")
            last = moment.at
            yield moment
    except ValueError as error:
        raise ScenarioError(f"{path}, after {last or 'the header'}: {error}") from error


def _quotes(rows: Iterator[Row]) -> Iterator[Moment]:
    for row in rows:
        perpetual = _pair(row["xbtusd_bid"], row["xbtusd_ask"])
        if perpetual is not None:
            yield Moment(_time(row["timestamp"]), perpetual, _pair(row["xbtm19_bid"], row["xbtm19_ask"]))


def _minutes(rows: Iterator[Row]) -> Iterator[Moment]:
    """Walk the bars with a look at the next one: a lone quiet minute is a calm one."""
    quiet_before = False
    previous: Row | None = None
    for row in chain(rows, (None,)):
        if previous is not None:
            quiet = _is_quiet(previous)
            out = quiet and (quiet_before or (row is not None and _is_quiet(row)))
            yield from _bar(previous, out=out)
            quiet_before = quiet
        previous = row


def _bar(row: Row, *, out: bool) -> Iterator[Moment]:
    end = _time(row["ts_bar_end_utc"])
    if out:
        yield Moment(end - timedelta(minutes=1), None)
        return
    high, low, close = (_price(row[name]) for name in ("high", "low", "close"))
    rose = 2 * close >= high + low
    for second, price in ((40, low if rose else high), (20, high if rose else low), (0, close)):
        yield Moment(end - timedelta(seconds=second), Pair(price, price))


def _is_quiet(row: Row) -> bool:
    return int(row["trades"]) < FEWEST_TRADES


def _hours(rows: Iterator[Row]) -> Iterator[Moment]:
    for row in rows:
        perpetual, linear = row["xbtusd_price"], row["cme_price"]
        yield Moment(
            _time(row["ts_utc"]),
            _pair(perpetual, perpetual) if perpetual else None,
            linear=_pair(linear, linear) if linear else None,
        )


def _pair(bid: str, ask: str) -> Pair | None:
    """Return a pair of quotes; None if they are crossed."""
    pair = Pair(_price(bid), _price(ask))
    return pair if pair.bid <= pair.ask else None


def _price(text: str) -> int:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"no price: {text!r}") from None
    if not price.is_finite() or not 0 < price < _MOST:
        raise ValueError(f"no price: {text!r}")
    return max(1, round(price * _CENTS))


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


FORMATS = (
    Format(
        ("timestamp", "xbtusd_bid", "xbtusd_ask", "xbtm19_bid", "xbtm19_ask"), timedelta(minutes=1), _quotes
    ),
    Format(
        ("ts_bar_end_utc", "open", "high", "low", "close", "volume", "trades"), timedelta(minutes=2), _minutes
    ),
    Format(
        ("ts_utc", "cme_contract", "cme_price", "cme_next_contract", "cme_next_price", "xbtusd_price"),
        timedelta(hours=1, minutes=1),
        _hours,
        has_linear=True,
    ),
)
