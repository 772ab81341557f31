"""Every test and every mistake that ``docs/pitfalls.md`` names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROWS = [
    line
    for line in (ROOT / "docs" / "pitfalls.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| pitfall")
]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def defined(file: str) -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob(file)
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }


def test_there_are_pitfalls() -> None:
    assert len(ROWS) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: cells(row)[0][:60])
def test_each_has_a_cure_and_a_test_that_exists(row: str) -> None:
    _, cure, tests, *mistake = cells(row.replace("| |", "|  |"))
    assert cure
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    assert named
    for file, name in named:
        assert name in defined(file), f"there is no {file}::{name}"
    for patch in re.findall(r"`([a-z-]+)`", " ".join(mistake)):
        path = ROOT / "tests" / "mutants" / "patches" / f"{patch}.patch"
        assert path.exists(), f"there is no mistake {patch}"
