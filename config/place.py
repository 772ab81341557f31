"""Where a profile is, and where the data of its instance lie: all that a command needs which asks a running bot.

Nothing here loads pydantic, nor checks the rest of the profile: that is ``config.load``.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.errors import ConfigError, Problem

SHIPPED = Path(__file__).parent
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What an instance may be called."""


@dataclass(frozen=True, slots=True)
class Place:
    """One instance: its profile's file, its name, and its data folder."""

    source: Path
    instance: str
    data_dir: Path


def place(profile: str | Path, environ: Mapping[str, str] = os.environ) -> Place | None:
    """Return where an instance is; None where the profile does not say (``load_profile`` tells what is wrong).
    Raises ConfigError."""
    path = find(profile)
    raw = read(path)
    instance, folder = raw.get("instance"), data_dir(raw, path, environ)
    if not isinstance(instance, str) or not NAME.fullmatch(instance) or not isinstance(folder, Path):
        return None
    return Place(path, instance, folder)


def profile_names() -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find(profile: str | Path) -> Path:
    """Return the file of a profile: a file ends with .toml or holds a /, else it is a name. Raises ConfigError."""
    text = str(profile)
    if isinstance(profile, Path) or text.endswith(".toml") or "/" in text:
        return Path(profile).expanduser().absolute()
    names = profile_names()
    if text not in names:
        raise ConfigError(
            Problem(
                "profile",
                text,
                f"no such profile{closest(text, names)}; shipped are {', '.join(names)}; "
                "a file of your own is given as PATH/NAME.toml",
            )
        )
    return SHIPPED / f"{text}.toml"


def read(path: Path) -> dict[str, Any]:
    """Return what a profile holds, unchecked. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 text (byte {error.start})"
    except tomllib.TOMLDecodeError as error:
        text = f"is not TOML: {error}"
    except ArithmeticError:
        text = "is not TOML: it holds a number that is none"
    raise ConfigError(Problem(str(path), "", text))


def data_dir(raw: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> object:
    """Return the data folder: as the profile says, else $BASISBOT_HOME, else $XDG_STATE_HOME/basisbot, else
    ~/.local/state/basisbot, and in it a folder called as the instance."""
    given = raw.get("data_dir")
    if given is not None:
        # Anything but text is left for the validation to refuse.
        return path.parent / Path(given).expanduser() if isinstance(given, str | Path) else given
    if home := environ.get("BASISBOT_HOME"):
        base = Path(home).expanduser().absolute()
    elif state := environ.get("XDG_STATE_HOME"):
        base = Path(state).absolute() / "basisbot"
    else:
        base = Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "basisbot"
    return base / str(raw.get("instance", ""))


def closest(word: str, words: Sequence[str]) -> str:
    """Return ``; did you mean …?`` for the nearest of ``words``, or nothing when none is near."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
