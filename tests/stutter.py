"""Run tests while their processes are stopped and let go again at random moments, as on a slow, busy machine.

    python -m tests.stutter [--seed N] [--longest SECONDS] PYTEST-ARGUMENTS

A test that fails here and nowhere else depends on a quick machine: on a time limit that a good answer must meet, or on
who comes first. A stop that a test makes itself (a bot that hangs) is left alone.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_LEAST = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=0.6, help="seconds a process is stopped at most")
    parser.add_argument("--every", type=float, default=0.3, help="seconds between two stops, on average")
    given, pytest = parser.parse_known_args()
    chance = random.Random(given.seed)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *pytest]
    stops = 0
    with subprocess.Popen(command) as tests:
        try:
            while tests.poll() is None:
                time.sleep(chance.uniform(0, 2 * given.every))
                stops += _stop_one(tests.pid, chance, chance.uniform(_LEAST, given.longest))
        except KeyboardInterrupt:
            tests.wait()
    print(f"seed {given.seed}: processes were stopped {stops} times, for {given.longest:g} s at most")
    return tests.returncode


def _stop_one(root: int, chance: random.Random, seconds: float) -> int:
    """Stop one of the running processes below ``root`` for ``seconds``; say how many that were."""
    running = sorted(pid for pid in _below(root) if _state(pid) in ("R", "S", "D"))
    if not running:
        return 0
    pid = chance.choice(running)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
    return 1


def _below(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _state(pid: int) -> str:
    try:
        return _stat(pid)[0]
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat that follow the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


if __name__ == "__main__":
    sys.exit(main())
