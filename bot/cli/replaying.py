"""``replay``: the whole bot over recorded prices, in virtual time."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.numbers import Share, amount, fraction, number, positive, whole
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings
from risk.standing import Use

if TYPE_CHECKING:
    from bot.runtime.replay import Beside, Replayed, Threshold

_UNITS = 10**8
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


def _duration(text: str | timedelta) -> timedelta:
    if isinstance(text, timedelta):
        return text
    told = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    if told is None:
        raise typer.BadParameter(f"takes a time like 60s, 5m or 1h, not {text!r}")
    return timedelta(seconds=int(told[1]) * _SECONDS[told[2]])


def _date(text: str | datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise typer.BadParameter(f"takes a date like 2020-03-12 or 2020-03-12T10:00, not {text!r}") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recorded prices (CSV, also gzip), and what goes with them: minutes, hourly closes, funding.",
            metavar="FILE...",
        ),
    ],
    begins: Annotated[
        datetime | None,
        typer.Option("--from", parser=_date, help="Play from here on (UTC).", metavar="DATE"),
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option("--to", parser=_date, help="Play up to here (UTC).", metavar="DATE")
    ] = None,
    direction: Annotated[
        str, typer.Option(help="long-inverse or short-inverse.", metavar="WORD")
    ] = "long-inverse",
    size: Annotated[
        Decimal, typer.Option(parser=positive, help="How much at a time.", metavar="XBT")
    ] = Decimal(3),
    tranches: Annotated[
        int, typer.Option(help="In how many slices, 1 to 90.", metavar="N", parser=whole(1, 90))
    ] = 3,
    open_at: Annotated[
        str,
        typer.Option(
            help="Open the spread at this basis (USD per XBT, or 1%); without it, at the start.",
            metavar="BASIS",
        ),
    ] = "",
    close_at: Annotated[
        str, typer.Option(help="Take it down at this basis; without it, at the end.", metavar="BASIS")
    ] = "",
    weekends: Annotated[
        str, typer.Option(help="keep the spread over CME's weekends, or close it before.", metavar="WORD")
    ] = "keep",
    approve_after: Annotated[
        timedelta,
        typer.Option(
            parser=_duration, help="How long each ticket waits for its approval: 60s, 5m.", metavar="TIME"
        ),
    ] = timedelta(seconds=60),
    collateral: Annotated[bool, typer.Option(help="Hedge the XBT held as margin.")] = True,
    wallet: Annotated[
        Decimal, typer.Option(parser=amount, help="At the inverse venue at the start.", metavar="XBT")
    ] = Decimal(2),
    cash: Annotated[
        Decimal, typer.Option(parser=amount, help="At the broker at the start.", metavar="USD")
    ] = Decimal(200_000),
    basis: Annotated[
        Decimal,
        typer.Option(
            parser=fraction, help="CME over the perpetual where no file says so.", metavar="PERCENT"
        ),
    ] = Share("0.005"),
    keep: Annotated[
        Decimal,
        typer.Option(
            parser=fraction,
            help="Count collateral as needed when a liquidation is this near.",
            metavar="PERCENT",
        ),
    ] = Share("0.2"),
    automation: Annotated[
        bool,
        typer.Option(
            "--automation",
            help="Let the profile's watches work, and play it once more without them, to be compared.",
        ),
    ] = False,
    standing: Annotated[
        list[Use] | None,
        typer.Option(
            help="Answer by standing approvals, within the profile's limits, again for more: reduce (before a closure, "
            "and where margin is short), collateral (its hedge), orphan (a leg without its partner), open.",
            metavar="USE",
        ),
    ] = None,
    asleep: Annotated[
        bool,
        typer.Option("--asleep", help="Nobody but standing approvals answers what the watches propose."),
    ] = False,
    send: Annotated[
        bool,
        typer.Option("--send", help="Bring the collateral the bot asks for, after the profile's lead times."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep ledger.sqlite3, report.html and report.json in this folder.", metavar="DIR"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the books' depth.", metavar="N", parser=whole(0))] = 1,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Play recorded prices through the whole bot, and report.

    In virtual time: a year of hourly prices takes a minute or two. The decisions, the reconciliation and the ledger are
    the bot's own, the limits the profile's; both venues are simulated in this process, and a rule stands in for the
    person. What comes out is not evidence of profit. The ledger is verified at the end. Exit code 4 if books and venues
    do not agree.

    With --automation what the bot watches by itself is in it: collateral, margin, closures, orphans. When to open, take
    down and roll stays the rule's. The same is played without it too, and the report shows both beside one another.

    Example: basisbot replay hourly.csv.gz funding.csv -p sim --automation --standing reduce --standing collateral
    """
    from bot.cli.output import print_json
    from bot.runtime.logs import silent
    from bot.runtime.policy import policy
    from bot.runtime.replay import Beside, Options, Weekends, examine, watched
    from bot.runtime.replay import replay as play
    from bot.runtime.replay.report import as_json, write
    from risk.direction import Direction

    given = settings(profile)
    limits = policy(given.limits)
    if not automation and (standing or asleep or send):
        raise CommandFailed(
            "--standing, --asleep and --send are about the automation: name --automation too", Exit.USAGE
        )
    try:
        options = Options(
            direction=_one_of("--direction", direction, Direction),
            size=size,
            tranches=tranches,
            collateral=collateral,
            open_at=_threshold("--open-at", open_at),
            close_at=_threshold("--close-at", close_at),
            weekends=_one_of("--weekends", weekends, Weekends),
            approve_after=approve_after,
            wallet=int(wallet * _UNITS),
            cash=int(cash * _UNITS),
            begins=begins,
            ends=ends,
            basis=round(basis * 1_000_000),
            keep=keep,
            seed=seed,
            standing=tuple(standing or ()),
            asleep=asleep,
            sends=send,
        )
        rules = watched(given, options) if automation else limits
    except ValueError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    if out is not None:
        _make(out)
    recording = examine(files, options.begins, options.ends)
    beside = None
    with silent(), _bar(hidden=json) as progress:
        if automation:
            alone = replace(options, standing=(), asleep=False, sends=False)
            without = play(recording, alone, limits, None, _part(progress, 0.0))
            result = play(recording, options, rules, out, _part(progress, 0.5))
            beside = Beside.of(without, result, rules)
        else:
            result = play(recording, options, limits, out, progress)
    written = None if out is None else write(result, out, beside)
    if json:
        print_json(as_json(result, beside))
    else:
        _print(result, beside, written)
    if not (result.ok and (beside is None or beside.without.ok)):
        raise SystemExit(Exit.MISMATCH)


