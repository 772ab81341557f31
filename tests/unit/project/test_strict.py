"""A strict run (BASISBOT_STRICT=1) turns every kind of skip into a failure, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[2] / "conftest.py"

KINDS = {
    "call": "import pytest\ndef test_a():\n    pytest.skip('no broker here')\n",
    "mark": "import pytest\n@pytest.mark.skip(reason='no broker here')\ndef test_a():\n    pass\n",
    "module": "import pytest\npytest.skip('no broker here', allow_module_level=True)\n",
}


def run(folder: Path, text: str, *, strict: bool) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_one.py").write_text(text)
    environ = {name: value for name, value in os.environ.items() if name != "BASISBOT_STRICT"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."],
        cwd=folder,
        env=environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"BASISBOT_STRICT": "1"} if strict else {}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_skip_fails_a_strict_run(tmp_path: Path, kind: str) -> None:
    result = run(tmp_path, KINDS[kind], strict=True)
    assert result.returncode != 0
    assert "skipped in a strict run (BASISBOT_STRICT=1): " in result.stdout
    assert "no broker here" in result.stdout


def test_a_skip_is_a_skip_otherwise(tmp_path: Path) -> None:
    result = run(tmp_path, KINDS["call"], strict=False)
    assert (result.returncode, "1 skipped" in result.stdout) == (0, True)


def test_an_expected_failure_stays_one(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.xfail\ndef test_a():\n    assert False\n"
    result = run(tmp_path, text, strict=True)
    assert (result.returncode, "1 xfailed" in result.stdout) == (0, True)
