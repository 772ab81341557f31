"""Every test, alert and page that ``docs/bad-times.md`` names is there."""

import re
from pathlib import Path

import pytest

from tests.unit.project.test_pitfalls import cells, defined

PAGE = Path(__file__).resolve().parents[3] / "docs" / "bad-times.md"
ROWS = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]


def test_there_are_bad_times() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: cells(row)[0][:60])
def test_each_has_a_behaviour_and_a_test_that_exists(row: str) -> None:
    _, behaviour, reasons, pages, tests = cells(row.replace("| |", "|  |").replace("| |", "|  |"))
    assert behaviour
    assert bool(reasons) == bool(pages)
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    assert named
    for file, name in named:
        assert name in defined(file), f"there is no {file}::{name}"
