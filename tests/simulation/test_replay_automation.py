"""A replay with the automation beside the same without it: what it did, what that cost, and what was worth it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.model.plans import Cause
from bot.runtime.logs import silent
from bot.runtime.policy import policy
from bot.runtime.replay import Beside, Options, Replayed, examine, replay, watched
from bot.runtime.replay.page import page
from bot.runtime.replay.report import as_json
from config.load import load_profile
from risk.standing import Use
from tests.simulation.recordings import hourly

D = Decimal
SIM = load_profile("sim", {})
HELD = Options(
    size=D(3),
    tranches=1,
    wallet=60_000_000,
    cash=41_000 * 10**8,
    standing=(Use.REDUCE, Use.COLLATERAL, Use.ORPHAN),
    asleep=True,
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Beside:
    """Six days around 9,000, a weekend among them over which it falls to 7,000: 0.6 XBT under 3 are gone at −16.3 %."""
    path = hourly(
        tmp_path_factory.mktemp("prices") / "hours.csv",
        lambda hours: 9_000 if hours < 70 else 7_000,
        lambda _: 90,
        days=6,
    )
    recording = examine([path])
    alone = replace(HELD, standing=(), asleep=False)
    rules = watched(SIM, HELD)
    with silent():
        without = replay(recording, alone, policy(SIM.limits))
        return Beside.of(without, replay(recording, HELD, rules), rules)


def test_it_is_worth_a_liquidation_and_costs_what_it_traded(both: Beside) -> None:
    assert both.without.forced
    assert both.without.own == ()
    assert both.watched.forced == ()
    done = {one.cause: one for one in both.watched.own}
    closure = done[Cause.CLOSURE]
    assert closure.plans >= 1
    assert closure.inverse_xbt == pytest.approx(closure.linear_xbt, abs=D("0.02"))
    # At 9,000, for each XBT: 0.05 % and half of 0.50 USD there; half of 10 USD and ten commissions of 2.37 USD here.
    each = D(9_000) * D("0.0005") + D("0.25") + 5 + D("23.7")
    assert closure.cost == pytest.approx(closure.linear_xbt * each, rel=D("0.02"))
    rows = {name: (first, second) for name, first, second in both.rows}
    assert rows["positions closed by force"] == ("1 fills, bitmex", "none")
    assert rows["naked Δ, XBT·hours"][0] > "0"


def test_the_stops_come_off_soon_after_the_open(both: Beside) -> None:
    opens = datetime(2019, 6, 23, 22, tzinfo=UTC)
    rested = [plan for plan in both.watched.plans if plan.spec.cause is Cause.STOPS]
    assert rested
    assert all(plan.ended_at is not None and plan.ended_at < opens + timedelta(hours=1) for plan in rested)


def test_the_page_and_the_json_show_both(both: Beside) -> None:
    told = page(both.watched, both)
    assert "<h2>The automation</h2>" in told
    assert "1 fills, bitmex" in told
    assert "transfers it asked for" in told
    assert "The automation" not in page(both.without)
    found = as_json(both.watched, both)["automation"]
    assert (found["without"]["forced_fills"], found["with"]["forced_fills"]) == (1, 0)
    assert D(found["with"]["own_cost_usd"]) > 0 == D(found["without"]["own_cost_usd"])
    assert "automation" not in as_json(both.without)


def test_what_is_assumed_of_it_is_said(both: Beside) -> None:
    told = " ".join(both.watched.assumptions)
    assert "The bot watches by itself: collateral, margin, closure, orphan" in told
    assert "answers for reduce, collateral, orphan; nobody answers anything else" in told
    assert "watches by itself" not in " ".join(both.without.assumptions)


def test_nobody_awake_leaves_the_rest_unanswered(tmp_path: Path) -> None:
    """Without a standing approval for it, no one takes the spread down before the weekend."""
    path = hourly(tmp_path / "hours.csv", lambda _: 9_000, lambda _: 90, days=4)
    options = replace(HELD, standing=())

    def held_over_the_weekend(options: Options) -> Replayed:
        with silent():
            return replay(examine([path]), options, watched(SIM, options))

    asleep = held_over_the_weekend(options)
    assert [one for one in asleep.own if one.cause is Cause.CLOSURE]
    assert not any(one.linear_xbt for one in asleep.own)
    [answered] = [
        one
        for one in held_over_the_weekend(replace(options, asleep=False, approve_after=timedelta(0))).own
        if one.cause is Cause.CLOSURE
    ]
    # Each XBT needs 1 / 0.8 − 0.995 = 0.255 of equity, a tenth more to spare: 0.6 carry 2.14 of 3, in steps of 0.1.
    assert answered.linear_xbt == D("0.9")


def test_what_is_opened_leaves_the_day_s_budget_for_taking_it_down(tmp_path: Path) -> None:
    """3 XBT are opened, and within the day 12 % are lost: 5 XBT a day would not hold both."""
    path = hourly(tmp_path / "hours.csv", lambda hours: 9_000 if hours < 8 else 7_920, lambda _: 90, days=1)
    options = replace(HELD, standing=(Use.OPEN, Use.REDUCE))
    with silent():
        result = replay(examine([path]), options, watched(SIM, options))
    assert result.forced == ()
    [margin] = [one for one in result.own if one.cause is Cause.MARGIN]
    assert margin.linear_xbt > D("2.1")
    [reduction] = [plan for plan in result.plans if plan.spec.cause is Cause.MARGIN]
    assert reduction.ended_at is not None
    # What a watch proposes is seen to at once, not at the next look five minutes later.
    assert reduction.ended_at - reduction.proposed_at < timedelta(seconds=30)


def test_a_ladder_comes_off_once_the_market_has_been_quoted_for_so_long(tmp_path: Path) -> None:
    """Both books quoted for a quarter of an hour; a look that saw old quotes would begin to count anew."""
    path = hourly(tmp_path / "hours.csv", lambda _: 9_000, lambda _: 90, days=6)
    options = replace(HELD, standing=(Use.REDUCE, Use.COLLATERAL, Use.OPEN))
    with silent():
        result = replay(examine([path]), options, watched(SIM, options))
    opens = datetime(2019, 6, 23, 22, tzinfo=UTC)
    [rested] = [plan for plan in result.plans if plan.spec.cause is Cause.STOPS]
    assert rested.ended_at is not None
    assert timedelta(minutes=15) <= rested.ended_at - opens < timedelta(minutes=25)


def test_a_book_the_bot_has_emptied_is_shown_again(tmp_path: Path) -> None:
    """The last order of a pair takes what is shown at CME; the collateral's hedge, approved at once, waits for more."""
    path = hourly(tmp_path / "hours.csv", lambda _: 9_000, lambda _: 90, days=1)
    options = replace(HELD, size=D(1), wallet=120_000_000, cash=60_000 * 10**8, approve_after=timedelta(0))
    for seed in range(5, 10):
        with silent():
            result = replay(examine([path]), replace(options, seed=seed), watched(SIM, options))
        assert [(plan.spec.plan_id, plan.reason) for plan in result.plans] == [
            ("r1", "every tranche is done"),
            ("r2", "every tranche is done"),
        ]


def test_a_profile_that_watches_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="watches nothing that a replay shows"):
        watched(load_profile("demo", {}), HELD)
