"""Fetch secrets when they are needed, from where the profile says they are. They stay SecretStr."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from config.errors import ConfigError, Problem
from config.settings import Settings

CONTAINER_SECRETS = Path("/run/secrets")


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The inverse venue's key and its secret."""

    key: SecretStr
    secret: SecretStr


def api_keys(settings: Settings, environ: Mapping[str, str] = os.environ) -> ApiKeys:
    """Return the inverse venue's keys. A relative file is taken from the profile's folder.

    Raises ConfigError, with every fault, when one cannot be had or its file is open to others.
    """
    found: dict[str, SecretStr] = {}
    problems: list[Problem] = []
    for name in ("api_key", "api_secret"):
        try:
            found[name] = _fetch(settings, name, environ)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(*problems)
    return ApiKeys(found["api_key"], found["api_secret"])


def _fetch(settings: Settings, name: str, environ: Mapping[str, str]) -> SecretStr:
    written: SecretStr | None = getattr(settings.inverse, name)
    variable: str | None = getattr(settings.inverse, f"{name}_env")
    file: Path | None = getattr(settings.inverse, f"{name}_file")
    if written is not None:
        key, value = name, written.get_secret_value()
    elif variable is not None:
        key, value = f"{name}_env", environ.get(variable, "")
        if not value.strip():
            raise _error(settings, key, f"the environment variable {variable} is not set, or empty")
    elif file is not None:
        key, value = f"{name}_file", _read(settings, f"{name}_file", file)
    else:
        raise _error(settings, name, f"give {name}_env or {name}_file")
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise _error(settings, key, "holds no usable secret: one word of printable ASCII is allowed")
    return SecretStr(value)


def _read(settings: Settings, key: str, file: Path) -> str:
    path = settings.source.parent / file.expanduser()
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not path.is_relative_to(CONTAINER_SECRETS):
            raise _error(settings, key, f"{path} is open to other users: chmod 600 {path}")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _error(settings, key, f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _error(settings, key, f"{path} is not text") from error


def _error(settings: Settings, key: str, text: str) -> ConfigError:
    return ConfigError(Problem(str(settings.source), f"inverse.{key}", text))
