"""What the scripted owner wishes: thresholds both ways, rolls, weekends, the end, and what a forced close has left."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.simulator.market.formats import Kind
from bot.model.plans import PlanKind
from bot.runtime.replay.options import Options, Threshold, Weekends
from bot.runtime.replay.recordings import Held, Recording
from bot.runtime.replay.strategy import Holding, Strategy, Wish
from risk.direction import Direction
from risk.sessions import Span

START = datetime(2019, 6, 3, tzinfo=UTC)
JULY, AUGUST = (2019, 7), (2019, 8)
WEEKEND = Span(START + timedelta(days=4, hours=21), START + timedelta(days=6, hours=22))
PRICE = Decimal(8_000)
NOTHING = Holding(0, {})
LONG = Holding(24_000, {JULY: -50})
SHORT = Holding(-40_000, {JULY: 30})


def strategy(**changes: object) -> Strategy:
    ends = START + timedelta(days=30)
    recording = Recording(
        (),
        Kind.HOURS,
        Path("x"),
        None,
        {},
        START,
        ends,
        1,
        (),
        (Held(JULY, START + timedelta(days=20)), Held(AUGUST, ends)),
    )
    return Strategy(Options(**changes), recording, (WEEKEND,))  # type: ignore[arg-type]


def wish(
    of: Strategy, held: Holding, basis: int | None, days: float = 1, *, quoted: bool = True
) -> tuple[PlanKind, tuple[int, int], bool] | None:
    told = None if basis is None else Decimal(basis)
    found: Wish | None = of.wish(START + timedelta(days=days), held, told, told, PRICE, next_is_quoted=quoted)
    return None if found is None else (found.kind, found.month, found.collateral)


def test_without_thresholds_it_is_opened_at_once_and_held() -> None:
    it = strategy()
    assert wish(it, NOTHING, -50) == (PlanKind.OPEN, JULY, True)
    assert wish(it, NOTHING, None) is None
    assert wish(it, LONG, -500) is None


def test_thresholds_in_dollars_and_in_per_cent_of_the_price() -> None:
    dollars = strategy(open_at=Threshold(Decimal(100)), close_at=Threshold(Decimal(60)))
    percent = strategy(open_at=Threshold(Decimal(1), True), close_at=Threshold(Decimal("0.5"), True))
    for it, at, below in ((dollars, 100, 99), (percent, 80, 79)):
        assert wish(it, NOTHING, at) == (PlanKind.OPEN, JULY, True)
        assert wish(it, NOTHING, below) is None
    for it, at, above in ((dollars, 60, 61), (percent, 40, 41)):
        assert wish(it, LONG, at) == (PlanKind.CLOSE, JULY, False)
        assert wish(it, LONG, above) is None


def test_the_other_direction_buys_what_is_cheap() -> None:
    it = strategy(
        direction=Direction.SHORT_INVERSE, open_at=Threshold(Decimal(20)), close_at=Threshold(Decimal(60))
    )
    assert wish(it, NOTHING, 20) == (PlanKind.OPEN, JULY, True)
    assert wish(it, NOTHING, 21) is None
    assert wish(it, SHORT, 60) == (PlanKind.CLOSE, JULY, False)
    assert wish(it, SHORT, 59) is None


def test_a_month_is_left_three_days_before_its_prices_end_if_the_next_can_be_had() -> None:
    it = strategy()
    assert wish(it, LONG, 0, 16.9) is None
    assert wish(it, LONG, 0, 17.1) == (PlanKind.CLOSE, JULY, True)  # the hedge is in that month too
    assert wish(it, LONG, 0, 17.1, quoted=False) is None
    assert wish(it, LONG, 0, 19.6, quoted=False) == (PlanKind.CLOSE, JULY, True)
    assert wish(it, NOTHING, 0, 17.1) == (PlanKind.OPEN, AUGUST, True)
    other = strategy(direction=Direction.SHORT_INVERSE)
    assert wish(other, SHORT, 0, 17.1) == (PlanKind.CLOSE, JULY, False)  # there it is in the perpetual


def test_weekends() -> None:
    kept, closed = strategy(), strategy(weekends=Weekends.CLOSE)
    friday, before, monday = 4 + 19 / 24, 4 + 17 / 24, 7
    assert wish(kept, LONG, 0, friday) is None
    assert wish(closed, LONG, 0, before) is None
    assert wish(closed, LONG, 0, friday) == (PlanKind.CLOSE, JULY, False)
    assert wish(closed, NOTHING, 0, friday) is None
    assert wish(closed, Holding(0, {JULY: -20}), 0, friday) is None  # the collateral's hedge stays
    assert wish(closed, NOTHING, 0, monday) == (PlanKind.OPEN, JULY, True)


def test_at_the_end_and_after_a_forced_close_everything_comes_down() -> None:
    it = strategy()
    assert wish(it, LONG, 0, 29.95) == (PlanKind.CLOSE, JULY, True)
    assert wish(it, NOTHING, 0, 29.95) is None
    it.over = "forced"
    assert wish(it, Holding(0, {JULY: -50}), 0) == (PlanKind.CLOSE, JULY, True)
    assert wish(it, NOTHING, 500) is None
