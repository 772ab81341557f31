"""The disk is full while the bot trades: it says so, hedges what is out, ends; with space again nothing is lost.

The kernel refuses to let any of the bot's files grow beyond what its ledger has, plus some room.
"""

import http.client
import resource
import time
from contextlib import suppress
from pathlib import Path

from tests.crash.images import WAL
from tests.crash.kills import Person
from tests.e2e.bench import Home, Ran, home

# Room for nothing; for the plan, its approvals and some of its fills.
ROOMS = (0, 60_000)


def _run_full(person: Person, room: int) -> Ran:
    """Run a bot whose ledger may grow by ``room`` bytes, until it ends by itself."""
    bot = person.home.bot(person.profile)
    size = max(
        path.stat().st_size for path in (person.ledger, Path(f"{person.ledger}{WAL}")) if path.exists()
    )
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    deadline = time.monotonic() + 40
    while bot.process.is_alive and time.monotonic() < deadline:
        # It may end while it is asked.
        with suppress(OSError, http.client.HTTPException, AssertionError, ValueError):
            person.step(bot.process)
        time.sleep(0.02)
    return bot.process.end()


def test_a_full_disk_is_said_survived_and_made_up_for(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        person = Person(it, it.sim(), "full")
        for room in ROOMS:
            ended = _run_full(person, room)
            ended.said(4, "writing the ledger", "failed after event", "start it again and reconcile")
            assert it.basisbot("ledger", "verify", "--file", person.ledger).said(0, "verified")
        person.finish().process.stop()
        assert list(person.judge()) == []


def test_a_bot_does_not_start_where_nothing_can_be_written(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        profile = it.profile("full")
        ended = _limited(it, "run", "--profile", profile)
        assert "Traceback" not in ended.err
        assert ended.code in (2, 4), ended
        assert str(it.instance(profile)) in ended.err, ended


def _limited(it: Home, *arguments: str | Path) -> Ran:
    """Run a command none of whose files may hold a byte; what it says goes to a pipe."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        return it.basisbot(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