def _make(folder: Path) -> None:
    from bot.runtime.replay import LEDGER

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"cannot make {folder}: {error.strerror}", Exit.USAGE) from error
    if (folder / LEDGER).exists():
        raise CommandFailed(
            f"{folder} holds the ledger of a replay already: name another folder, or remove it", Exit.USAGE
        )


@contextmanager
def _bar(*, hidden: bool) -> Iterator[Callable[[float], None] | None]:
    """Show how far it is, on standard error, where somebody looks on."""
    import sys

    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("replaying"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=1.0)
        shown = 0.0

        def show(done: float) -> None:
            nonlocal shown
            if done - shown >= 0.002 or done >= 1.0:
                shown = done
                bar.update(task, completed=done)

        yield show


def _part(progress: Callable[[float], None] | None, begins: float) -> Callable[[float], None] | None:
    """Let half of the bar show all of a replay."""
    if progress is None:
        return None
    show = progress
    return lambda done: show(begins + done / 2)


def _threshold(name: str, text: str) -> "Threshold | None":
    from bot.runtime.replay import Threshold

    if not text:
        return None
    try:
        return Threshold(number(text.removesuffix("%")), in_percent=text.endswith("%"))
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=f"'{name}'") from error


def _one_of(name: str, text: str, words: Any) -> Any:
    try:
        return words(text)
    except ValueError as error:
        raise CommandFailed(f"{name} is one of {', '.join(words)}, not {text!r}", Exit.USAGE) from error


