"""The pages people read when something is wrong: one for every alert, in one shape, with commands that exist."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bot.cli import options_last
from bot.cli.app import app

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "runbooks"
# What a person does by choice; nothing raises it.
NO_ALERT = {"emergency-flatten"}
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Verification"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(RUNBOOKS.glob("*.md"))]

# Where the code stands among the arguments of what raises an alert.
RAISES = {"alert": 0, "Warn": 0, "remind": 1}
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")


def codes_in(tree: ast.Module) -> set[str]:
    """Return what a module can pass as an alert's code: as it stands there, or from a table of the module's."""
    tables = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = RAISES.get(called)
        if place is None or len(node.args) <= place or ast.unparse(node.args[place]) == "given.code":
            continue
        told = list(ast.walk(node.args[place]))
        told += [
            part
            for name in told
            if isinstance(name, ast.Name) and name.id in tables
            for part in ast.walk(tables[name.id])
        ]
        said = {part.value for part in told if isinstance(part, ast.Constant) and isinstance(part.value, str)}
        assert said, f"line {node.lineno}: an alert whose code is not to be read off"
        found |= said
    return found


ALERTS = sorted(
    set().union(*(codes_in(ast.parse(path.read_text("utf-8"))) for path in (ROOT / "bot").rglob("*.py")))
)


def test_the_alerts_are_found() -> None:
    assert {"LEGGED_POSITION", "LIQUIDATED", "FOREIGN_FILL", "VENUE_NOT_REACHED"} <= set(ALERTS)
    assert all(CODE.fullmatch(code) for code in ALERTS)


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")}
    assert pages - NO_ALERT == {code.lower().replace("_", "-") for code in ALERTS}


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_has_its_sections_and_says_what_to_do_by_numbers(path: Path) -> None:
    title, *sections = re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)
    if path.stem not in NO_ALERT:
        assert title.strip() == f"# {path.stem.upper().replace('-', '_')}"
    assert [section.split("\n", 1)[0] for section in sections] == SECTIONS
    for section in sections[2:]:
        assert section.split("\n", 1)[1].startswith("1. "), section


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def commands(path: Path) -> list[list[str]]:
    """Return every ``basisbot …`` of a page's code, without what stands in its place (…, PROFILE)."""
    text = path.read_text("utf-8")
    lines = [line for block in FENCE.findall(text) for line in block.splitlines()]
    lines += [" ".join(code.split()) for code in INLINE.findall(FENCE.sub("", text))]
    found = []
    for line in lines:
        said = re.search(r"(?:^|/|&& )basisbot( .*)", line.split(" #")[0].replace("…", ""))
        if said is not None:
            found.append(shlex.split(re.split(r" && | \| ", said[1])[0]))
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_that_is_quoted_exists_with_its_options(path: Path) -> None:
    for words in commands(path):
        command: Any = get_command(app)
        rest = options_last(words)
        while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"{path.name}: basisbot {' '.join(words)}"
            command = command.commands[rest.pop(0)]
        known = {
            "--help",
            *(name for option in command.params for name in (*option.opts, *option.secondary_opts)),
        }
        options = {word.split("=")[0] for word in rest if word.startswith("-")}
        assert options <= known, f"{path.name}: basisbot {' '.join(words)}: {options - known}"


def test_commands_are_found_where_they_are_quoted() -> None:
    assert ["--profile", "PROFILE", "flatten"] in commands(RUNBOOKS / "emergency-flatten.md")
    assert ["ledger", "verify"] in commands(ROOT / "README.md")
