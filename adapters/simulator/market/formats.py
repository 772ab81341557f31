"""Files of recorded prices: which there are, how each is read, and what is wrong with one, by its line.

A file is CSV, plain or gzip, times UTC and not falling, one of these by its header:

``timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask``
    Quotes of the perpetual and of a future, about one a second. A crossed pair says nothing.
``ts_bar_end_utc,open,high,low,close,volume,trades``
    Minutes of the perpetual, labelled by their end. Each is walked through its farther extremes: low then high
    if it rose, high then low if it fell, then the close. ``open`` is not used: it is the bar before's close. Two
    or more bars together with fewer than 15 trades are an outage.
``ts_utc,cme_contract,cme_price,cme_next_contract,cme_next_price,xbtusd_price``
    Closes, by the hour where something traded, of two CME months (``201907``) and the perpetual. An empty price:
    none was recorded in that hour.
``timestamp,symbol,fundingInterval,fundingRate,fundingRateDaily``
    No prices: the perpetual's funding, by when it was paid (``funding_file``).
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import chain
from pathlib import Path

from adapters.simulator.scenario import ScenarioError

FEWEST_TRADES = 15
_CENTS = 100
_GZIP = b"\x1f\x8b"
_MOST = Decimal(1_000_000)
_NO_MONTHS: Mapping["Month", int] = {}

Month = tuple[int, int]
"""Year and month of a CME contract."""
Row = Mapping[str, str]


class Kind(StrEnum):
    QUOTES = "bid and ask of the perpetual and a future"
    MINUTES = "minutes of the perpetual"
    HOURS = "hourly closes of CME and the perpetual"
    FUNDING = "funding rates of the perpetual"


@dataclass(frozen=True, slots=True)
class Pair:
    """Bid and ask, cents; equal where only one price is known."""

    bid: int
    ask: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What was quoted from ``at`` on; None: nobody was. ``months``: CME's, cents; ``held``: the first one named."""

    at: datetime
    perpetual: Pair | None
    future: Pair | None = None
    linear: Pair | None = None
    held: Month | None = None
    months: Mapping[Month, int] = field(default_factory=lambda: _NO_MONTHS)


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is read. ``stale``: after so long without a row nobody quotes. ``has_linear``: CME is in it."""

    kind: Kind
    columns: tuple[str, ...]
    stale: timedelta
    read: Callable[[Iterator[Row]], Iterator[Moment]]
    has_linear: bool = False


def kind_of(path: Path) -> Kind:
    """Say what a file is by its header. Raises ScenarioError."""
    rows = _rows(path)
    try:
        return _recognised(path, next(rows, [])).kind
    finally:
        rows.close()


def open_recording(path: Path) -> tuple[Format, Iterator[Moment]]:
    """Open a recording; rows are read as they are asked for. Raises ScenarioError."""
    known, rows = open_rows(path)
    if known.kind is Kind.FUNDING:
        rows.close()
        raise ScenarioError(f"{path}: holds {known.kind}, and no prices: name a file of prices beside it")
    return known, _placed(path, rows, known.read)


def open_rows(path: Path) -> tuple[Format, "Rows"]:
    """Open a file whose header is one of ``FORMATS``. Raises ScenarioError."""
    lines = _rows(path)
    try:
        known = _recognised(path, next(lines, []))
    except ScenarioError:
        lines.close()
        raise
    return known, Rows(path, known.columns, lines)


class Rows(Iterator[Row]):
    """The rows of a file, their times (the first column) not falling. ``line``: of the last one, for messages."""

    def __init__(self, path: Path, columns: Sequence[str], lines: Generator[list[str], None, None]) -> None:
        self._path = path
        self._columns = columns
        self._lines = lines
        self._last: datetime | None = None
        self.line = 1

    def __next__(self) -> Row:
        cells = next(self._lines)
        self.line += 1
        if len(cells) != len(self._columns):
            raise self.wrong(f"{len(cells)} columns instead of {len(self._columns)}")
        try:
            at = time_of(cells[0])
        except ValueError as error:
            raise self.wrong(str(error)) from error
        if self._last is not None and at < self._last:
            raise self.wrong(f"{at:%F %T}Z comes after {self._last:%F %T}Z")
        self._last = at
        return dict(zip(self._columns, cells, strict=True))

    def wrong(self, what: str) -> ScenarioError:
        return ScenarioError(f"{self._path}, line {self.line}: {what}")

    def close(self) -> None:
        self._lines.close()


def price_of(text: str) -> int:
    """Return a price in cents. Raises ValueError for what is none."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"no price: {text!r}") from None
    if not price.is_finite() or not 0 < price < _MOST:
        raise ValueError(f"no price: {text!r}")
    return max(1, round(price * _CENTS))


