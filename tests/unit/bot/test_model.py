"""Plain values: ids, tickets, plans, limits, the trading table, one line for every event."""

import json
import resource
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from bot.model.codec import KINDS, UndecodableEvent, decode, encode
from bot.model.describe import _LINES
from bot.model.events import Event, FlattenFinished, FlattenOrdered, OrderIntended, PlanStopping
from bot.model.flatten_journal import FlattenJournal, JournalUnreadable, read_journal
from bot.model.ids import LegKey, Role, parse_client_order_id
from bot.model.plans import PlanKind, PlanSpec
from bot.model.tickets import Material
from bot.model.trading_state import Activity, TradingState, activity_of, allows
from risk.approval import Purpose
from risk.orders import OrderRequest, Side
from tests.unit.bot.desk import MBT, POLICY, T0, D, spec

KEY = LegKey("k7f3q2ab", 1, Role.WORKING)
MATERIAL = Material(KEY, MBT.id, Side.SELL, False, D(3), D(76670), D(84735), D(620), None)


# --- ids -------------------------------------------------------------------------------------------------


def test_an_order_id_is_derived_and_read_back() -> None:
    assert KEY.client_order_id(3) == "k7f3q2ab-01w-003"
    assert parse_client_order_id("k7f3q2ab-01w-003") == (KEY, 3)
    assert parse_client_order_id("k7f3q2ab-12h-999") == (LegKey("k7f3q2ab", 12, Role.HEDGE), 999)


@pytest.mark.parametrize(
    "text", ["", "by-hand", "flat-k7f3q2ab-001", "k7f3q2ab-1w-003", "k7f3q2ab-01x-003", "K7F3-01w-003"]
)
def test_what_is_not_a_plans_order_id(text: str) -> None:
    assert parse_client_order_id(text) is None


@pytest.mark.parametrize("attempt", [0, 1000])
def test_attempts_have_three_digits(attempt: int) -> None:
    with pytest.raises(ValueError, match="999"):
        KEY.client_order_id(attempt)


# --- tickets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        replace(MATERIAL, leg=LegKey("k7f3q2ab", 2, Role.WORKING)),
        replace(MATERIAL, instrument=replace(MBT.id, symbol="BTC")),
        replace(MATERIAL, side=Side.BUY),
        replace(MATERIAL, reduce_only=True),
        replace(MATERIAL, quantity=D(4)),
        replace(MATERIAL, price_low=D(76665)),
        replace(MATERIAL, price_high=D(84740)),
        replace(MATERIAL, min_basis=D(619)),
        replace(MATERIAL, min_basis=None),
        replace(MATERIAL, min_basis=None, max_basis=D(620)),
    ],
)
def test_every_material_part_changes_the_hash(changed: Material) -> None:
    assert changed.content_hash() != MATERIAL.content_hash()


def test_the_same_number_written_otherwise_is_the_same_content() -> None:
    assert replace(MATERIAL, quantity=D("3.000")).content_hash() == MATERIAL.content_hash()
    assert len(MATERIAL.content_hash()) == 16


# --- plans and limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"tranches": 0},
        {"tranches": 91},
        {"size_xbt": D(0)},
        {"size_xbt": D("NaN")},
        {"size_xbt": None},
        {"linear": spec().inverse},
        {"plan_id": ""},
        {"plan_id": "Plan-1"},
        {"plan_id": "x" * 13},
    ],
)
def test_a_plan_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="plan"):
        spec(**changes)


def test_a_plan_that_closes_needs_no_size() -> None:
    assert spec(kind=PlanKind.CLOSE, size_xbt=None).size_xbt is None


def test_limits_check_themselves() -> None:
    with pytest.raises(ValueError, match="pay_up"):
        replace(POLICY, pay_up=(D("0.002"), D("0.001")))
    with pytest.raises(ValueError, match="pay_up"):
        replace(POLICY, pay_up=(D("0.006"),))
    with pytest.raises(ValueError, match="hard_band"):
        replace(POLICY, hard_band=D("0.05"))
    with pytest.raises(ValueError, match="max_unattended_delta"):
        replace(POLICY, max_unattended_delta=D(0))


def test_the_ladder_ends_at_the_hard_band() -> None:
    rungs = [POLICY.rung(step).fraction for step in range(6)]
    assert rungs == [D("0.0005"), D("0.001"), D("0.0025"), D("0.005"), D("0.005"), D("0.005")]
    assert POLICY.last_step == 3


# --- trading state ---------------------------------------------------------------------------------------


