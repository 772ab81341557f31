"""A start from a snapshot knows all that one from the whole chain knows; a snapshot that does not fit is left aside."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.clock import SystemClock
from bot.ledger import snapshots
from bot.ledger.errors import LedgerDamaged
from bot.ledger.snapshots import older_plans
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger, read_events
from bot.model.events import Alerted, FillBooked, TrancheArmed
from bot.model.inputs import CancelPlan
from bot.orders.decide import decide
from bot.orders.fold import folded
from bot.orders.market import Market
from bot.orders.resting import KEPT_EXECUTIONS, KEPT_PLANS
from bot.orders.turn import Turn
from risk.approval import Denied
from tests.bench.history import FILLS_A_PLAN, history
from tests.unit.bot.desk import POLICY

PLANS = 60
FILLS = PLANS * FILLS_A_PLAN
EVERY = 500


def write(path: Path, fills: int = FILLS, every: int = EVERY) -> None:
    with Ledger.open(path, SystemClock(), every) as ledger:
        for at, events in history(fills):
            ledger.append_all(events, at)
            ledger.wake()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "l.db"
    write(path)
    return path


@pytest.fixture
def path(written: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "l.db"
    with closing(sqlite3.connect(written)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(statement, values).rowcount > 0
        database.commit()


def snapshot_seq(path: Path) -> int | None:
    with closing(sqlite3.connect(path)) as database:
        row = database.execute("SELECT seq FROM snapshot").fetchone()
        return None if row is None else int(row[0])


def check_state(path: Path, said: str | None) -> None:
    """Open, and hold the state against the whole chain's. ``said``: why the snapshot is not used; None: it is."""
    whole = folded(read_events(path))
    with capture_logs() as told, Ledger.open(path, SystemClock(), EVERY) as ledger:
        state = ledger.state()
    reasons = [entry["reason"] for entry in told if "reason" in entry]
    assert reasons == ([] if said is None else [said]), told
    for key, order in whole.orders.items():
        assert state.orders[key] == order
    for plan_id, plan in whole.plans.items():
        assert state.plans[plan_id] == plan
    assert list(state.plans) == list(whole.plans)
    for execution, booked in whole.executions.items():
        assert state.executions[execution] == booked
    assert all(key in state.commissions for key in whole.commissions)
    assert all(key in state.flows for key in whole.flows)
    assert (state.positions, state.cash_and_cost) == (whole.positions, whole.cash_and_cost)
    assert verify(path).problems == ()


def test_a_clean_close_leaves_a_snapshot_and_the_start_uses_it(path: Path) -> None:
    assert snapshot_seq(path) == verify(path).events
    with Ledger.open(path, SystemClock()) as ledger:
        state = ledger.state()
        # What is over left the memory, but for the latest.
        assert len(state.plans) == KEPT_PLANS
        assert len(state.orders) == KEPT_PLANS * 24
        assert len(state.executions) == KEPT_EXECUTIONS
        assert (len(state.commissions), len(state.flows)) == (KEPT_EXECUTIONS, 0)
    check_state(path, None)


