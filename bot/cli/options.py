"""Options that mean the same everywhere."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from config.place import Place


def shipped(incomplete: str) -> list[str]:
    """Complete the name of a profile."""
    from config.place import profile_names

    return [name for name in profile_names() if name.startswith(incomplete)]


Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        "-p",
        help="A shipped profile (demo, sim, testnet, live), or a file.",
        metavar="NAME|FILE",
        autocompletion=shipped,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]

DEFAULT_PROFILE = "demo"
SHADOW = "-shadow"
"""Behind an instance's name: its shadow's (``bot.runtime.shadow``)."""


def settings(profile: str, **overrides: object) -> Any:
    """Load a profile. Raises ConfigError."""
    from bot.cli.hints import remember
    from config.load import load_profile

    remember(profile)
    return load_profile(profile, overrides)


def place(profile: str) -> "Place":
    """Say where a profile's instance is, without checking the rest of it: a look must be quick. Raises ConfigError."""
    from bot.cli.hints import remember
    from config.place import Place, place

    remember(profile)
    found = place(profile)
    if found is not None:
        return found
    chosen = settings(profile)
    return Place(chosen.source, chosen.instance, chosen.data_dir)