def time_of(text: str) -> datetime:
    """Return a time, UTC where it names no zone. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _recognised(path: Path, header: Sequence[str]) -> Format:
    known = next((one for one in FORMATS if list(one.columns) == list(header)), None)
    if known is not None:
        return known
    shown = ",".join(header)[:200] or "none"
    nearest = max(FORMATS, key=lambda one: len(set(one.columns) & set(header)))
    missing = [name for name in nearest.columns if name not in header]
    if len(missing) == len(nearest.columns):
        raise ScenarioError(f"{path}: unknown columns: {shown}")
    lacks = f"lacks {', '.join(missing)}" if missing else "has them in another order, or more of them"
    wanted = ",".join(nearest.columns)
    raise ScenarioError(
        f"{path}: unknown columns: {shown}; a file of {nearest.kind} ({wanted}): this one {lacks}"
    )


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


def _placed(path: Path, rows: Rows, read: Callable[[Iterator[Row]], Iterator[Moment]]) -> Iterator[Moment]:
    try:
        yield from read(rows)
    except ValueError as error:
        raise rows.wrong(str(error)) from error


def _quotes(rows: Iterator[Row]) -> Iterator[Moment]:
    for row in rows:
        perpetual = _pair(row["xbtusd_bid"], row["xbtusd_ask"])
        future = _pair(row["xbtm19_bid"], row["xbtm19_ask"])
        if perpetual is not None:
            yield Moment(time_of(row["timestamp"]), perpetual, future)


@dataclass(frozen=True, slots=True)
class _Bar:
    end: datetime
    high: int
    low: int
    close: int
    is_quiet: bool


def _minutes(rows: Iterator[Row]) -> Iterator[Moment]:
    """Walk the bars with a look at the next one: a lone quiet minute is a calm one."""
    quiet_before = False
    previous: _Bar | None = None
    bars: Iterable[_Bar | None] = chain(map(_bar, rows), (None,))
    for bar in bars:
        if previous is not None:
            out = previous.is_quiet and (quiet_before or (bar is not None and bar.is_quiet))
            yield from _walk(previous, out=out)
            quiet_before = previous.is_quiet
        previous = bar


def _bar(row: Row) -> _Bar:
    high, low, close = (price_of(row[name]) for name in ("high", "low", "close"))
    if not low <= close <= high:
        raise ValueError(f"the close {row['close']} lies outside {row['low']} to {row['high']}")
    return _Bar(time_of(row["ts_bar_end_utc"]), high, low, close, int(row["trades"]) < FEWEST_TRADES)


def _walk(bar: _Bar, *, out: bool) -> Iterator[Moment]:
    if out:
        yield Moment(bar.end - timedelta(minutes=1), None)
        return
    rose = 2 * bar.close >= bar.high + bar.low
    first, then = (bar.low, bar.high) if rose else (bar.high, bar.low)
    for second, price in ((40, first), (20, then), (0, bar.close)):
        yield Moment(bar.end - timedelta(seconds=second), Pair(price, price))


def _hours(rows: Iterator[Row]) -> Iterator[Moment]:
    for row in rows:
        perpetual, linear = row["xbtusd_price"], row["cme_price"]
        held, months = _month(row["cme_contract"]), {}
        if linear:
            months[held] = price_of(linear)
        if row["cme_next_price"]:
            months[_month(row["cme_next_contract"])] = price_of(row["cme_next_price"])
        yield Moment(
            time_of(row["ts_utc"]),
            _pair(perpetual, perpetual) if perpetual else None,
            linear=_pair(linear, linear) if linear else None,
            held=held,
            months=months,
        )


def _month(text: str) -> Month:
    year, month = (int(text[:4]), int(text[4:])) if len(text) == 6 and text.isdigit() else (0, 0)
    if not (year and 1 <= month <= 12):
        raise ValueError(f"no month of a contract: {text!r}")
    return year, month


def _pair(bid: str, ask: str) -> Pair | None:
    """Return a pair of quotes; None if they are crossed."""
    pair = Pair(price_of(bid), price_of(ask))
    return pair if pair.bid <= pair.ask else None


def _no_prices(_: Iterator[Row]) -> Iterator[Moment]:
    return iter(())


FORMATS = (
    Format(
        Kind.QUOTES,
        ("timestamp", "xbtusd_bid", "xbtusd_ask", "xbtm19_bid", "xbtm19_ask"),
        timedelta(minutes=1),
        _quotes,
    ),
    Format(
        Kind.MINUTES,
        ("ts_bar_end_utc", "open", "high", "low", "close", "volume", "trades"),
        timedelta(minutes=2),
        _minutes,
    ),
    Format(
        Kind.HOURS,
        ("ts_utc", "cme_contract", "cme_price", "cme_next_contract", "cme_next_price", "xbtusd_price"),
        timedelta(hours=1, minutes=1),
        _hours,
        has_linear=True,
    ),
    Format(
        Kind.FUNDING,
        ("timestamp", "symbol", "fundingInterval", "fundingRate", "fundingRateDaily"),
        timedelta(hours=8),
        _no_prices,
    ),
)
