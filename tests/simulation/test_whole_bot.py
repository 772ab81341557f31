"""A sample of simulated lives: the whole bot in virtual time, every fault by seed. ``make simulate`` runs thousands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.runtime.logs import silent
from tests.simulation.whole.life import run

SEEDS = range(40)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with silent():
        yield


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life(seed: int) -> None:
    result = run(seed)
    assert result.violations == (), f"make simulate SEED={seed}"
    assert result.events > 5


def test_a_seed_is_the_same_life_in_every_process() -> None:
    """Whatever the order of sets: the same hash at the head of the chain, and so the same events at the same times."""

    def heads(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.simulation.whole", "--first", "100", "--runs", "6", "--heads"]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return "\n".join(done.stdout.splitlines()[:6])

    first, second = heads("1"), heads("4711")
    assert first == second
    assert len(set(first.split())) == 12
