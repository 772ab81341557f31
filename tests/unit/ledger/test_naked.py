"""How naked a plan was, added up by hand: also where the venue restates a trade, within the plan and after its end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.ledger.naked import Exposure

T0 = datetime(2026, 11, 23, tzinfo=UTC)
LOT = Decimal("0.00125")
TENTH = 10_000_000


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_a_hedge_taken_back_is_naked_until_it_is_hedged_again() -> None:
    """0.3 for 1 s; hedged for 4 s; then 0.3 again for 2 s."""
    exposure = Exposure()
    exposure.trade(-3 * TENTH, at(0), LOT)
    exposure.trade(3 * TENTH, at(1), LOT)
    exposure.trade(-3 * TENTH, at(5), None)
    exposure.trade(3 * TENTH, at(7), LOT)
    told = exposure.result("p1", at(100))
    assert (told.max_naked_delta_xbt, told.naked_xbt_seconds) == (Decimal("0.3"), Decimal("0.9"))
    assert told.longest_naked_seconds == 2


def test_after_the_end_what_is_restated_counts_and_the_rest_does_not() -> None:
    """0.1 is carried at the end, and waits for no hedge; 0.3 taken back later is naked for 2 s."""
    exposure = Exposure()
    exposure.trade(TENTH, at(0), LOT)
    exposure.finish(at(1))
    exposure.trade(-3 * TENTH, at(51), None)
    exposure.trade(3 * TENTH, at(53), LOT)
    told = exposure.result("p1", at(100))
    assert told.naked_xbt_seconds == Decimal("0.1") + Decimal("0.6")
    assert told.longest_naked_seconds == 2
