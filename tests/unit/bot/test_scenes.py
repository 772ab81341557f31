"""The demonstration's nights: what happens when, and that what happens is what the watches are looked at for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.simulator.scenario import Scenario
from adapters.simulator.scenario_file import parse
from bot.model.plans import Cause
from bot.runtime.scenes import NIGHT, SCENES, WATCHES, schedule
from config.load import load_profile

STARTS = [datetime(2026, 11, 22, 12, 30, second, tzinfo=UTC) for second in (0, 1, 9, 10, 11, 59)]


def played(name: str, now: datetime) -> tuple[Scenario, float]:
    night = schedule(SCENES[name], Decimal(3), now)
    text = f"[inverse]\nwallet = {night.wallet:f}\n{night.inverse}\n[linear]\n{night.linear}\n"
    return parse(text), night.lasts


@pytest.mark.parametrize("now", STARTS)
def test_a_night_closes_for_a_whole_minute_with_the_deposit_in_it_and_the_orphan_after(now: datetime) -> None:
    scenario, lasts = played(NIGHT, now)
    first, second = scenario.linear.sessions.intervals or ()
    closes, opens = first.closes, second.opens
    # The broker's hours know no seconds.
    assert (closes.second, opens - closes) == (0, timedelta(minutes=1))
    # Opened first, then a minute's lead before the close.
    assert timedelta(seconds=110) <= closes - now <= timedelta(seconds=170)
    ((deposited, amount),) = scenario.inverse.deposits
    ((orphaned, part),) = scenario.inverse.deleveraged
    assert closes < now + deposited < opens - timedelta(seconds=30) < opens < now + orphaned
    assert (amount, part) == (50_000_000, 400_000)
    assert orphaned.total_seconds() < lasts < 330


@pytest.mark.parametrize("name", SCENES)
def test_each_is_about_what_it_says(name: str) -> None:
    scenario, lasts = played(name, STARTS[2])
    causes = SCENES[name].causes
    assert (scenario.linear.sessions.intervals is not None) is (Cause.CLOSURE in causes)
    assert bool(scenario.inverse.deposits) is (Cause.COLLATERAL in causes)
    assert bool(scenario.inverse.deleveraged) is (Cause.ORPHAN in causes)
    assert 60 < lasts < 330


def test_the_watches_of_a_night_are_settings() -> None:
    settings = load_profile("demo", WATCHES)
    assert settings.automation.closure is not None
    assert settings.automation.closure.stops is not None
