"""A sample of orphans and of what only looks so, one life of each kind; ``make orphans`` lives a thousand."""

from collections.abc import Iterator

import pytest

from bot.runtime.logs import silent
from tests.simulation.orphans.cases import Kind
from tests.simulation.orphans.life import LIMIT, run


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with silent():
        yield


@pytest.mark.parametrize("seed", range(len(Kind)), ids=[kind.name.lower() for kind in Kind])
def test_an_orphan(seed: int) -> None:
    lived = run(seed)
    assert lived.result.violations == (), f"make orphans SEED={seed}"
    assert lived.outcome is not None
    assert lived.outcome.longest <= LIMIT
    assert lived.outcome.worst > 0 or not lived.outcome.kind.is_orphan
    # While a spread opens it is naked for moments.
    assert lived.outcome.worst == 0 or not lived.outcome.kind.is_decoy or lived.outcome.kind is Kind.UNDER_WAY
    assert "stripped" not in lived.result.tally.sections
