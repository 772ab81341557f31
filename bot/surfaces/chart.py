"""Line charts as SVG inside a page: axes, ticks, shaded spans, a title on every point of note. No script, no fetch.

Colours are CSS classes of the page (``line0`` …, ``grid``, ``shade``), so that dark and light are the page's affair.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 10, 24
_BUCKETS = 480
"""Points drawn of one line: of more, the lowest and the highest of each bucket."""

Point = tuple[datetime, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """``points`` by time; None breaks the line. ``steps``: the last value stands until the next."""

    name: str
    points: Sequence[Point]
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """``unit``: what the axis counts. ``shades``: spans drawn behind. ``least``, ``most``: the axis ends no nearer."""

    title: str
    unit: str
    lines: Sequence[Line]
    shades: Sequence[tuple[datetime, datetime]] = ()
    note: str = ""
    least: float | None = None
    most: float | None = None
    marks: Sequence[tuple[datetime, str]] = field(default_factory=tuple)


def figure(chart: Chart) -> str:
    """Return a chart as an HTML figure."""
    drawn = [Line(line.name, thinned(line.points), line.steps) for line in chart.lines]
    values = [value for line in drawn for _, value in line.points if value is not None]
    times = [at for line in chart.lines for at, _ in line.points]
    if not values or not times or min(times) == max(times):
        return f"<figure><figcaption>{escape(chart.title)}</figcaption><p>nothing was recorded</p></figure>"
    ticks = _ticks(
        min(values) if chart.least is None else min(chart.least, *values),
        max(values) if chart.most is None else max(chart.most, *values),
    )
    area = _Area(min(times), max(times), ticks[0], ticks[-1])
    body = [
        *_shades(chart, area),
        *_rows(ticks, area, chart.unit),
        *_columns(area),
        *(_path(number, line, area) for number, line in enumerate(drawn)),
        *(_extremes(number, line, area, chart.unit) for number, line in enumerate(drawn)),
        *_marks(chart, area),
    ]
    legend = "".join(
        f'<span class="key"><i class="line{number}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(drawn)
    )
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    return (
        f"<figure><figcaption>{escape(chart.title)} <small>{escape(chart.unit)}</small></figcaption>"
        f'<div class="legend">{legend}</div><div class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title, quote=True)}">{"".join(body)}</svg></div>{note}</figure>'
    )


def thinned(points: Sequence[Point], buckets: int = _BUCKETS) -> Sequence[Point]:
    """Return few enough points to draw, none of the extremes lost: of each bucket the lowest and the highest."""
    if len(points) <= 2 * buckets:
        return points
    kept: list[Point] = []
    size = -(-len(points) // buckets)
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        told = [(value, place) for place, (_, value) in enumerate(bucket) if value is not None]
        gaps = [place for place, (_, value) in enumerate(bucket) if value is None]
        places = {min(told)[1], max(told)[1]} if told else set()
        kept += [bucket[place] for place in sorted(places | set(gaps[:1]))]
    return [points[0], *kept, points[-1]]


@dataclass(frozen=True, slots=True)
class _Area:
    starts: datetime
    ends: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        share = (at - self.starts) / (self.ends - self.starts)
        return round(_LEFT + min(max(share, 0.0), 1.0) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers that enclose ``low`` and ``high``: steps of 1, 2 or 5 times a power of ten."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / wanted))
    step = next((power * one for one in (1, 2, 5, 10) if span / (power * one) <= wanted), power * 10)
    first, last = floor(low / step), -floor(-high / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _shades(chart: Chart, area: _Area) -> Iterable[str]:
    for start, end in chart.shades:
        left, right = area.x(start), area.x(end)
        if right > left:
            height = HEIGHT - _TOP - _BOTTOM
            yield (
                f'<rect class="shade" x="{left}" y="{_TOP}" width="{right - left:.1f}" height="{height}">'
                f"<title>CME closed {start:%F %R} to {end:%F %R} UTC</title></rect>"
            )


def _rows(ticks: Sequence[float], area: _Area, unit: str) -> Iterable[str]:
    step = ticks[1] - ticks[0]
    places = max(0, -floor(log10(step) + 1e-9))
    for tick in ticks:
        y = area.y(tick)
        label = f"{tick + 0.0:,.{places}f}"
        name = "zero" if abs(tick) < step / 1e6 and unit else "grid"
        yield f'<line class="{name}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="tick" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'


def _columns(area: _Area) -> Iterable[str]:
    for at, label in _dates(area.starts, area.ends):
        x = area.x(at)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        anchor = "end" if x > WIDTH - 3 * _RIGHT else "middle"
        yield f'<text class="tick" x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{label}</text>'


def _dates(starts: datetime, ends: datetime) -> Iterable[tuple[datetime, str]]:
    """Return months, days or hours, whichever are few enough to be read."""
    span = ends - starts
    if span > timedelta(days=62):
        year, month = starts.year, starts.month
        every = 1 if span < timedelta(days=400) else 3
        while (at := datetime(year, month, 1, tzinfo=UTC)) <= ends:
            if at >= starts and (month - 1) % every == 0:
                yield at, f"{at:%b}" if month > 1 else f"{at:%Y}"
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return
    days = span / timedelta(days=1)
    if days > 2:
        step = next((timedelta(days=one) for one in (1, 2, 4, 7) if days / one <= 10), timedelta(days=7))
        at = datetime(starts.year, starts.month, starts.day, tzinfo=UTC) + timedelta(days=1)
        form = "%-d %b"
    else:
        step = timedelta(hours=next((one for one in (1, 2, 3, 6) if days * 24 / one <= 10), 6))
        at = datetime(starts.year, starts.month, starts.day, tzinfo=UTC)
        form = "%H:%M"
    while at <= ends:
        if at >= starts:
            yield at, f"{at:{form}}"
        at += step


def _path(number: int, line: Line, area: _Area) -> str:
    told: list[str] = []
    pen_down = False
    last = 0.0
    for at, value in line.points:
        if value is None:
            pen_down = False
            continue
        x, y = area.x(at), area.y(value)
        if not pen_down:
            told.append(f"M{x} {y}")
        elif line.steps:
            told.append(f"L{x} {last}L{x} {y}")
        else:
            told.append(f"L{x} {y}")
        pen_down, last = True, y
    return f'<path class="line line{number}" d="{"".join(told)}"><title>{escape(line.name)}</title></path>'


def _extremes(number: int, line: Line, area: _Area, unit: str) -> str:
    told = [(value, at) for at, value in line.points if value is not None]
    if not told:
        return ""
    dots = []
    for what, (value, at) in (("lowest", min(told)), ("highest", max(told)), ("last", told[-1])):
        label = f"{line.name}: {what} {value:,.2f} {unit} on {at:%F %R} UTC"
        dots.append(
            f'<circle class="dot line{number}" cx="{area.x(at)}" cy="{area.y(value)}" r="3">'
            f"<title>{escape(label)}</title></circle>"
        )
    return "".join(dots)


def _marks(chart: Chart, area: _Area) -> Iterable[str]:
    for at, label in chart.marks:
        x = area.x(at)
        yield (
            f'<line class="mark" x1="{x}" x2="{x}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}">'
            f"<title>{escape(label)}</title></line>"
        )
