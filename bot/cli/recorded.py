"""``calc closures``: what recorded prices say of closures, for a profile's quantiles."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.calculating import calc
from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import plain, positive
from bot.cli.options import Json


def closures(
    hours: Annotated[Path, typer.Argument(metavar="HOURS", help="Hourly prices of both markets.")],
    minutes: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MINUTES]", help="The perpetual by the minute; only what it covers is listed then."
        ),
    ] = None,
    longer: Annotated[
        Decimal, typer.Option(parser=positive, help="Closures of more than so many hours.", metavar="HOURS")
    ] = Decimal(24),
    json: Json = False,
) -> None:
    """Gap and worst excursion of each recorded closure, as CSV.

    What automation.closure takes quantiles of. The gap includes the first hour after the open. Files are the
    recordings that basisbot replay plays.

    Example: basisbot calc closures hours.csv.gz > closures.csv
    """
    from adapters.simulator.market.formats import open_recording
    from adapters.simulator.scenario import ScenarioError
    from bot.cli import output
    from bot.runtime.replay.closures import measure_excursions, recorded_closures

    try:
        found = recorded_closures(open_recording(hours)[1], timedelta(hours=float(longer)))
        if minutes is not None:
            found = measure_excursions(found, open_recording(minutes)[1])
    except ScenarioError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    if not found:
        raise CommandFailed(
            f"{minutes or hours} holds no closure with prices of before and after", Exit.REFUSED
        )
    rows: list[dict[str, Any]] = []
    for one in found:
        row: dict[str, Any] = {
            "closed_at": one.closed.isoformat(),
            "opened_at": one.opened.isoformat(),
            "gap_pct": plain(one.gap),
        }
        if one.low is not None and one.high is not None:
            row |= {"low_pct": plain(one.low), "high_pct": plain(one.high)}
        rows.append(row)
    if json:
        output.print_json({"closures": rows})
        return
    print(",".join(rows[0]))
    for row in rows:
        print(",".join(row.values()))


def register(_: typer.Typer) -> None:
    calc.command("closures")(closures)