def test_only_what_came_after_the_snapshot_is_folded(path: Path) -> None:
    """An old event that was tampered with is found by verify; a start, which does not read it, goes on."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER event_no_update")
        database.execute("UPDATE event SET payload = '{}' WHERE seq = 100")
        database.commit()
    with Ledger.open(path, SystemClock()) as ledger:
        assert ledger.state().trading == "active"
    result = verify(path)
    assert "event 100" in result.problems[0]
    assert not result.ok


def test_a_fill_of_long_ago_is_recognised(path: Path) -> None:
    fills = [each.event.fill for each in read_events(path) if isinstance(each.event, FillBooked)]
    with Ledger.open(path, SystemClock()) as ledger:
        state = ledger.state()
        assert (fills[0].instrument.venue, fills[0].execution_id) not in dict(state.executions)
        for fill in (*fills[:200], *fills[-200:]):
            turn = Turn(state, Market(), POLICY, fill.at + timedelta(days=30))
            decide(turn, fill)
            assert [each for each in turn.events if not isinstance(each, Alerted)] == []


def test_a_plan_of_long_ago_is_still_known(path: Path) -> None:
    with Ledger.open(path, SystemClock()) as ledger:
        state = ledger.state()
        answer = decide(Turn(state, Market(), POLICY, SystemClock().now()), CancelPlan("p0000003", "anna"))
        assert isinstance(answer, Denied)
        assert (answer.code, answer.given) == ("PLAN_CLOSED", "p0000003 is done")
        assert "p0000003" in state.plans
        assert "p9999999" not in state.plans
        older = [plan.spec.plan_id for plan in older_plans(path, 20)]
    assert older == [f"p{number:07d}" for number in range(PLANS - KEPT_PLANS - 20, PLANS - KEPT_PLANS)]


def _drop_some_keys(path: Path) -> None:
    change(path, "DELETE FROM snapshot_keys WHERE name = 'executions'")


def _damage_keys(path: Path) -> None:
    change(path, "UPDATE snapshot_keys SET payload = zeroblob(length(payload)) WHERE name = 'flows'")


def _damage_payload(path: Path) -> None:
    change(path, "UPDATE snapshot SET payload = replace(payload, 'active', 'halted')")


def _of_another_chain(path: Path) -> None:
    rewrite(path, lambda row: row.update(hash="ab" * 32))


def _of_another_version(path: Path) -> None:
    rewrite(path, lambda row: row.update(format="of old"))


def _unreadable(path: Path) -> None:
    rewrite(path, lambda row: row.update(payload='{"state": 5}'))


def rewrite(path: Path, how: Callable[[dict[str, object]], None]) -> None:
    """Change the snapshot, and give it a checksum that fits."""
    names = ("seq", "hash", "format", "payload")
    with closing(sqlite3.connect(path)) as database:
        row: dict[str, object] = dict(
            zip(
                names,
                database.execute("SELECT seq, hash, format, payload FROM snapshot").fetchone(),
                strict=True,
            )
        )
        how(row)
        checksum = snapshots._checksum(*(str(row[name]) for name in names))
        database.execute(
            "UPDATE snapshot SET seq = ?, hash = ?, format = ?, payload = ?, checksum = ?",
            (*(row[name] for name in names), checksum),
        )
        database.commit()


@pytest.mark.parametrize(
    ("spoil", "said", "is_problem"),
    [
        (_drop_some_keys, "it lacks some of its executions", True),
        (_damage_keys, "its flows are damaged", True),
        (_damage_payload, "it is damaged", True),
        (_of_another_chain, "of the chain is not the one it was made after", True),
        (_unreadable, "it cannot be read", True),
        (_of_another_version, "another version of the program made it", False),
    ],
)
def test_a_snapshot_that_does_not_fit_is_left_aside(
    path: Path, spoil: Callable[[Path], None], said: str, is_problem: bool
) -> None:
    spoil(path)
    problems = verify(path).problems
    assert [said in line for line in problems] == [True] * is_problem
    with capture_logs() as told, Ledger.open(path, SystemClock(), EVERY) as ledger:
        ledger.state()
    assert [said in entry.get("reason", "") for entry in told] == [True]
    # And that start has made a good one.
    check_state(path, None)


def _more_cash(row: dict[str, object]) -> None:
    content = json.loads(str(row["payload"]))
    content["state"][0] = "halted"
    row["payload"] = json.dumps(content, separators=(",", ":"))


def test_a_wrong_snapshot_is_a_mismatch(path: Path) -> None:
    """Its checksum fits, and still it does not say what the events say."""
    rewrite(path, _more_cash)
    problems = verify(path).problems
    assert len(problems) == 1
    assert "snapshot, state: trading is" in problems[0]
    assert "HALTED" in problems[0]


def test_a_wrong_entry_on_the_shelf_is_a_mismatch(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        key, value = database.execute(
            "SELECT key, value FROM snapshot_entry WHERE name = 'orders' ORDER BY key LIMIT 1"
        ).fetchone()
        value = value.replace("filled", "canceled")
        database.execute(
            "UPDATE snapshot_entry SET value = ?, checksum = ? WHERE name = 'orders' AND key = ?",
            (value, snapshots._checksum("orders", key, value), key),
        )
        database.commit()
    problems = verify(path).problems
    assert len(problems) == 1
    assert f"snapshot, orders {key}" in problems[0]


@pytest.mark.parametrize("name", ["plans", "orders", "executions", "commissions"])
def test_an_entry_gone_from_the_shelf_is_missed(path: Path, name: str) -> None:
    change(
        path,
        "DELETE FROM snapshot_entry WHERE name = ? AND key = (SELECT key FROM snapshot_entry WHERE name = ?1 LIMIT 1)",
        name,
    )
    assert verify(path).problems == (f"snapshot: 1 of its {name} were put aside and are not found again",)


def test_the_writer_makes_a_snapshot_when_it_has_nothing_else_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "l.db"
        with Ledger.open(path, SystemClock(), 100) as ledger:
            for at, events in history(80):
                ledger.append_all(events, at)
            await ledger.durable(ledger.seq)
            assert snapshot_seq(path) is None
            for _ in range(400):
                if snapshot_seq(path) is not None:
                    break
                await asyncio.sleep(0.05)
            assert snapshot_seq(path) == ledger.seq
        check_state(path, None)

    asyncio.run(main())


def test_a_snapshot_that_cannot_be_stored_ends_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON snapshot BEGIN SELECT RAISE(ABORT, 'no space left'); END"
        )
    before = verify(path).events
    with capture_logs() as told:
        ledger = Ledger.open(path, SystemClock(), 4)
        ledger.append(Alerted("TEST", "one more"), SystemClock().now())
        ledger.close()
    assert "no space left" in next(entry["cause"] for entry in told if "cause" in entry)
    assert threading.active_count() == 1
    result = verify(path)
    assert (result.problems, result.events) == ((), before + 1)


def test_a_chain_that_does_not_fold_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with Ledger.open(path, SystemClock(), 1) as ledger:
        ledger.append(TrancheArmed("nobody", 1), SystemClock().now())
    assert snapshot_seq(path) is None
    with Ledger.open(path, SystemClock(), 1) as ledger, pytest.raises(LedgerDamaged) as caught:
        ledger.state()
    assert "event 1: TrancheArmed refers to unknown 'nobody'" in str(caught.value)
