"""Whatever two venues do to the decisions, what is promised holds; and once they behave, everything is hedged."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bot.model.legging import Style
from bot.model.plans import ApprovalMode, PlanKind
from risk.approval import Purpose
from risk.direction import Direction
from risk.terms import Kind
from tests.property.core_runs import run
from tests.property.orders_promises import begun, check_books, check_hedged, live
from tests.unit.bot.desk import XBTUSD

cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "direction": st.sampled_from(Direction),
        "kind": st.sampled_from((PlanKind.OPEN, PlanKind.CLOSE)),
        "tranches": st.integers(1, 3),
        "collateral": st.booleans(),
        "steps": st.integers(20, 300),
        "working": st.sampled_from(Kind),
        "style": st.sampled_from(Style),
        "approval": st.sampled_from(ApprovalMode),
        "standing": st.sampled_from(("", "0.5", "2.5")),
    }
)


@given(cases)
@settings(max_examples=100, deadline=None)
def test_through_every_misfortune(case: dict[str, object]) -> None:
    world = begun(case)
    event(live(world, int(str(case["steps"]))))
    event(f"the plan is {world.desk.status}")
    for fate in world.fates:
        event(f"an order was {fate}")


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_a_sample_of_the_runs(first: int) -> None:
    """``make simulate-core`` runs a hundred thousand."""
    outcomes = [run(seed) for seed in range(first, first + 50)]
    assert [f"make simulate-core SEED={one.seed}: {one.trouble}" for one in outcomes if one.trouble] == []


@given(cases)
@settings(max_examples=20, deadline=None)
def test_when_nothing_goes_wrong_nothing_is_escalated(case: dict[str, object]) -> None:
    world = begun(case)
    world.calm = True
    world.heal()
    check_books(world)
    check_hedged(world)
    assert {submit.order.purpose for submit in world.sent} <= {Purpose.WORK, Purpose.HEDGE}
    assert world.desk.status == "done"
    assert set(world.desk.alerts) <= {"FOREIGN_FILL", "HEDGE_AWAITS_APPROVAL", "STANDING_DENIED"}
    if case["kind"] is PlanKind.CLOSE:
        assert abs(world.desk.state.positions[XBTUSD.id]) < 100 or not case["collateral"]
