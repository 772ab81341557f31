"""What a standing approval holds, limit by limit, and what is too wide for a profile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.orders import Side
from risk.standing import (
    Asked,
    Spent,
    StandingApproval,
    StandingLimits,
    Use,
    refusal,
    scopes_for,
    too_wide,
)

D = Decimal
NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)
INVERSE, LINEAR = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", "MBT")
LIMITS = StandingLimits(timedelta(days=31), D(5), D(20), D("0.4"))
# To reduce the spread long-inverse: buy CME back, sell BitMEX, both only down.
WEEKEND = StandingApproval(
    standing_id="s1",
    scopes=scopes_for([Use.REDUCE], Direction.LONG_INVERSE, INVERSE, LINEAR),
    daily_xbt=D(1),
    total_xbt=D(3),
    max_delta_xbt=D("0.5"),
    price_low=D(60_000),
    price_high=D(100_000),
    ends_at=NOW + timedelta(days=30),
    by="anna",
    max_basis=D(900),
    max_ticket_xbt=D("0.4"),
)
BUY = Asked(LINEAR, Side.BUY, True, D("0.4"), D(76_000), D(84_000), max_basis=D(850))
SELL = Asked(INVERSE, Side.SELL, True, D("0.41"), D(76_000), D(84_000), leads=False)


def refused(
    standing: StandingApproval = WEEKEND,
    legs: tuple[Asked, ...] = (BUY, SELL),
    use: Use = Use.REDUCE,
    naked: str = "0.4",
    spent: Spent | None = None,
    at: datetime = NOW,
) -> str | None:
    found = refusal(standing, use, legs, D(naked), spent or Spent(), at)
    return None if found is None else found.code


def test_what_it_holds() -> None:
    assert refused() is None
    assert refused(spent=Spent(D("0.6"), D("2.6"))) is None  # to the last of both budgets
    assert refused(at=WEEKEND.ends_at - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"use": Use.CLOSE}, "STANDING_SCOPE"),
        ({"legs": (replace(BUY, side=Side.SELL), SELL)}, "STANDING_SCOPE"),
        ({"legs": (BUY, replace(SELL, reduce_only=False))}, "STANDING_SCOPE"),
        ({"legs": (replace(BUY, instrument=InstrumentId("cme", "BTC")), SELL)}, "STANDING_SCOPE"),
        ({"at": WEEKEND.ends_at}, "STANDING_ENDED"),
        ({"legs": (replace(BUY, price_low=D("59999.9")), SELL)}, "STANDING_PRICE"),
        ({"legs": (BUY, replace(SELL, price_high=D("100000.1")))}, "STANDING_PRICE"),
        ({"legs": (replace(BUY, max_basis=D(901)), SELL)}, "STANDING_BASIS"),
        ({"legs": (replace(BUY, max_basis=None), SELL)}, "STANDING_BASIS"),
        ({"legs": (replace(BUY, xbt=D("0.40000001")), SELL)}, "STANDING_TICKET"),
        ({"naked": "0.50000001"}, "STANDING_DELTA"),
        ({"spent": Spent(D("0.60000001"), D("0.60000001"))}, "STANDING_DAY"),
        ({"spent": Spent(D(0), D("2.60000001"))}, "STANDING_TOTAL"),
    ],
)
def test_what_breaks_it(change: dict[str, object], code: str) -> None:
    assert refused(**change) == code  # type: ignore[arg-type]


def test_the_hedge_answers_and_takes_no_budget() -> None:
    assert refused(legs=(BUY, replace(SELL, xbt=D(50)))) is None


def test_a_budget_said_in_what_is_left() -> None:
    found = refusal(WEEKEND, Use.REDUCE, (BUY,), D("0.4"), Spent(D("0.7"), D("0.7")), NOW)
    assert found is not None
    assert (found.limit, found.given) == ("0.3 XBT left of 1", "0.4 XBT")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ends_at": NOW + timedelta(days=31, seconds=1)}, "limits.standing_days"),
        ({"daily_xbt": D("5.1"), "total_xbt": D(6)}, "limits.standing_daily_xbt"),
        ({"total_xbt": D("20.1")}, "limits.standing_total_xbt"),
        ({"max_delta_xbt": D("1.1")}, "no more than the day's 1 XBT"),
        # 40 % round 80,000 are 48,000 to 112,000.
        ({"price_low": D(47_999)}, "48000 to 112000 (limits.standing_price_band_percent)"),
        ({"price_high": D(112_001)}, "limits.standing_price_band_percent"),
    ],
)
def test_what_is_too_wide(change: dict[str, object], words: str) -> None:
    assert too_wide(WEEKEND, LIMITS, [D(80_000)], NOW) is None
    found = too_wide(replace(WEEKEND, **change), LIMITS, [D(80_000)], NOW)  # type: ignore[arg-type]
    assert found is not None
    assert found.code == "STANDING_TOO_WIDE"
    assert words in found.limit


def test_one_that_has_ended_cannot_be_given() -> None:
    found = too_wide(replace(WEEKEND, ends_at=NOW), LIMITS, [D(80_000)], NOW)
    assert found is not None
    assert found.code == "STANDING_ENDED"


def test_what_uses_come_to() -> None:
    def shown(use: Use, direction: Direction, *, either: bool = False) -> list[str]:
        scopes = scopes_for([use], direction, INVERSE, LINEAR, either_venue=either)
        return [f"{s.side} {s.instrument.venue}{' reduce' if s.reduce_only else ''}" for s in scopes]

    long, short = Direction.LONG_INVERSE, Direction.SHORT_INVERSE
    assert shown(Use.OPEN, long) == ["sell cme", "buy bitmex"]
    assert shown(Use.OPEN, short) == ["buy cme", "sell bitmex"]
    assert shown(Use.CLOSE, long) == ["buy cme reduce", "sell bitmex reduce"]
    assert shown(Use.ORPHAN, short) == [
        "sell cme reduce",
        "buy bitmex reduce",
        "buy cme reduce",  # a late fill may have turned what stands alone
        "sell bitmex reduce",
    ]
    assert shown(Use.COLLATERAL, long) == ["sell cme", "buy cme reduce"]
    assert shown(Use.COLLATERAL, short) == ["sell bitmex", "buy bitmex reduce"]
    # At the other venue the spread's long leg shrinks and grows; later it moves back, a pair either way round.
    both = ["sell cme", "buy cme reduce", "sell bitmex", "buy bitmex"]
    assert shown(Use.COLLATERAL, long, either=True) == both
    both = ["sell bitmex", "buy bitmex reduce", "sell cme", "buy cme"]
    assert shown(Use.COLLATERAL, short, either=True) == both
    assert shown(Use.ROLL, long) == ["buy cme reduce", "sell bitmex reduce", "sell cme"]


def test_the_hash_is_of_everything_shown() -> None:
    hashes = {WEEKEND.content_hash()}
    for change in (
        {"daily_xbt": D("1.1")},
        {"total_xbt": D(4)},
        {"max_delta_xbt": D("0.6")},
        {"price_low": D(60_001)},
        {"ends_at": NOW + timedelta(days=29)},
        {"by": "ben"},
        {"max_basis": None},
        {"min_basis": D(1)},
        {"max_ticket_xbt": None},
        {"standing_id": "s2"},
        {"scopes": WEEKEND.scopes[:1]},
    ):
        hashes.add(replace(WEEKEND, **change).content_hash())
    assert len(hashes) == 12


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ()},
        {"daily_xbt": D(4)},
        {"daily_xbt": D(0)},
        {"max_ticket_xbt": D(-1)},
        {"price_low": D(100_001)},
        {"min_basis": D(901)},
        {"max_basis": D("nan")},
        {"ends_at": datetime(2026, 12, 1)},  # noqa: DTZ001 - naive is what is refused
    ],
)
def test_what_is_none_at_all(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(WEEKEND, **change)  # type: ignore[arg-type]
