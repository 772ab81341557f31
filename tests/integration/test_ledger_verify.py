"""Every kind of tampering is found, and named, in a file another program changed."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from bot.ledger.balances import balances
from bot.ledger.errors import LedgerDamaged
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger, read_events
from bot.model.codec import chain_hash
from bot.model.events import AccountOpened, OrderBelieved, TrancheArmed
from bot.model.order_states import Belief
from risk.approval import Purpose
from risk.money import Currency
from risk.orders import CashFlowKind, Side
from tests.unit.ledger.story import (
    MBT,
    WORKING,
    XBTUSD,
    Chain,
    approved_pair,
    buy_xbtusd,
    cash,
    commission,
    fill,
    intended,
    sell_mbt,
    usd,
    xbt,
)


def story() -> Chain:
    """A hedged tranche with all its money, 17 events."""
    chain = approved_pair()
    chain.add(AccountOpened("bitmex", xbt(500_000_000)))
    chain.add(AccountOpened("ibkr", usd("60000")))
    chain.add(TrancheArmed("plan1", 1), 10)
    chain.add(sell_mbt(), 20)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001"), 21)
    chain.add(OrderBelieved("plan1-01w-001", Belief.FILLED, "v1", 1, ""), 21)
    chain.add(buy_xbtusd(), 21)
    chain.add(fill("b1", XBTUSD, Side.BUY, 800, "8000", order="plan1-01h-001", fee=xbt(5_000)), 22)
    chain.add(commission("c1", MBT, usd("2.50")), 23)
    chain.add(cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-1_000), XBTUSD), 24)
    return chain


def write(path: Path, chain: Chain) -> Path:
    with Ledger.open(path, SystemClock()) as ledger:
        for recorded in chain.recorded:
            assert ledger.append(recorded.event, recorded.at) == recorded
    return path


def change(path: Path, *statements: str) -> None:
    """Change the file behind the ledger's back, guards removed."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER event_no_update")
        other.execute("DROP TRIGGER event_no_delete")
        for statement in statements:
            assert other.execute(statement).rowcount > 0, statement
        other.commit()


def test_an_untouched_ledger_is_ok(tmp_path: Path) -> None:
    chain = story()
    result = verify(write(tmp_path / "l.db", chain))
    assert result.problems == ()
    assert result.ok
    assert (result.events, result.head) == (17, chain.recorded[-1].hash)
    assert result.balances == balances(chain.recorded)
    # 5 XBT less fee and funding, 0.1 bought, 0.1 sold.
    assert result.balances.cash["bitmex", Currency.XBT] == xbt(499_994_000)
    assert result.balances.delta_xbt == xbt(499_994_000).amount


def test_one_byte_of_any_payload_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "l.db", story())
    before = path.read_bytes()
    for seq in (1, 9, 17):
        path.write_bytes(before)
        change(
            path,
            f"UPDATE event SET payload = substr(payload, 1, 20) || char(unicode(substr(payload, 21)) + 1) "
            f"|| substr(payload, 22) WHERE seq = {seq}",
        )
        result = verify(path)
        assert not result.ok
        assert result.events == seq - 1
        (problem,) = result.problems
        assert problem.startswith(f"event {seq} (")
        assert "is not what was written" in problem
        with pytest.raises(LedgerDamaged, match=f"event {seq} "):
            Ledger.open(path, SystemClock())
        with pytest.raises(LedgerDamaged, match=f"event {seq} "):
            list(read_events(path))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM event WHERE seq = 1", "event 1 is missing (the next is 2)"),
        ("DELETE FROM event WHERE seq = 9", "event 9 is missing (the next is 10)"),
        ("DELETE FROM event WHERE seq = 17", "the chain ends at event 16, which is not where it was left"),
        ("UPDATE event SET at = '2026-11-02T09:00:21.5+00:00' WHERE seq = 12", "event 12 has no proper time"),
        (
            "UPDATE event SET at = '2026-11-02T09:00:22+00:00' WHERE seq = 12",
            "event 12 (FillBooked) is not what",
        ),
        ("UPDATE event SET at = '2026-11-02T10:00:21+01:00' WHERE seq = 12", "event 12 has no proper time"),
        ("UPDATE event SET at = 'yesterday' WHERE seq = 12", "event 12 has no proper time ('yesterday')"),
        ("UPDATE event SET kind = 'Alerted' WHERE seq = 5", "event 5 (Alerted) is not what was written"),
        ("UPDATE head SET seq = 16", "the chain ends at event 17, which is not where it was left"),
        ("DELETE FROM head", "the chain ends at event 17, which is not where it was left"),
    ],
)
def test_a_broken_chain_is_found_and_named(tmp_path: Path, statement: str, problem: str) -> None:
    path = write(tmp_path / "l.db", story())
    change(path, statement)
    (found,) = verify(path).problems
    assert found.startswith(problem)
    assert "\n" not in found


