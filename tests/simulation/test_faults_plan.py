"""Fault plans by themselves: rates, seeds, counts, what lasts; and the scenario file that states them."""

from datetime import timedelta

import pytest

from adapters.simulator.bitmex.faults import BITMEX_FAULTS, Faults
from adapters.simulator.faults import FaultKind, FaultPlan, FaultRates
from adapters.simulator.scenario import ScenarioError
from adapters.simulator.scenario_file import parse
from tests.integration.bitmex_server_client import HandClock, day

LOST, HUNG = FaultKind.LOST, FaultKind.HUNG


def plan(seed: int = 1, clock: HandClock | None = None, **rates: int) -> FaultPlan:
    told = {FaultKind(name): rate for name, rate in rates.items()}
    return FaultPlan(FaultRates(told), seed, clock or HandClock(day()))


def drawn(source: FaultPlan, kind: FaultKind, times: int) -> list[bool]:
    return [source.strikes(kind) for _ in range(times)]


def test_a_seed_repeats_and_kinds_do_not_disturb_one_another() -> None:
    first = drawn(plan(7, lost=100_000), LOST, 500)
    other = plan(7, lost=100_000, late=500_000)
    mixed = [(other.strikes(FaultKind.LATE), other.strikes(LOST))[1] for _ in range(500)]
    assert first == mixed
    assert first != drawn(plan(8, lost=100_000), LOST, 500)


def test_a_rate_is_a_share_of_the_opportunities_and_what_happens_is_counted() -> None:
    source = plan(lost=100_000, late=0)
    happened = sum(drawn(source, LOST, 2_000))
    assert 140 <= happened <= 260  # a tenth of 2,000: 200, give or take 4.5 standard deviations of 13.4
    assert not any(drawn(source, FaultKind.LATE, 100))
    assert source.counts == {LOST: happened}
    assert all(drawn(plan(lost=1_000_000), LOST, 50))


def test_a_rated_kind_that_has_not_happened_counts_zero() -> None:
    assert plan(lost=1).counts == {LOST: 0}


def test_forced_faults_come_first_and_whatever_the_rate() -> None:
    source = plan()
    source.force(LOST, 2)
    assert drawn(source, LOST, 4) == [True, True, False, False]
    assert source.counts == {LOST: 2}


def test_what_lasts_lasts_and_is_counted_once() -> None:
    clock = HandClock(day())
    source = FaultPlan(FaultRates({HUNG: 1_000_000}, {HUNG: timedelta(seconds=3)}), 1, clock)
    assert source.remaining(HUNG) == 0
    assert source.lasting(HUNG)
    clock.move(seconds=2)
    assert source.lasting(HUNG)
    assert source.remaining(HUNG) == pytest.approx(1)
    assert source.counts == {HUNG: 1}
    clock.move(seconds=1)
    assert source.remaining(HUNG) == 0
    assert source.lasting(HUNG)  # another one
    assert source.counts == {HUNG: 2}


def test_nothing_happens_in_the_quiet_time_and_never_more_than_at_most() -> None:
    clock = HandClock(day())
    rates = FaultRates({LOST: 1_000_000}, quiet=timedelta(seconds=5), at_most=3)
    source = FaultPlan(rates, 1, clock)
    assert drawn(source, LOST, 10) == [False] * 10
    clock.move(seconds=5)
    assert drawn(source, LOST, 5) == [True, True, True, False, False]


def test_a_plan_can_be_switched_off_and_on() -> None:
    source = plan(lost=1_000_000)
    source.enabled = False
    assert drawn(source, LOST, 5) == [False] * 5
    source.enabled = True
    assert drawn(source, LOST, 2) == [True, True]


def test_wrong_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="lost must be 0 to 1000000 ppm, not 1000001"):
        FaultRates({LOST: 1_000_001})
    with pytest.raises(ValueError, match="lost does not last"):
        FaultRates(lasts={LOST: timedelta(seconds=1)})
    with pytest.raises(ValueError, match="hung must last some time"):
        FaultRates(lasts={HUNG: timedelta(0)})


def test_the_venue_refuses_a_plan_with_faults_it_has_not() -> None:
    assert FaultKind.GATEWAY_RESTART not in BITMEX_FAULTS  # it has no gateway
    with pytest.raises(ValueError, match="BitMEX has no fault gateway_restart"):
        Faults(plan(gateway_restart=1, lost=1))
    assert Faults(plan(gateway_restart=0, lost=1)).plan.counts == {LOST: 0}


def test_a_scenario_states_faults() -> None:
    told = parse(
        "[inverse.faults]\nquiet_seconds = 5\nat_most = 3\nunanswered = 0.05\nhung = 0.000001\n"
        "hung_milliseconds = 2500\n"
    ).inverse.faults
    assert told == FaultRates(
        {FaultKind.UNANSWERED: 50_000, HUNG: 1},
        {HUNG: timedelta(seconds=2.5)},
        timedelta(seconds=5),
        3,
    )
    assert parse("").inverse.faults == FaultRates()


def test_a_scenario_may_let_the_venue_shed_load() -> None:
    assert parse("[inverse]\nsheds_load = true").inverse.sheds_load
    assert not parse("").inverse.sheds_load
    with pytest.raises(ScenarioError, match="sheds_load: must be true or false"):
        parse("[inverse]\nsheds_load = 1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gateway_restart = 0.1", "faults: this venue has no fault gateway_restart"),
        ("unanswered = 2", r"\[inverse.faults\] unanswered: must be from 0 to 1, not 2"),
        ("unanswered_milliseconds = 5", "unanswered does not last"),
        ("hung_milliseconds = 0", r"\[inverse.faults\] hung_milliseconds: must be a whole number from 1"),
        ("colour = 1", "no such fault or setting: colour"),
        ("at_most = 0", "at_most: must be a whole number from 1"),
    ],
)
def test_a_scenario_with_wrong_faults_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        parse(f"[inverse.faults]\n{text}")
    with pytest.raises(ScenarioError, match="must be a table"):
        parse("[inverse]\nfaults = 3")
