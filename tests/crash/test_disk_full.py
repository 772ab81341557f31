"""The disk is full while the bot trades: it says so, hedges what is out, ends; with space again nothing is lost.

The kernel refuses to let any of the bot's files grow beyond what its ledger has, plus some room.
"""

import http.client
import resource
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash.images import WAL
from tests.crash.kills import Person
from tests.e2e.bench import PATIENCE, Ran, home

# Room for nothing; for the plan, its approvals and some of its fills.
ROOMS = (0, 60_000)


def _run_full(person: Person, room: int) -> Ran:
    """Run a bot whose ledger may grow by ``room`` bytes, until it ends by itself."""
    bot = person.home.bot(person.profile)
    size = max(
        path.stat().st_size for path in (person.ledger, Path(f"{person.ledger}{WAL}")) if path.exists()
    )
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    deadline = time.monotonic() + PATIENCE
    while bot.process.is_alive and time.monotonic() < deadline:
        # It may end while it is asked.
        with suppress(OSError, http.client.HTTPException, AssertionError, ValueError):
            person.step(bot.process)
        time.sleep(0.02)
    return bot.process.end()


@pytest.mark.timeout(600)
def test_a_full_disk_is_said_survived_and_made_up_for(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        person = Person(it, it.sim(), "full")
        # What Python compiles would be cut off like any other file, and whoever reads it next could not start.
        it.env["PYTHONDONTWRITEBYTECODE"] = "1"
        for room in ROOMS:
            ended = _run_full(person, room)
            ended.said(4, "writing the ledger", "failed after event", "start it again and reconcile")
            assert it.basisbot("ledger", "verify", "--file", person.ledger).said(0, "verified")
        person.finish().process.stop()
        assert list(person.judge()) == []


def test_a_bot_does_not_start_where_nothing_can_be_written(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        profile = it.profile("full")
        # No file of it may hold a byte; what it says goes to pipes.
        command = [sys.executable, "-m", "bot", "run", "--profile", str(profile)]
        ended = subprocess.run(
            ["sh", "-c", 'ulimit -f 0 && exec "$0" "$@"', *command],
            capture_output=True,
            text=True,
            env=it.env,
            timeout=PATIENCE,
            check=False,
        )
        assert "Traceback" not in ended.stdout + ended.stderr
        assert ended.returncode in (2, 4), ended
        assert str(it.instance(profile)) in ended.stderr, ended