# By hand, from what the states promise. y: allowed; columns: DISABLED, HALTED, REDUCING, ACTIVE.
STATES = """
OPEN             - - - y
REDUCE           - - y y
HEDGE            y y y y
CONTINGENCY      y y y y
FLATTEN          y y y y
CANCEL           y y y y
ASK              y y y y
PROPOSE_OPENING  y y - y
PROPOSE_CLOSING  y y y y
APPROVE          y y y y
STOP             y y y y
"""
CELLS = [
    (state, Activity[name], cell == "y")
    for name, *cells in (line.split() for line in STATES.strip().splitlines())
    for state, cell in zip(TradingState, cells, strict=True)
]


@pytest.mark.parametrize(("state", "activity", "allowed"), CELLS)
def test_every_cell_of_the_trading_states(state: TradingState, activity: Activity, allowed: bool) -> None:
    assert allows(state, activity) is allowed


def test_the_table_of_states_has_no_other_cells() -> None:
    assert len({(state, activity) for state, activity, _ in CELLS}) == len(TradingState) * len(Activity)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("reduces", [True, False])
def test_what_sending_an_order_is(purpose: Purpose, reduces: bool) -> None:
    work = Activity.REDUCE if reduces else Activity.OPEN
    assert (
        activity_of(purpose, reduces=reduces)
        is {
            Purpose.WORK: work,
            Purpose.HEDGE: Activity.HEDGE,
            Purpose.CONTINGENCY: Activity.CONTINGENCY,
            Purpose.FLATTEN: Activity.FLATTEN,
            Purpose.PROTECT: Activity.REDUCE,
        }[purpose]
    )


# --- events as text --------------------------------------------------------------------------------------


def test_every_event_has_a_kind_and_a_line() -> None:
    assert set(KINDS.values()) == set(get_args(Event)) == set(_LINES)


def test_what_cannot_be_read_is_said_not_guessed() -> None:
    with pytest.raises(UndecodableEvent, match="unknown kind"):
        decode("Nonsense", "{}")
    with pytest.raises(UndecodableEvent, match="PlanStopping"):
        decode("PlanStopping", '{"plan_id": "p"}')
    with pytest.raises(UndecodableEvent, match="PlanStopping"):
        decode("PlanStopping", "not json")


def test_the_payload_is_the_same_bytes_every_time() -> None:
    event = PlanStopping("plan1", "cancelled by anna")
    assert encode(event) == '{"plan_id":"plan1","reason":"cancelled by anna"}'
    assert encode(decode("PlanStopping", encode(event))) == encode(event)


# --- the emergency command's journal ---------------------------------------------------------------------

ORDERED = FlattenOrdered("k7f3q2ab", "anna", ("bitmex", "cme"))
INTENDED = OrderIntended(
    OrderRequest("flat-k7f3q2ab-001", MBT.id, Side.BUY, 3, Decimal(80785), reduce_only=True),
    Purpose.FLATTEN,
    "k7f3q2ab",
    None,
)


def journal(path: Path) -> Path:
    written = FlattenJournal(path / "folder" / "flatten-k7f3q2ab.jsonl")
    written.write(ORDERED, T0)
    written.write(INTENDED, T0 + timedelta(seconds=1))
    written.close()
    return path / "folder" / "flatten-k7f3q2ab.jsonl"


def test_a_journal_is_read_back(tmp_path: Path) -> None:
    assert read_journal(journal(tmp_path)) == (ORDERED, INTENDED)


def test_a_line_cut_short_by_a_crash_was_never_sent(tmp_path: Path) -> None:
    path = journal(tmp_path)
    whole = path.read_text()
    path.write_text(whole[:-10])
    assert read_journal(path) == (ORDERED,)


def test_a_disk_that_runs_full_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    """The process may write no file beyond this size: the kernel takes a part of the line, then no more."""
    path = journal(tmp_path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    written = FlattenJournal(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            written.write(FlattenFinished("k7f3q2ab", True), T0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    written.write(FlattenFinished("k7f3q2ab", True), T0)
    written.close()
    assert read_journal(path) == (ORDERED, INTENDED, FlattenFinished("k7f3q2ab", True))


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"at": "2026-11-23T09:00:00+00:00", "kind": "Nonsense", "payload": {}}',
        json.dumps(
            {"at": T0.isoformat(), "kind": "PlanStopping", "payload": {"plan_id": "p", "reason": "r"}}
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    path = journal(tmp_path)
    path.write_text(line + "\n" + path.read_text())
    with pytest.raises(JournalUnreadable, match="line 1"):
        read_journal(path)


def test_a_journal_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="cannot be read"):
        read_journal(tmp_path / "flatten-none.jsonl")


def test_a_plan_of_any_identity_makes_orders_that_can_be_told_again() -> None:
    for plan_id in ("k7f3q2ab", "0", "abcdefghjkmn"):
        made = PlanSpec(**{name: getattr(spec(plan_id=plan_id), name) for name in PlanSpec.__slots__})
        key = LegKey(made.plan_id, 90, Role.SINGLE)
        assert parse_client_order_id(key.client_order_id(999)) == (key, 999)
