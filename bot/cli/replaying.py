"""``replay``: the whole bot over recorded prices, in virtual time."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.failures import Exit
from bot.cli.numbers import number, positive
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

if TYPE_CHECKING:
    from bot.runtime.replay import Replayed


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(help="Recorded prices (CSV, also gzip), each played by itself.", metavar="FILE..."),
    ],
    open_at: Annotated[
        Decimal, typer.Option(help="Open the spread at this basis or more.", metavar="USD", parser=number)
    ] = Decimal(100),
    close_at: Annotated[
        Decimal, typer.Option(help="Take it down at this basis or less.", metavar="USD", parser=number)
    ] = Decimal(60),
    size: Annotated[
        Decimal, typer.Option(help="How much at a time.", metavar="XBT", parser=positive)
    ] = Decimal("0.5"),
    seed: Annotated[int, typer.Option(help="Seed of the books' depth.", metavar="N", min=0)] = 1,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Play recorded prices through the whole bot, and report.

    In virtual time: a week takes about a minute. The decisions, the reconciliation and the ledger are the bot's own,
    the limits the profile's; both venues are simulated in this process, and every ticket is approved at once. The
    ledger is verified at the end and thrown away. Exit code 4 if books and venues do not agree.
    """
    from bot.cli.output import print_json
    from bot.runtime.logs import silent
    from bot.runtime.policy import policy
    from bot.runtime.replay import Rule
    from bot.runtime.replay import replay as play

    limits = policy(settings(profile).limits)
    rule = Rule(open_at, close_at, size)
    ok = True
    for path in files:
        with silent():
            result = play(path, limits, rule, seed)
        ok = ok and result.ok
        if json:
            print_json({"file": str(path)} | _as_json(result))
        else:
            _print(path, result)
    if not ok:
        raise SystemExit(Exit.MISMATCH)


def _as_json(result: "Replayed") -> dict[str, object]:
    from bot.cli.report_output import as_json

    recording = result.recording
    return {
        "ok": result.ok,
        "from": recording.starts.isoformat(),
        "to": recording.ends.isoformat(),
        "moments": recording.moments,
        "holes": [[start.isoformat(), end.isoformat()] for start, end in recording.holes],
        "plans": dict(result.plans),
        "alerts": dict(result.alerts),
        "events": result.verification.events,
        "ledger_verified": result.verification.ok,
        "problems": [*result.differences, *result.verification.problems],
        "report": as_json(result.summary, result.summary.plans),
    }


def _print(path: Path, result: "Replayed") -> None:
    from bot.cli.report_output import print_totals

    recording = result.recording
    print(f"{path}: {recording.starts:%F %R} to {recording.ends:%F %R} UTC, {recording.moments:,} moments")
    for start, end in recording.holes:
        print(
            f"  no quotes   {start:%F %R} to {end:%F %R} UTC ({(end - start).total_seconds() / 3600:.1f} h)"
        )
    for name, count in sorted(result.plans.items()):
        print(f"  plans       {name}: {count}")
    for code, count in sorted(result.alerts.items()):
        print(f"  alerts      {code}: {count}")
    for problem in (*result.differences, *result.verification.problems):
        print(f"  ! {problem}")
    print(
        f"  ledger      {result.verification.events} events, {'verified' if result.verification.ok else 'DAMAGED'}"
    )
    print_totals(result.summary)


def register(app: typer.Typer) -> None:
    app.command()(replay)
