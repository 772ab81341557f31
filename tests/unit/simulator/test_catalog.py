"""Contracts the simulated venues list: terms, names, ends."""

from datetime import UTC, date, datetime

import pytest

from adapters.simulator.exchange.catalog import (
    btc,
    cme_expiry,
    front_month,
    last_friday,
    mbt,
    xbt_future,
    xbtusd,
)


@pytest.mark.parametrize(
    ("year", "month", "end"),
    [
        (2026, 12, datetime(2026, 12, 24, 16, tzinfo=UTC)),  # Christmas is the last Friday
        (2027, 3, datetime(2027, 3, 25, 16, tzinfo=UTC)),  # Good Friday is
        (2025, 12, datetime(2025, 12, 24, 16, tzinfo=UTC)),  # Boxing Day, and Christmas before it
        (2026, 11, datetime(2026, 11, 27, 16, tzinfo=UTC)),
        (2027, 6, datetime(2027, 6, 25, 15, tzinfo=UTC)),  # summer time in London
    ],
)
def test_cme_contracts_end_on_the_last_business_friday(year: int, month: int, end: datetime) -> None:
    assert cme_expiry(year, month) == end


def test_inverse_futures_ignore_holidays() -> None:
    assert xbt_future(2026, 12).symbol == "XBTZ26"
    assert xbt_future(2026, 12).expiry == datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert xbt_future(2027, 3).expiry == datetime(2027, 3, 26, 12, tzinfo=UTC)
    assert last_friday(2024, 2) == date(2024, 2, 23)
    assert last_friday(2027, 12) == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), (2026, 11)),
        (datetime(2026, 11, 22, tzinfo=UTC), (2026, 12)),
        (datetime(2026, 12, 11, tzinfo=UTC), (2027, 1)),
    ],
)
def test_the_front_month_has_two_weeks_to_live(now: datetime, month: tuple[int, int]) -> None:
    assert front_month(now) == month


def test_terms() -> None:
    assert (xbtusd().lot, xbtusd().tick, xbtusd().rounding_unit, xbtusd().taker_fee) == (100, 10, 100, 500)
    assert xbt_future(2026, 12).tick == 50
    micro, full = mbt(2026, 12), btc(2027, 3)
    assert (micro.symbol, micro.tick, micro.multiplier) == ("MBTZ6", 500, 10_000_000)
    assert (full.symbol, full.tick, full.multiplier) == ("BTCH7", 500, 500_000_000)
    assert (micro.initial_margin_long, micro.initial_margin_short) == (500_000, 1_000_000)
