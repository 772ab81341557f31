"""From a profile's name or file to ``Settings``, or to a ConfigError that says all that is wrong.

A profile is TOML. Shipped ones are called by name (demo, sim, testnet, live), one's own by path. Overrides
(dotted key → value, text or typed) come on top, and are checked in the same way.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import ConfigError, Problem
from config.explain import explain
from config.history import quantiles
from config.place import data_dir, find, read
from config.rules import faults
from config.settings import Mode, Settings

OVERRIDE = "override"


def load_profile(
    profile: str | Path,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Load, validate and return a profile, called by name or by file. Raises ConfigError."""
    path = find(profile)
    raw = read(path)
    overrides = overrides or {}
    for key, value in overrides.items():
        _override(raw, key, value)
    raw["data_dir"] = data_dir(raw, path, environ)
    rests_on, wrong = quantiles(raw, path.parent)
    if wrong:
        raise ConfigError(
            *(Problem(OVERRIDE if key in overrides else str(path), key, text) for key, text in wrong.items())
        )
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        found = explain(error)
    else:
        settings._source = path
        settings._rests_on = rests_on
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


def _override(raw: dict[str, Any], key: str, value: object) -> None:
    *tables, last = key.split(".")
    place = raw
    for table in tables:
        inner = place.setdefault(table, {})
        if not isinstance(inner, dict):
            raise ConfigError(Problem(OVERRIDE, key, f"{table} is a value, not a table"))
        place = inner
    place[last] = value
