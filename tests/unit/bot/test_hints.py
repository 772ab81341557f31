"""Hints name commands that can be typed as they stand."""

from contextvars import copy_context

import pytest
from typer.main import get_command

from bot.cli.app import app
from bot.cli.hints import WITHOUT, remember, told


def under(profile: str, text: str) -> str:
    def say() -> str:
        remember(profile)
        return told(text)

    return copy_context().run(say)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("see: basisbot tickets", "see: basisbot tickets --profile sim"),
        ("(basisbot plan list)", "(basisbot plan list --profile sim)"),
        ("basisbot transfer list --all", "basisbot transfer list --profile sim --all"),
        ("basisbot run or basisbot demo", "basisbot run --profile sim or basisbot demo"),
        ("basisbot sim; basisbot calc gap", "basisbot sim; basisbot calc gap"),
        ("basisbot runs (simulated)", "basisbot runs (simulated)"),
        ("basisbot tickets --profile live", "basisbot tickets --profile live"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_a_hint_carries_the_profile(said: str, expected: str) -> None:
    assert under("sim", said) == expected
    assert under("demo", said) == said


def test_a_path_is_quoted_where_a_shell_needs_it() -> None:
    assert under("my dir/one.toml", "basisbot status") == "basisbot status --profile 'my dir/one.toml'"
    assert under("./one.toml", "basisbot status") == "basisbot status --profile ./one.toml"


def test_which_commands_take_a_profile_is_told_as_it_is() -> None:
    # --profile of the demonstrations names a profile too, but not that of the bot one has asked.
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        if name not in WITHOUT and not hasattr(command, "commands"):
            assert any("--profile" in option.opts for option in command.params), name
