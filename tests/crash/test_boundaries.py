"""A sample of ``make crash``: die at boundaries spread over every life, start again, and be judged."""

from collections import Counter

import pytest

from tests.crash.boundaries import Case, cases, doubles, spread, verdict
from tests.crash.fuse import Kind

ENOUGH = 200
SAMPLE = 40


@pytest.fixture(scope="module")
def every() -> list[Case]:
    return list(cases())


def test_the_lives_have_boundaries_of_every_kind(every: list[Case]) -> None:
    """Also: each life, left alone, comes to a good end (``cases`` says so)."""
    boundaries = {(case.life, case.boundary.number): case.boundary for case in every}
    assert len(boundaries) >= ENOUGH
    kinds = Counter((boundary.kind, boundary.is_after) for boundary in boundaries.values())
    assert {kind for kind, _ in kinds} == set(Kind)


def test_die_there_and_start_again(every: list[Case]) -> None:
    failed = {str(case): problems for case in spread(every, SAMPLE) if (problems := verdict(case))}
    assert not failed, failed


def test_and_die_again_while_recovering(every: list[Case]) -> None:
    failed = {str(case): problems for case in doubles(every, SAMPLE // 4) if (problems := verdict(case))}
    assert not failed, failed
