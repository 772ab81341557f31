"""From a profile's name or file to ``Settings``, or to a ConfigError that says all that is wrong.

A profile is TOML. Shipped ones are called by name (demo, sim, testnet, live), one's own by path. Overrides
(dotted key → value, text or typed) come on top, and are checked in the same way.
"""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigError, Problem
from config.explain import closest, explain
from config.rules import faults
from config.settings import Mode, Settings

SHIPPED = Path(__file__).parent
OVERRIDE = "override"


def profile_names() -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_profile(
    profile: str | Path,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Load, validate and return a profile, called by name or by file (ends with .toml, or holds a /).

    The data folder defaults to $BASISBOT_HOME, else $XDG_STATE_HOME/basisbot, else ~/.local/state/basisbot,
    and in it a folder called as the instance. Raises ConfigError.
    """
    path = _find(profile)
    raw = _read(path)
    overrides = overrides or {}
    for key, value in overrides.items():
        _override(raw, key, value)
    raw["data_dir"] = _data_dir(raw, path, environ)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        found = explain(error)
    else:
        settings._source = path
        found = list(faults(settings))
    if found:
        raise ConfigError(
            *(Problem(OVERRIDE if key in overrides else str(path), key, text) for key, text in found)
        )
    return settings


def require_consent(settings: Settings, *, live: bool) -> None:
    """Raise ConfigError when orders could cost real money and the explicit flag is missing."""
    if settings.mode is Mode.LIVE and not live:
        raise ConfigError(
            Problem(str(settings.source), "mode", "this profile trades real money: say --live as well")
        )


def _find(profile: str | Path) -> Path:
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


def _read(path: Path) -> dict[str, Any]:
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


def _override(raw: dict[str, Any], key: str, value: object) -> None:
    *tables, last = key.split(".")
    place = raw
    for table in tables:
        inner = place.setdefault(table, {})
        if not isinstance(inner, dict):
            raise ConfigError(Problem(OVERRIDE, key, f"{table} is a value, not a table"))
        place = inner
    place[last] = value


def _data_dir(raw: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> object:
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
