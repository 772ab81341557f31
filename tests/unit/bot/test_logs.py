"""The log's files: how they grow, who may read them, and a disk that takes no more."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import structlog

from bot.runtime.logs import OLDER, logging_to


def seen(folder: Path) -> list[int]:
    """Return the numbers logged, in order, from the oldest file to the newest."""
    files = [folder / "log", *(folder / f"log.{n}" for n in range(1, OLDER + 1))]
    lines = [line for file in reversed(files) if file.exists() for line in file.read_text().splitlines()]
    return [json.loads(line)["number"] for line in lines]


def test_it_begins_a_new_file_in_time_and_keeps_a_few(tmp_path: Path) -> None:
    path, most = tmp_path / "log", 10_000
    with logging_to(path, console=False, most=most):
        for number in range(1_000):
            structlog.get_logger().info("a line of some length, as they are", number=number)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["log", *(f"log.{n}" for n in range(1, OLDER + 1))]
    assert all(file.stat().st_size <= most for file in tmp_path.iterdir())
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())
    kept = seen(tmp_path)
    assert kept == list(range(kept[0], 1_000))
    assert len(kept) > 300


def test_a_second_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for number in range(3):
        with logging_to(tmp_path / "log", console=False):
            structlog.get_logger().info("once", number=number)
            logging.getLogger("library").warning("%s\nin two lines", "its own words")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line.get("number") for line in lines] == [0, None, 1, None, 2, None]
    assert lines[1]["event"] == "its own words\nin two lines"


FULL = """
import resource, signal, sys
from pathlib import Path
import structlog
from bot.runtime.logs import logging_to

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
with logging_to(Path(sys.argv[1]), console=False):
    for number in range(100):
        structlog.get_logger().info("a line", number=number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    structlog.get_logger().info("room again", number=100)
"""


def test_a_disk_that_takes_no_more_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", FULL, path], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = path.read_text()
    assert 5 < text.count('"a line"') < 100
    assert json.loads(text.splitlines()[0])["number"] == 0
    assert '"room again"' in text
