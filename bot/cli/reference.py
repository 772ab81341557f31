"""The reference of the command line, made from what ``--help`` says: ``make docs`` writes it, a test holds it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from bot.cli.app import app
from bot.cli.failures import MEANINGS
from bot.surfaces.reference import PAGES as OTHERS

_WIDTH = 100

_HEAD = """# Command line

Made by `make docs` from the program's own `--help`; do not edit.

`--profile NAME|FILE` chooses the instance (default `demo`), `--json` prints JSON instead of text; both may also stand
before the command. What takes more than a second says so on standard error, where that is a terminal.

## Exit codes

{codes}

Interrupted by Ctrl-C: 130. `basisbot watch` ends with 0.

## Environment variables

| variable | does |
|---|---|
| `BASISBOT_HOME` | where ledgers and state lie, a folder for each instance |
| `XDG_STATE_HOME` | where that is not set: its folder `basisbot` (and without either `~/.local/state/basisbot`) |
| `NO_COLOR`, `FORCE_COLOR`, `COLUMNS` | as everywhere: no colours, colours also in a pipe, the width |
| what the profile names | its secrets: `api_key_env`, `api_secret_env`, `password_env`, `command_key_env` |

A profile's data folder can also be set by its `data_dir`.

## Shell completion

`basisbot --install-completion` installs it for the shell it is called from (bash, zsh, fish, PowerShell);
`--show-completion` prints what that would be. Commands, options and the names of profiles are completed.

## Commands

"""


def command_line() -> str:
    """Return the page about the command line."""
    codes = "\n".join(
        ["| code | means |", "|---|---|", *(f"| {code:d} | {text} |" for code, text in MEANINGS.items())]
    )
    root: Any = get_command(app)
    widths = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = root.context_class(root, info_name="basisbot", **(root.context_settings | widths))
    sections = [f"### {path}\n\n```\n{text}\n```\n" for path, text in _helps(root, context)]
    return _HEAD.format(codes=codes) + "\n".join(sections)


def _helps(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    """Give every command's path and help, groups before what is in them."""
    with context:
        yield context.command_path, command.get_help(context).rstrip()
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _helps(inner, inner.context_class(inner, info_name=name, parent=context))


PAGES: dict[str, Callable[[], str]] = {**OTHERS, "reference.md": command_line}


def write(folder: Path) -> None:
    """Write every page into ``folder``."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
