"""What is committed names no package registry and no path of anybody's machine; every lock is complete."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = ["requirements.lock", "requirements-uv.lock"]

# Written in pieces, or this file would be the first to break its own rule.
REGISTRIES = re.compile("py" + r"pi\.org|python" + "hosted|npm" + r"js\.org|deb\.deb" + "ian")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)" + "/")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_registry_and_no_machine_path_is_committed() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if REGISTRIES.search(line) or MACHINE_PATHS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    requirements = re.findall(r"^(\S[^#\n]*(?:\\\n +--hash\S+ ?)+)", text, re.MULTILINE)
    assert len(requirements) == len(re.findall(r"^[a-zA-Z0-9]", text, re.MULTILINE)) > 0
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==[0-9][^ ;]*( ; .+)? \\\n", requirement), requirement[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement)


def test_the_lock_holds_every_dependency_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(entry for group in project["dependency-groups"].values() for entry in group),
    ]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    names = {re.split(r"[<>=\[; ]", entry)[0].lower().replace("_", "-") for entry in wanted}
    assert names <= locked
