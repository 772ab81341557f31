"""The committed mistakes: each still fits the code, and what tries them can say that one was not noticed."""

import difflib
from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.run import Mutant, mutants, objection, try_one

ABOVE = "Mistake: none, a comment\nSuite: tests/unit/risk/test_pnl.py\n\n"


def _with_a_comment(file: str) -> str:
    before = (run.ROOT / file).read_text().splitlines(keepends=True)
    diff = difflib.unified_diff(before, [*before, "# nothing changes\n"], f"a/{file}", f"b/{file}")
    return ABOVE + "".join(diff)


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mistake_fits_the_code_as_it_is(mutant: Mutant) -> None:
    assert objection(mutant) is None
    for part in mutant.suite:
        file, _, test = part.partition("[")[0].partition("::")
        assert (run.ROOT / file).exists(), f"{mutant.name} names a suite that is gone: {file}"
        test = test.partition("[")[0]  # of a test with cases, one of them
        assert not test or f"def {test}(" in (run.ROOT / file).read_text(), f"{mutant.name}: no test {part}"


def test_there_are_many() -> None:
    assert len(mutants()) >= 15


def test_what_changes_nothing_survives(tmp_path: Path) -> None:
    patch = tmp_path / "harmless.patch"
    patch.write_text(_with_a_comment("risk/pnl.py"))
    noticed, said = try_one(Mutant.read(patch))
    assert not noticed
    assert "passed" in said


def test_a_patch_must_say_what_and_where(tmp_path: Path) -> None:
    patch = tmp_path / "silent.patch"
    patch.write_text(ABOVE.partition("\n")[2])
    with pytest.raises(ValueError, match=r"silent\.patch must say"):
        Mutant.read(patch)
