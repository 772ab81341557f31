"""``make mutants``: does a named suite notice each mistake this field has made?

Each file in ``patches/`` is one mistake: a line saying what it is, a line naming the suite that must turn red,
and a diff. The mistake is made in a copy of the project, never in the project itself. First every suite named is
run on an untouched copy: a suite that is red anyway would prove nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = Path(__file__).parent / "patches"
COPIED = (
    "risk",
    "adapters",
    "bot",
    "config",
    "tests",
    "pyproject.toml",
    "README.md",
    "docs",
    "runbooks",
    "Makefile",
)
LONGEST = 300
"""Seconds one suite may take; a mistake that hangs it has been noticed as well."""
TESTS_FAILED = 1
"""pytest's exit code; any other (no such test, an error of usage) proves nothing."""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    mistake: str
    suite: tuple[str, ...]
    patch: Path

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        """Read a patch and what stands above its diff. Raises ValueError."""
        told: dict[str, str] = {}
        for line in path.read_text().splitlines():
            if line.startswith("--- "):
                break
            key, colon, text = line.partition(": ")
            if colon:
                told[key] = text
        if not told.keys() >= {"Mistake", "Suite"}:
            raise ValueError(f"{path.name} must say 'Mistake: …' and 'Suite: …' above its diff")
        return cls(path.stem, told["Mistake"], tuple(told["Suite"].split()), path)


def mutants() -> list[Mutant]:
    return [Mutant.read(path) for path in sorted(PATCHES.glob("*.patch"))]


def copy_of_the_project(folder: Path) -> Path:
    copy = folder / "project"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / name)
    return copy


def objection(mutant: Mutant, tree: Path = ROOT) -> str | None:
    """Say why the patch cannot be applied to ``tree``; None if it can."""
    command = ["git", "apply", "--check", str(mutant.patch)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


def apply(mutant: Mutant, tree: Path) -> None:
    subprocess.run(["git", "apply", str(mutant.patch)], cwd=tree, check=True, capture_output=True)


def red(suite: tuple[str, ...], tree: Path) -> tuple[bool, str]:
    """Run ``suite`` in ``tree``; return whether a test of it failed, and how it ended.

    Raises RuntimeError where it could not be run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "--no-header", *suite]
    # The copy's packages, not the installed ones; no tree of a version control above a temporary folder.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return True, f"hung for {LONGEST} s"
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"]
    if done.returncode not in (0, TESTS_FAILED):
        raise RuntimeError(f"{' '.join(suite)} could not be run: {lines[-1]}")
    failed = next((line for line in lines if line.startswith("FAILED")), lines[-1])
    return done.returncode == TESTS_FAILED, failed.removeprefix("FAILED ")[:150]


def try_one(mutant: Mutant) -> tuple[bool, str]:
    """Make the mistake in a copy; return whether its suite noticed, and what it said."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = copy_of_the_project(Path(folder))
        apply(mutant, tree)
        return red(mutant.suite, tree)


def suites_are_green(chosen: list[Mutant]) -> bool:
    every = tuple(sorted({part for mutant in chosen for part in mutant.suite}))
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        is_red, said = red(every, copy_of_the_project(Path(folder)))
    if is_red:
        print(f"without any mistake the suites are red already: {said}")
    return not is_red


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants to try (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, metavar="N", help="every so many that N are tried")
    given = parser.parse_args()
    known = mutants()
    unknown = set(given.names) - {mutant.name for mutant in known}
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in known if not given.names or mutant.name in given.names]
    if given.sample:
        chosen = chosen[:: max(len(chosen) // given.sample, 1)][: given.sample]
    broken = [(mutant.name, why) for mutant in chosen if (why := objection(mutant)) is not None]
    for name, why in broken:
        print(f"{name}: its patch does not apply any more: {why}")
    if broken or not suites_are_green(chosen):
        return 1
    survivors = 0
    with ThreadPoolExecutor(given.jobs) as pool:
        for mutant, (noticed, said) in zip(chosen, pool.map(try_one, chosen), strict=True):
            survivors += not noticed
            print(f"{'killed  ' if noticed else 'SURVIVED'}  {mutant.name}: {mutant.mistake}", flush=True)
            print(f"          {said}", flush=True)
    print(f"mutants: {len(chosen) - survivors} killed, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
