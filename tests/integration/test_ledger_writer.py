"""The writer on a real file: durable means readable, groups keep their order, one bot a ledger."""

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from bot.ledger.database import open_writable
from bot.ledger.errors import LedgerDamaged, LedgerError, LedgerFailed, LedgerLocked, LedgerTooNew, Unbookable
from bot.ledger.tables import SCHEMA_VERSION
from bot.ledger.verify import verify
from bot.ledger.writer import Ledger, read_events
from bot.model.codec import GENESIS
from bot.model.events import Alerted, Event, InstrumentLoaded
from risk.orders import Side
from tests.unit.ledger.story import MBT, T0, XBTUSD, approved_pair, at, fill, xbt

CLOCK = SystemClock()


def note(number: int) -> Event:
    return Alerted("TEST", f"number {number}")


def open_ledger(path: Path) -> Ledger:
    return Ledger.open(path, CLOCK)


def stored(path: Path) -> list[int]:
    """Sequence numbers in the file, read by another connection."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        return [row[0] for row in other.execute("SELECT seq FROM event ORDER BY seq")]


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def test_a_new_ledger_has_its_directories_and_an_empty_chain(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "ledger.db"
    with open_ledger(path) as ledger:
        assert (ledger.seq, ledger.head, ledger.committed) == (0, GENESIS, 0)
        assert list(ledger.events()) == []
    assert path.is_file()


def test_nobody_but_its_owner_reads_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    open_ledger(path).close()
    path.chmod(0o644)  # as versions before this one left it
    with open_ledger(path) as ledger:
        ledger.append(note(1), T0)
        asyncio.run(ledger.durable(1))
        files = sorted(tmp_path.iterdir())
        assert [file.name for file in files] == ["l.db", "l.db-shm", "l.db-wal", "l.db.lock"]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_append_touches_no_disk_and_durable_means_readable(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            first = ledger.append(note(1), T0)
            assert (first.seq, ledger.seq, ledger.head) == (1, 1, first.hash)
            await asyncio.sleep(0.05)
            assert stored(ledger.path) == []
            assert ledger.committed == 0
            await ledger.durable(1)
            assert stored(ledger.path) == [1]
            await ledger.durable(1)

    asyncio.run(main())


def test_durable_waits_as_long_as_the_disk_does(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")  # nobody else can commit now
                recorded = ledger.append(note(1), T0)
                ledger.wake()
                waiting = asyncio.create_task(ledger.durable(recorded.seq))
                done, _ = await asyncio.wait([waiting], timeout=0.3)
                assert not done
                other.execute("COMMIT")
            await asyncio.wait_for(waiting, 5)
            assert stored(ledger.path) == [1]

    asyncio.run(main())


def test_group_commit_keeps_the_order_and_wakes_every_waiter(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            seen: list[int] = []

            async def wait(seq: int) -> None:
                await ledger.durable(seq)
                assert stored(ledger.path)[:seq] == list(range(1, seq + 1))
                seen.append(seq)

            tasks = []
            for number in range(1, 401):
                recorded = ledger.append(note(number), at(number))
                if number % 40 == 0:
                    tasks.append(asyncio.create_task(wait(recorded.seq)))
                    ledger.wake()
                if number % 7 == 0:
                    await asyncio.sleep(0)
            await asyncio.gather(*tasks)
            assert sorted(seen) == list(range(40, 401, 40))
        events = list(read_events(tmp_path / "l.db"))
        assert [recorded.event for recorded in events] == [note(number) for number in range(1, 401)]
        assert [recorded.at for recorded in events] == [at(number) for number in range(1, 401)]

    asyncio.run(main())


def test_what_is_appended_together_is_never_parted(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            found = set()
            for number in range(200):
                group = ledger.append_all([note(number), note(number + 1), note(number + 2)], at(number))
                assert [each.seq for each in group] == [3 * number + place for place in (1, 2, 3)]
                ledger.wake()  # the writer may look at any instant, while the next group is being appended
                await asyncio.sleep(0)
                found.add(len(stored(ledger.path)))
            await ledger.durable(600)
            assert len(found) > 1
            assert {count % 3 for count in found} == {0}
        assert verify(tmp_path / "l.db").ok

    asyncio.run(main())


def test_of_a_group_all_is_appended_or_nothing(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        assert ledger.append_all([], T0) == []
        trade = fill("e1", MBT, Side.BUY, 1, "10000")
        with pytest.raises(Unbookable, match="its terms were never loaded"):
            ledger.append_all([note(1), trade, InstrumentLoaded(MBT)], T0)
        assert (ledger.seq, ledger.head) == (0, GENESIS)
        # Terms that were refused with their group are not known afterwards.
        with pytest.raises(Unbookable):
            ledger.append_all([InstrumentLoaded(MBT), fill("e2", XBTUSD, Side.BUY, 100, "8000")], T0)
        with pytest.raises(Unbookable):
            ledger.append(trade, T0)
        group = ledger.append_all([InstrumentLoaded(MBT), trade, note(1)], T0)
        assert ledger.head == group[-1].hash
    assert [recorded.seq for recorded in read_events(tmp_path / "l.db")] == [1, 2, 3]


def test_a_waiter_that_gave_up_harms_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                ledger.append(note(1), T0)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(ledger.durable(1), 0.05)
                other.execute("COMMIT")
            await ledger.durable(ledger.append(note(2), T0).seq)

    asyncio.run(main())


def test_a_loop_that_is_gone_does_not_stop_the_writer(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l.db")
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def give_up() -> None:
            ledger.append(note(1), T0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ledger.durable(1), 0.05)

        asyncio.run(give_up())
        other.execute("COMMIT")
    asyncio.run(ledger.durable(ledger.append(note(2), T0).seq))
    ledger.close()
    assert stored(ledger.path) == [1, 2]


def test_close_writes_what_is_left_and_reopening_continues_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger = open_ledger(path)
    ledger.append(InstrumentLoaded(XBTUSD), T0)
    ledger.append(fill("e1", XBTUSD, Side.BUY, 300, "8000.5", fee=xbt(7)), T0)
    last = ledger.append(note(1), T0)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerFailed, match="is closed"):
        ledger.append(note(2), T0)

    again = open_ledger(path)
    assert (again.seq, again.head, again.committed) == (3, last.hash, 3)
    # The journal goes on where it was: the average cost and the terms are known.
    again.append(fill("e2", XBTUSD, Side.SELL, 300, "8100", fee=xbt(7)), T0)
    again.close()
    result = verify(path)
    assert result.ok
    assert (result.events, result.balances.positions) == (4, {})
    # 1e10/8000.5 -> 1,249,922; 1e10/8100 -> 1,234,568; three lots, less two fees.
    assert [money.units for money in result.balances.cash.values()] == [3 * (1_249_922 - 1_234_568) - 14]


def test_events_are_read_back_as_they_were(tmp_path: Path) -> None:
    chain = approved_pair()
    with open_ledger(tmp_path / "l.db") as ledger:
        for recorded in chain.recorded:
            assert ledger.append(recorded.event, recorded.at) == recorded
    assert list(read_events(tmp_path / "l.db")) == chain.recorded


def test_a_second_bot_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger = open_ledger(path)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(LedgerLocked) as caught:
            open_ledger(name)
        text = one_line(caught.value)
        assert (
            f"ledger {path} is held by another bot (pid {os.getpid()} on {os.uname().nodename}, since "
            in text
        )
        assert "pytest" in text
        assert f"since {datetime.now(UTC):%Y-%m-%d}T" in text
        assert "stop that first" in text
    ledger.append(note(1), T0)
    ledger.close()
    with open_ledger(path) as again:
        assert again.seq == 1


def test_reading_needs_no_lock_and_sees_one_snapshot(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            for number in range(5):
                ledger.append(note(number), T0)
            await ledger.durable(5)
            reading = read_events(ledger.path)
            assert next(reading).seq == 1
            await ledger.durable(ledger.append(note(5), T0).seq)
            assert [recorded.seq for recorded in reading] == [2, 3, 4, 5]
            assert verify(ledger.path).events == 6

    asyncio.run(main())


def test_after_a_failed_write_nothing_more_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "l.db"

    async def main() -> None:
        ledger = open_ledger(path)
        await ledger.durable(ledger.append(note(1), T0).seq)
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no space left'); END"
            )
        ledger.append(note(2), T0)
        waiting = [asyncio.create_task(ledger.durable(2)) for _ in range(3)]
        for outcome in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(outcome, LedgerFailed)
            assert "failed after event 1" in one_line(outcome)
            assert "no space left" in str(outcome)
        with pytest.raises(LedgerFailed):
            ledger.append(note(3), T0)
        with pytest.raises(LedgerFailed):
            await ledger.durable(1)
        with pytest.raises(LedgerFailed, match="no space left"):
            ledger.close()
        ledger_again_may_be_opened = open_ledger(path)
        assert ledger_again_may_be_opened.seq == 1
        ledger_again_may_be_opened.close()

    asyncio.run(main())
    assert threading.active_count() == 1


def test_what_cannot_be_booked_is_refused_before_anything_is_appended(tmp_path: Path) -> None:
    async def main() -> None:
        with open_ledger(tmp_path / "l.db") as ledger:
            with pytest.raises(Unbookable, match="its terms were never loaded"):
                ledger.append(fill("e1", MBT, Side.BUY, 1, "10000"), T0)
            for naive in (T0.replace(tzinfo=None), T0.astimezone(timezone(timedelta(hours=1)))):
                with pytest.raises(Unbookable, match="in UTC"):
                    ledger.append(note(1), naive)
            assert ledger.seq == 0
            with pytest.raises(LedgerError, match="event 1 was never appended"):
                await ledger.durable(1)
            # Loaded and traded in one breath, before the writer has seen either.
            ledger.append(InstrumentLoaded(MBT), T0)
            await ledger.durable(ledger.append(fill("e1", MBT, Side.BUY, 1, "10000"), T0).seq)

    asyncio.run(main())


def _no_database(path: Path) -> None:
    path.write_text("Dear diary, today I bought a bitcoin. " * 100)


def _another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipe (name TEXT)")
        other.commit()


def _overwritten(path: Path) -> None:
    with open_ledger(path) as ledger:
        for number in range(50):
            ledger.append(note(number), T0)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


@pytest.mark.parametrize("spoil", [_no_database, _another_programs, _overwritten])
def test_a_file_that_is_no_ledger_is_refused_by_name(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "l.db"
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(LedgerDamaged) as caught:
        open_ledger(path)
    assert str(path) in one_line(caught.value)
    assert path.read_bytes() == before
    result = verify(path)
    assert not result.ok
    assert str(path) in result.problems[0]


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    open_ledger(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for attempt in (open_ledger, read_events, verify):
        with pytest.raises(LedgerTooNew) as caught:
            attempt(path)
        assert "update the program" in one_line(caught.value)


def test_paths_that_cannot_be_are_explained(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(LedgerError, match="cannot make the directory"):
        open_ledger(in_the_way / "l.db")
    with pytest.raises(LedgerError) as caught:
        open_ledger(tmp_path)
    assert "cannot use the ledger" in one_line(caught.value)
    for attempt in (read_events, verify):
        with pytest.raises(LedgerError, match="there is no ledger at"):
            attempt(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_paths_with_odd_characters_are_only_paths(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=memory#100%.db"
    with open_ledger(path) as ledger:
        ledger.append(note(1), T0)
    assert path.is_file()
    assert verify(path).events == 1


def test_commits_are_synchronous_and_nobody_changes_an_event(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with open_ledger(path) as ledger:
        ledger.append(note(1), T0)
    engine = open_writable(path)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL
    with closing(sqlite3.connect(path)) as other:
        for statement in ("UPDATE event SET payload = ''", "DELETE FROM event"):
            with pytest.raises(sqlite3.IntegrityError, match="events are never changed"):
                other.execute(statement)