def test_a_forged_hash_only_moves_the_break(tmp_path: Path) -> None:
    """Whoever rewrites one event with a fitting hash breaks the next link."""
    chain = story()
    path = write(tmp_path / "l.db", chain)
    with closing(sqlite3.connect(path)) as other:
        at, kind, payload = other.execute("SELECT at, kind, payload FROM event WHERE seq = 12").fetchone()
    forged = payload.replace('"10000"', '"10900"')
    assert forged != payload
    digest = chain_hash(chain.recorded[10].hash, 12, datetime.fromisoformat(at).astimezone(UTC), kind, forged)
    change(path, f"UPDATE event SET payload = '{forged}', hash = '{digest}' WHERE seq = 12")
    (problem,) = verify(path).problems
    assert problem.startswith("event 13 (OrderBelieved) is not what was written")


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        (
            "UPDATE \"order\" SET quantity = 900 WHERE client_order_id = 'plan1-01h-001'",
            ["table order, row 14: quantity is 900, the events say 800"],
        ),
        (
            "UPDATE \"order\" SET belief = 'canceled' WHERE seq = 11",
            ["table order, row 11: belief is 'canceled', the events say 'filled'"],
        ),
        ("DELETE FROM fill WHERE seq = 12", ["table fill, row 12: missing"]),
        (
            "UPDATE fill SET price = '8000.0' WHERE seq = 15",
            ["table fill, row 15: price is '8000.0', the events say '8000'"],
        ),
        (
            "UPDATE fill SET fee_units = NULL WHERE seq = 12",
            ["table fill, row 12: fee_units is None, the events say 250000000"],
        ),
        (
            "INSERT INTO cash_flow SELECT 16, venue, 'f2', kind, currency, units, symbol, at FROM cash_flow",
            ["table cash_flow, row 16: no event made it"],
        ),
        (
            "UPDATE approval SET quantity = '0.2' WHERE approval_id = 'plan1-01h'",
            ["table approval, row 7: quantity is '0.2', the events say '0.11'"],
        ),
        (
            "UPDATE plan SET status = 'done'",
            ["table plan, row 3: status is 'done', the events say 'active'"],
        ),
        (
            "UPDATE ticket SET status = 'open' WHERE seq = 4",
            ["table ticket, row 4: status is 'open', the events say 'approved'"],
        ),
        (
            "UPDATE posting SET units = units + 1 WHERE seq = 17 AND line = 1",
            [
                "event 17: its postings in XBT sum to 1 units, not to zero",
                "Δ by the journal is 4.99994001 XBT, by the bot's state 4.99994 XBT",
                "table posting, row 17/1: units is -999, the events say -1000",
            ],
        ),
        (
            "DELETE FROM posting WHERE seq = 8 AND line = 2",
            [
                "event 8: its postings in XBT sum to 500000000 units, not to zero",
                "table posting, row 8/2: missing",
            ],
        ),
    ],
)
def test_a_projection_that_was_changed_is_found_and_named(
    tmp_path: Path, statement: str, problems: list[str]
) -> None:
    path = write(tmp_path / "l.db", story())
    change(path, statement)
    result = verify(path)
    assert list(result.problems) == problems
    assert result.events == 17


def test_many_differences_are_counted_not_listed(tmp_path: Path) -> None:
    chain = approved_pair()
    for number in range(60):
        chain.add(fill(f"x{number}", MBT, Side.BUY, 1, "10000"))
    path = write(tmp_path / "l.db", chain)
    change(path, "UPDATE fill SET liquidity = 'maker'")
    problems = verify(path).problems
    assert len(problems) == 21
    assert problems[-1] == "table fill: 40 more rows are not what the events say"


def test_what_no_person_approved_is_found_in_a_file_that_is_whole(tmp_path: Path) -> None:
    chain = story()
    chain.add(intended(WORKING, 2, MBT, Side.SELL, 3, "11005", Purpose.WORK), 30)
    chain.add(fill("c2", MBT, Side.SELL, 3, "11005", order="plan1-01w-002"), 31)
    chain.add(fill("c2", MBT, Side.SELL, 3, "11005", order="plan1-01w-002"), 32)
    path = write(tmp_path / "l.db", chain)
    assert list(verify(path).problems) == [
        "event 18: order plan1-01w-002: its price 11005 is outside 9000 to 11000",
        "event 18: order plan1-01w-002: its size 3 alone is more than the approved 1",
        "event 19: fill c2 brings approval plan1-01w to 4, of 1",
        "event 20: execution ibkr c2 is in the ledger twice",
        "event 20: fill c2 brings order plan1-01w-002 to 6 of 3 contracts",
        "event 20: fill c2 brings approval plan1-01w to 7, of 1",
    ]


def test_a_ledger_is_verified_while_a_bot_writes_it(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db", SystemClock()) as ledger:
        for recorded in story().recorded:
            ledger.append(recorded.event, recorded.at)
            ledger.wake()
            result = verify(ledger.path)
            assert result.problems == ()
            assert result.events <= recorded.seq
