"""Ladders and exits on the command line: options that ``plan open``, ``plan close`` and ``plan exit`` share."""

import re
from decimal import Decimal
from typing import Annotated, Any

import typer

from bot.cli.numbers import number, plain, positive, seconds

_NUMBER = r"[+-]?[0-9][0-9,]*(?:\.[0-9]*)?"
_TRANCHE = re.compile(rf"(?P<size>{_NUMBER})(?:@(?P<least>{_NUMBER})?:(?P<most>{_NUMBER})?)?")
_LADDER = re.compile(rf"(?P<first>{_NUMBER})\.\.(?P<last>{_NUMBER})")
_WEEK = 7 * 24 * 3600

Tranche = Annotated[
    list[str] | None,
    typer.Option(
        "--tranche",
        help="One tranche: its size, and the basis at which it may trade. 6@400: is 6 XBT at 400 USD or more, "
        "6@:40 at 40 or less, 6@400:500 between the two. Once for each tranche, in order.",
        metavar="XBT@FROM:TO",
    ),
]
Ladder = Annotated[
    str | None,
    typer.Option(
        help="Equal tranches, each at its own basis: from the first one's to the last one's, evenly.",
        metavar="FROM..TO",
    ),
]
Pause = Annotated[
    float | None,
    typer.Option(help="Seconds between two tranches.", metavar="SECONDS", parser=seconds(0, _WEEK)),
]
Stop = Annotated[
    Decimal | None,
    typer.Option(
        "--stop", help="Close when closing trades at this basis or worse.", metavar="USD", parser=number
    ),
]
Trail = Annotated[
    Decimal | None,
    typer.Option(
        "--trail",
        help="Close when it is so much worse than the best basis seen.",
        metavar="USD",
        parser=positive,
    ),
]
InversionStop = Annotated[
    bool,
    typer.Option(
        "--inversion-stop",
        help="Close when the basis has changed its sign: below 0 for long-inverse, above 0 for short-inverse.",
    ),
]
TakeProfit = Annotated[
    Decimal | None,
    typer.Option(
        "--take-profit",
        help="Close when closing trades at this basis or better.",
        metavar="USD",
        parser=number,
    ),
]


def ladder_body(tranches: list[str] | None, ladder: str | None) -> dict[str, Any]:
    """Return what the API is told of a ladder. Raises typer.BadParameter."""
    if tranches and ladder is not None:
        raise typer.BadParameter("--tranche and --ladder are two ways to say one thing: give one of them")
    if ladder is not None:
        found = _LADDER.fullmatch(ladder.strip())
        if found is None:
            raise typer.BadParameter(
                f"{ladder[:40]!r} is no ladder: write FROM..TO, like 400..600", param_hint="'--ladder'"
            )
        return {"ladder_from": plain(number(found["first"])), "ladder_to": plain(number(found["last"]))}
    return {"ladder": [_tranche(text) for text in tranches]} if tranches else {}


def ladder_size(body: dict[str, Any]) -> str | None:
    """Return the XBT all tranches of a ladder come to; None where it names none."""
    rungs = body.get("ladder")
    return None if not rungs else plain(sum((Decimal(rung["size_xbt"]) for rung in rungs), Decimal(0)))


def _tranche(text: str) -> dict[str, Any]:
    found = _TRANCHE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(
            f"{text[:40]!r} is no tranche: write XBT@FROM:TO, like 6@400: for 6 XBT at a basis of at least 400, or "
            "6@:40 for at most 40",
            param_hint="'--tranche'",
        )
    least, most = (None if found[name] is None else number(found[name]) for name in ("least", "most"))
    if least is not None and most is not None and least > most:
        raise typer.BadParameter(f"{text[:40]!r}: no basis is at least {least} and at most {most}")
    return {"size_xbt": plain(positive(found["size"])), "min_basis": plain(least), "max_basis": plain(most)}


def exit_body(
    stop: Decimal | None, trail: Decimal | None, inversion: bool, profit: Decimal | None
) -> dict[str, Any] | None:
    """Return what the API is told of an exit; None where no rule is given."""
    if stop is None and trail is None and profit is None and not inversion:
        return None
    return {"stop": plain(stop), "trail": plain(trail), "inversion": inversion, "profit": plain(profit)}
