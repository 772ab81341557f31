"""How a plan's legs are worked, from the command line: options that ``plan open`` and ``plan close`` share."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bot.cli.numbers import amount, plain, whole

if TYPE_CHECKING:
    from config.settings import Plan

Working = Annotated[
    Literal["linear", "inverse"] | None,
    typer.Option(
        help="Which leg goes first; the other one hedges its fills. linear: CME.", metavar="linear|inverse"
    ),
]
Style = Annotated[
    Literal["marketable", "join", "improve", "edge"] | None,
    typer.Option(
        help="How the working leg is priced: it takes, or it rests at the best price, a tick before it, or where the "
        "hedge venue's price and the basis limit put it.",
        metavar="marketable|join|improve|edge",
    ),
]
Slop = Annotated[
    int | None,
    typer.Option(
        "--slop",
        help="Ticks a marketable order goes through the best price, and a resting one may be off its own; "
        "1000 at most.",
        metavar="TICKS",
        parser=whole(0, 1000),
    ),
]
Reprices = Annotated[
    int | None,
    typer.Option(help="Resting orders sent a minute, at most; 1 to 120.", metavar="N", parser=whole(1, 120)),
]
MinLean = Annotated[
    Decimal | None,
    typer.Option(
        help="Least the hedge venue's best price must hold for a working order to go.",
        metavar="XBT",
        parser=amount,
    ),
]
DepthMultiple = Annotated[
    Decimal | None,
    typer.Option(help="The same, as a multiple of the working order's size.", metavar="N", parser=amount),
]


def body(
    default: "Plan",
    working: str | None,
    style: str | None,
    slop: int | None,
    reprices: int | None,
    min_lean: Decimal | None,
    depth_multiple: Decimal | None,
) -> dict[str, Any]:
    """Return what the API is told; what is left out comes from the profile."""
    return {
        "working": working or default.working,
        "style": style or default.style,
        "slop_ticks": slop,
        "reprices_per_minute": default.reprices_per_minute if reprices is None else reprices,
        "min_lean_xbt": plain(default.min_lean_xbt if min_lean is None else min_lean),
        "depth_multiple": plain(default.depth_multiple if depth_multiple is None else depth_multiple),
    }
