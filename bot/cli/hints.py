"""Commands that a text names, made so that they can be typed: with the profile this one was called with."""

import re
from contextvars import ContextVar

from bot.cli.options import DEFAULT_PROFILE

# What takes no profile, or is asked of another one than the bot's.
WITHOUT = ("demo", "sim", "replay", "scenario", "calc")

_profile: ContextVar[str] = ContextVar("profile", default=DEFAULT_PROFILE)


def remember(profile: str) -> None:
    """Name ``profile`` in every hint of this command from now on."""
    _profile.set(profile)


def told(text: str) -> str:
    """Return ``text`` with the profile behind every command it names, unless that is the default."""
    profile = _profile.get()
    if profile == DEFAULT_PROFILE or "basisbot " not in text:
        return text
    from bot.cli.app import app

    groups = "|".join(str(group.name) for group in app.registered_groups)
    named = rf"\bbasisbot (?!(?:{'|'.join(WITHOUT)}|runs)\b)(?:(?:{groups}) )?[a-z]+\b(?! --profile)"
    return re.sub(named, rf"\g<0> --profile {_quoted(profile)}", text)


def say(text: str) -> None:
    """Print a line for a person."""
    print(told(text))


def _quoted(profile: str) -> str:
    # As a shell takes it; the backslashes of a substitution are doubled.
    return (f"'{profile}'" if re.search(r"[^\w@%+=:,./-]", profile) else profile).replace("\\", r"\\")
