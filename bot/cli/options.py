"""Options that mean the same everywhere."""

from typing import Annotated, Any

import typer

Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        "-p",
        help="A shipped profile (demo, sim, testnet, live), or a file.",
        metavar="NAME|FILE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]

DEFAULT_PROFILE = "demo"


def settings(profile: str, **overrides: object) -> Any:
    """Load a profile. Raises ConfigError."""
    from config.load import load_profile

    return load_profile(profile, overrides)