def _print(result: "Replayed", beside: "Beside | None", written: tuple[Path, Path] | None) -> None:
    from rich.markup import escape

    from bot.cli.output import console
    from bot.cli.report_output import print_totals
    from bot.runtime.replay import NOT_EVIDENCE

    out = console()
    recording = result.recording
    out.print(f"[bold yellow]{NOT_EVIDENCE.upper()}[/]")
    names = ", ".join(name for name, _ in recording.files)
    out.print(
        f"{escape(names)}: {recording.starts:%F %R} to {recording.ends:%F %R} UTC, {recording.moments:,} moments"
    )
    out.print("[bold]assumed[/]")
    for line in result.assumptions:
        out.print(f"  [dim]·[/] {escape(line)}")
    for start, end in recording.holes[:5]:
        hours = (end - start).total_seconds() / 3600
        out.print(f"  no quotes   {start:%F %R} to {end:%F %R} UTC ({hours:.1f} h)")
    if len(recording.holes) > 5:
        out.print(f"  no quotes   … {len(recording.holes) - 5} more")
    out.print("[bold]what happened[/]")
    for name, count in sorted(result.outcomes.items()):
        out.print(f"  plans       {name}: {count}")
    decisions = ", ".join(f"{count} {name}" for name, count in sorted(result.decisions.items())) or "none"
    out.print(f"  tickets     {len(result.tickets)} would have been asked for: {decisions}")
    for code, count in sorted(result.alerts.items()):
        out.print(f"  alerts      {code}: {count}")
    for fill in result.forced:
        what = f"{fill.instrument} {fill.side} {fill.quantity} at {fill.price} ({fill.cause})"
        out.print(f"  [red]forced[/]      {fill.at:%F %R} {what}")
    for low in result.lows:
        figure = f"{low.figure:,.4f} {low.unit}"
        out.print(f"  lowest      {low.venue}, {low.what}: {figure} on {low.at:%F %R} at {low.price:,.2f}")
    for need in result.needs:
        out.print(
            f"  needed      {need.venue}: {need.first:,.4f} {need.currency} on {need.since:%F %R}, "
            f"{need.worst:,.4f} by {need.worst_at:%F %R}"
        )
    first, last = result.samples[0], result.samples[-1]
    out.print(
        f"  equity      {first.equity_usd:,.2f} → {last.equity_usd:,.2f} USD, "
        f"drawdown {result.drawdown_usd.worst:,.2f} USD, {result.drawdown_xbt.worst:,.4f} XBT"
    )
    for problem in (*result.differences, *result.verification.problems):
        out.print(f"  [red]![/] {escape(problem)}")
    if beside is not None:
        _print_beside(beside)
    checked = "verified" if result.verification.ok else "[red]DAMAGED[/]"
    out.print(f"  ledger      {result.verification.events:,} events, {checked}, head {result.head[:16]}")
    print_totals(result.summary)
    for path in written or ():
        out.print(f"written: {path}", soft_wrap=True)


def _print_beside(beside: "Beside") -> None:
    from rich.table import Table

    from bot.cli.output import console

    both: tuple[tuple[str, ...], Sequence[tuple[str, ...]]] = (
        ("the automation", "without", "with"),
        beside.rows,
    )
    own = ("what it did by itself", "plans", "XBT, inverse venue", "XBT, CME", "cost, USD")
    for (first, *others), rows in (both, (own, beside.own)):
        if not rows:
            continue
        table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
        table.add_column(first)
        for name in others:
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*row)
        console().print(table)


def register(app: typer.Typer) -> None:
    app.command()(replay)
