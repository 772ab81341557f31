"""A sample of ``make crash-kills``: real processes die at a system call, and are started again."""

from pathlib import Path

import pytest

from tests.crash.kills import FLATTEN, daemon, emergency, missing, places

REASON = missing()
needs_strace = pytest.mark.skipif(REASON is not None, reason=f"kills at a system call: {REASON}")


@needs_strace
@pytest.mark.timeout(600)
def test_a_bot_killed_at_its_writes_and_its_sends(tmp_path: Path) -> None:
    # A flush of the log, a frame of it, a request; each in the middle of its life.
    killed, problems = daemon(tmp_path, [("fdatasync", 9), ("pwrite64", 61), ("sendto", 29)])
    assert not problems
    assert killed.total() - killed["not met"] == 3, killed


@needs_strace
@pytest.mark.timeout(600)
def test_an_emergency_command_killed_half_way(tmp_path: Path) -> None:
    killed, problems = emergency(tmp_path, places(2, FLATTEN))
    assert not problems
    assert killed["not met"] < 2, killed
