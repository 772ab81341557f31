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
SHORTEST_KEY = 20


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The inverse venue's key and its secret."""

    key: SecretStr
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class MqttSecrets:
    """``password`` of the broker; ``command_key`` signs commands. None where the profile names none."""

    password: SecretStr | None
    command_key: SecretStr | None


def api_keys(settings: Settings, environ: Mapping[str, str] = os.environ) -> ApiKeys:
    """Return the inverse venue's keys. A relative file is taken from the profile's folder.

    Raises ConfigError, with every fault, when one cannot be had or its file is open to others.
    """
    found = _all(settings, "inverse", ("api_key", "api_secret"), environ)
    missing = [name for name, secret in found.items() if secret is None]
    if missing:
        raise ConfigError(
            *(_problem(settings, f"inverse.{name}", f"give {name}_env or {name}_file") for name in missing)
        )
    return ApiKeys(found["api_key"] or SecretStr(""), found["api_secret"] or SecretStr(""))


def watchdog_keys(settings: Settings, environ: Mapping[str, str] = os.environ) -> ApiKeys | None:
    """Return the keys of the watchdog's own, None where the profile names none. Raises ConfigError as ``api_keys``."""
    if settings.watchdog is None:
        return None
    found = _all(settings, "watchdog", ("api_key", "api_secret"), environ)
    key, secret = found["api_key"], found["api_secret"]
    return None if key is None or secret is None else ApiKeys(key, secret)


def mqtt_secrets(settings: Settings, environ: Mapping[str, str] = os.environ) -> MqttSecrets:
    """Return what the profile's ``[mqtt]`` names. Raises ConfigError as ``api_keys`` does."""
    if settings.mqtt is None:
        return MqttSecrets(None, None)
    found = _all(settings, "mqtt", ("password", "command_key"), environ)
    key = found["command_key"]
    if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
        text = f"must have at least {SHORTEST_KEY} characters: whoever guesses it commands the bot"
        raise ConfigError(_problem(settings, "mqtt.command_key", text))
    return MqttSecrets(found["password"], key)


def _all(
    settings: Settings, section: str, names: tuple[str, ...], environ: Mapping[str, str]
) -> dict[str, SecretStr | None]:
    found: dict[str, SecretStr | None] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            found[name] = _fetch(settings, section, name, environ)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(*problems)
    return found


def _fetch(settings: Settings, section: str, name: str, environ: Mapping[str, str]) -> SecretStr | None:
    told = getattr(settings, section)
    written: SecretStr | None = getattr(told, name, None)
    variable: str | None = getattr(told, f"{name}_env")
    file: Path | None = getattr(told, f"{name}_file")
    key = f"{section}.{name}"
    if written is not None:
        value = written.get_secret_value()
    elif variable is not None:
        key, value = f"{key}_env", environ.get(variable, "")
        if not value.strip():
            raise ConfigError(
                _problem(settings, key, f"the environment variable {variable} is not set, or empty")
            )
    elif file is not None:
        key = f"{key}_file"
        value = _read(settings, key, file)
    else:
        return None
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        text = "holds no usable secret: one word of printable ASCII is allowed"
        raise ConfigError(_problem(settings, key, text))
    return SecretStr(value)


def _read(settings: Settings, key: str, file: Path) -> str:
    path = settings.source.parent / file.expanduser()
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not path.is_relative_to(CONTAINER_SECRETS):
            text = f"{path} is open to other users: chmod 600 {path}"
            raise ConfigError(_problem(settings, key, text))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(_problem(settings, key, f"cannot read {path}: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(_problem(settings, key, f"{path} is not text")) from error


def _problem(settings: Settings, key: str, text: str) -> Problem:
    return Problem(str(settings.source), key, text)
