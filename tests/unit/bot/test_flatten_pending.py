"""A flatten that waits for CME: it is durable, one process waits, and whoever comes next goes on with it."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.flatten import Ending, Options, Outcome, Plan
from bot.model.events import FlattenOrdered
from bot.model.flatten_journal import FlattenJournal, read_journal
from bot.runtime import pending
from bot.runtime.emergency import Emergency, earlier_orders
from bot.runtime.files import Files
from bot.runtime.flattening import Order, carry_out, resume
from tests.unit.bot.flatten_bench import SHORT, Bench
from tests.unit.bot.test_flatten_states import HOURS, OPENS

ORDER = Order("anna", SHORT, timedelta(seconds=60))
WAITED = "FLATTEN IS PENDING"


class World:
    """A bench whose CME has closed over +80,000 and -10, and one instance's files."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.files = Files(folder)
        self.attempts = 0

    @asynccontextmanager
    async def attempt(self, order: Order) -> AsyncIterator[Emergency]:
        """As ``bot.runtime.emergency.emergency``, on the exchanges themselves."""
        self.attempts += 1
        bench = self.bench
        journal = FlattenJournal(bench.journal(1))
        earlier = earlier_orders(self.files, bench.said.append)
        run = bench.command(bench.venues(), journal, order.options, earlier)
        try:
            yield Emergency(run, await run.plan(), dict)
        finally:
            await run.close()
            journal.close()

    def carry_out(self, order: Order = ORDER, *, agreed: bool = True) -> Outcome | None:
        async def confirm(plan: Plan) -> bool:
            return agreed

        return self.bench.go(
            carry_out(self.files, self.bench.clock, order, self.attempt, self.bench.said.append, confirm)
        )

    def resume(self) -> Outcome | None:
        async def confirm(plan: Plan) -> bool:
            return True

        return self.bench.go(
            resume(self.files, self.bench.clock, self.attempt, ORDER.limit, self.bench.said.append, confirm)
        )

    def opens(self) -> None:
        """Have CME quoted again once it is open."""
        left = (OPENS - self.bench.clock.now()).total_seconds()
        self.bench.later(left + 1, lambda: self.bench.market(1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Bench(tmp_path, sessions=HOURS) as bench:
        bench.hold(80_000, -10)
        bench.wait(6)
        yield World(bench, tmp_path)


def test_it_waits_and_carries_it_out_at_the_open(world: World) -> None:
    world.opens()
    outcome = world.carry_out()
    assert outcome is not None
    assert outcome.flat
    assert world.bench.held == (0, 0)
    assert world.bench.clock.now() > OPENS
    assert world.attempts == 2
    assert not world.files.pending.exists()
    assert any(text.startswith(WAITED) for text in world.bench.said)


def test_while_it_waits_it_is_on_the_disk_and_nobody_can_enable(world: World) -> None:
    seen: list[tuple[str | None, str | None, pending.Pending | None]] = []

    def look() -> None:
        seen.append((world.files.latched(), world.files.unlatch(), pending.read(world.files)))

    world.bench.later(600, look)
    world.opens()
    world.carry_out()
    ((latched, unlatched, found),) = seen
    assert latched is not None
    assert "--call-off" in latched
    assert unlatched is not None
    assert "--call-off" in unlatched
    assert found is not None
    assert (found.by, found.opens, found.hold_hedge) == ("anna", OPENS, False)
    # done, it is an ordinary latch again
    assert world.files.unlatch() is None


def test_called_off_it_sends_nothing_at_the_open(world: World) -> None:
    world.bench.later(600, world.files.pending.unlink)
    world.opens()
    outcome = world.carry_out()
    assert outcome is not None
    assert outcome.ending is Ending.PENDING
    assert world.bench.clock.now() < OPENS
    world.bench.wait(4_000)
    assert world.bench.held == (80_000, -10)
    assert world.files.latched() is not None


def test_left_pending_another_process_goes_on_as_ordered(tmp_path: Path) -> None:
    with Bench(tmp_path, sessions=HOURS) as bench:
        bench.hold(240_000, -230)
        bench.wait(6)
        world = World(bench, tmp_path)
        left = world.carry_out(replace(ORDER, options=Options(hold_hedge=True, watch=0), wait=False))
        assert left is not None
        assert left.ending is Ending.PENDING
        assert bench.held == (240_000, -230)
        world.opens()
        outcome = world.resume()
        assert outcome is not None
        assert outcome.flat
        assert bench.held == (0, -199)
        ordered = read_journal(bench.journal())[0]
        assert isinstance(ordered, FlattenOrdered)
        assert ordered.by == "anna"


def test_after_the_open_it_goes_on_until_it_is_flat(world: World) -> None:
    """CME is open and quotes nothing for five minutes: an attempt ends, and the next begins by itself."""
    world.bench.exchanges[1].set_market(world.bench.symbol(1), 8_000_000, [], [])
    left = (OPENS - world.bench.clock.now()).total_seconds()
    world.bench.later(left + 300, lambda: world.bench.market(1))
    outcome = world.carry_out()
    assert outcome is not None
    assert outcome.flat
    assert world.attempts > 3


def test_a_second_one_does_not_wait_beside_the_first(world: World) -> None:
    held = pending.claim(world.files)
    assert held is not None
    try:
        outcome = world.carry_out()
        assert outcome is not None
        assert outcome.ending is Ending.PENDING
        assert f"process {os.getpid()} waits for it already" in world.bench.said[-1]
        assert world.resume() is None
    finally:
        os.close(held)


def test_stripped_it_takes_the_pending_one_with_it_once_flat(world: World) -> None:
    world.carry_out(replace(ORDER, wait=False))
    world.bench.wait(3_600)
    world.bench.market(1)
    outcome = world.carry_out(replace(ORDER, options=replace(SHORT, strip_hedge=True)))
    assert outcome is not None
    assert outcome.flat
    assert not world.files.pending.exists()


def test_a_market_that_opens_later_than_it_said_is_waited_for_again(world: World) -> None:
    ordered = pending.Pending("anna", world.bench.clock.now(), OPENS - timedelta(minutes=30), False, False)
    pending.write(world.files, ordered)
    world.opens()
    outcome = world.resume()
    assert outcome is not None
    assert outcome.flat
    assert world.attempts == 2


def test_closed_for_nothing_it_waits_for_nobody(world: World) -> None:
    """Nothing is held at CME: what the inverse venue refuses has nothing to do with the open."""
    world.bench.wait(3_600)
    world.bench.market(1)
    assert world.carry_out() is not None
    world.bench.wait(3_600)
    world.bench.trade(0, 8_000)
    world.bench.exchanges[0].set_market(world.bench.symbol(0), 8_000_000, [], [])
    outcome = world.carry_out(replace(ORDER, limit=timedelta(seconds=5)))
    assert outcome is not None
    assert (outcome.ending, outcome.closed) == (Ending.NOT_FLAT, False)
    assert not world.files.pending.exists()


def test_nothing_pending_nothing_to_resume(world: World) -> None:
    assert world.resume() is None
    assert world.attempts == 0
    assert not world.files.latch.exists()


def test_not_confirmed_nothing_is_left_behind(world: World) -> None:
    assert world.carry_out(agreed=False) is None
    assert not world.files.latch.exists()
    assert not world.files.pending.exists()
    assert world.bench.held == (80_000, -10)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"by": "anna"}'])
def test_a_pending_file_that_cannot_be_read_is_pending_all_the_same(tmp_path: Path, content: str) -> None:
    files = Files(tmp_path)
    assert pending.read(files) is None
    files.pending.write_text(content)
    found = pending.read(files)
    assert found is not None
    assert found.options == Options()
    assert files.latched() is not None


def test_who_waits_is_known_until_it_dies(tmp_path: Path) -> None:
    files = Files(tmp_path)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom bot.runtime import pending\n"
        "from bot.runtime.files import Files\npending.claim(Files(Path(sys.argv[1])))\nprint(flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert pending.claim(files) is None
            assert pending.waiting(files) == str(process.pid)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
    assert pending.waiting(files) is None
    held = pending.claim(files)
    assert held is not None
    os.close(held)
