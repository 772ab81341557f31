"""Completion in a real bash, by the script that ``--install-completion`` installs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
eval "$(_BASISBOT_COMPLETE=source_bash basisbot)"
COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )) COMP_LINE="{words}" COMP_POINT=99
_basisbot_completion basisbot
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("basisbot rec", {"reconcile"}),
        ("basisbot plan c", {"close", "cancel"}),
        ("basisbot ledger ''", {"verify", "report", "export"}),
        ("basisbot status --profile te", {"testnet"}),
        ("basisbot plan open --direction l", {"long-inverse"}),
        ("basisbot flatten --dry", {"--dry-run"}),
    ],
)
def test_bash_completes(tmp_path: Path, words: str, found: set[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    command = tmp_path / "basisbot"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "BASISBOT_HOME": str(tmp_path)}
    done = subprocess.run(
        [bash, "--norc", "-c", ASK.format(words=words)], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert {line for line in done.stdout.split("\n") if line} == found
