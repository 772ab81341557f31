"""``config new``: a profile of one's own that is right from the start, and never written over another."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.failures import CommandFailed
from config.load import load_profile
from config.place import SHIPPED, profile_names


def new(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["config", "new", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("origin", profile_names())
def test_it_is_the_shipped_one_under_another_name(origin: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert str(file) in new("mine", "--from", origin, "--out", str(file))
    shipped = tomllib.loads((SHIPPED / f"{origin}.toml").read_text("utf-8"))
    assert tomllib.loads(file.read_text("utf-8")) == {**shipped, "instance": "mine"}
    made = load_profile(file, environ={"HOME": str(tmp_path)})
    assert made.instance == "mine"
    # Each key keeps its comment.
    assert file.read_text("utf-8").count("  # ") == (SHIPPED / f"{origin}.toml").read_text("utf-8").count(
        "  # "
    )


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    with pytest.raises(CommandFailed, match="is left as it is"):
        new("mine", "--out", str(file))
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["", "Mine", "../x", "a b", "-x", "x" * 33])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="is no name"):
        new("--out", str(tmp_path / "x.toml"), "--", name)
    assert not list(tmp_path.iterdir())
