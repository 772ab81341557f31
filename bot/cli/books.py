"""``ledger verify``, ``ledger report``, ``ledger export``."""

import io
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings
from bot.cli.progress import counting, working

if TYPE_CHECKING:
    from bot.ledger.export.extract import Period

File = Annotated[
    Path | None,
    typer.Option(
        "--file", help="A ledger file; left out: the profile's.", metavar="FILE", show_default=False
    ),
]

ledger = typer.Typer(help="The books: everything that happened, and its proof.", no_args_is_help=True)


def _examples(*lines: str) -> str:
    # \b: the lines stay as they are.
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@ledger.callback()
def _group() -> None:
    """The books."""


@ledger.command(
    "verify",
    epilog=_examples("basisbot ledger verify --profile sim", "basisbot ledger verify --file copy.sqlite3"),
)
def verify_ledger(
    file: File = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Prove the books: chain, sums, an approval for every order.

    Every event is held against its hash, every table against the events, every entry against zero, every order and
    fill against an approval that came before. Reads one snapshot and disturbs no bot. Exit code 4 if anything is
    wrong, and a line that says what.
    """
    from bot.cli import output
    from bot.ledger.verify import verify

    path = file or settings(profile).ledger_path
    with working("proving the books"):
        result = verify(path)
    cash = {f"{venue} {currency}": str(money) for (venue, currency), money in result.balances.cash.items()}
    positions = {str(key): contracts for key, contracts in result.balances.positions.items()}
    if json:
        output.print_json(
            {
                "ok": result.ok,
                "file": str(path),
                "events": result.events,
                "head": result.head,
                "problems": list(result.problems),
                "adoptions": list(result.adoptions),
                "cash": cash,
                "positions": positions,
                "delta_xbt": f"{result.balances.delta_xbt:.8f}",
            }
        )
    else:
        print(f"{'verified' if result.ok else 'DAMAGED'}: {path}")
        print(f"  {result.events} events, head {result.head[:16]}…")
        for problem in result.problems:
            print(f"  ! {problem}")
        for line in result.adoptions:
            print(f"  adopted   {line}")
        for name, amount in cash.items():
            print(f"  cash      {name.split()[0]}: {amount}")
        for name, contracts in positions.items():
            print(f"  position  {name}: {contracts:+,} contracts")
        print(f"  Δ         {result.balances.delta_xbt:.8f} XBT")
    if not result.ok:
        raise SystemExit(Exit.MISMATCH)


@ledger.command(
    "report",
    epilog=_examples(
        "basisbot ledger report --profile sim",
        "basisbot ledger report --plan k7f3q2ab",
        "basisbot ledger report --json | jq .result",
    ),
)
def report_ledger(
    plan: Annotated[
        str | None,
        typer.Option(help="Only this plan; the report lists them.", metavar="ID", show_default=False),
    ] = None,
    file: File = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Say what it came to, by plan and in all, and if it adds up.

    A plan: the basis its pair locked in and what the tickets quoted, how much worse each price was (a minus is
    better), fees, funding, result, how long it was naked. A plan's funding is its share by contracts held; what was
    opened first is closed first.

    Together: every cause of every change, and what is held. The one must explain the other to the last satoshi and
    cent: exit code 4 if it does not. Reads one snapshot and disturbs no bot.
    """
    from bot.cli import output, report_output
    from bot.ledger.report import summarise
    from bot.ledger.writer import read_events

    path = file or settings(profile).ledger_path
    summary = summarise(counting("reading the books", read_events(path)))
    chosen = [result for result in summary.plans if plan in (None, result.plan_id)]
    if plan is not None and not chosen:
        known = ", ".join(result.plan_id for result in summary.plans) or "none"
        raise CommandFailed(f"there is no plan {plan} in {path}; its plans: {known}", Exit.REFUSED)
    if json:
        output.print_json({"file": str(path)} | report_output.as_json(summary, chosen))
    elif plan is not None:
        report_output.print_plan(chosen[0], summary.valuation_price)
    else:
        report_output.print_report(summary, path)
    if summary.residual:
        raise SystemExit(Exit.MISMATCH)


class Format(StrEnum):
    CSV = "csv"
    BEANCOUNT = "beancount"


@ledger.command(
    "export",
    epilog=_examples(
        "basisbot ledger export --format csv --out books --from 2026-01-01 --to 2026-12-31",
        "basisbot ledger export --format beancount --out books.beancount",
        "bean-check books.beancount",
    ),
)
def export_ledger(
    format_: Annotated[Format, typer.Option("--format", help="What to write.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="csv: a new folder; beancount: a new file, left out: standard output.",
            metavar="FILE|DIR",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="First day, UTC.", metavar="DATE", show_default=False
        ),
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day, UTC.", metavar="DATE", show_default=False),
    ] = None,
    file: File = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Write the books for a spreadsheet, or for beancount.

    csv: a folder with one file a table: journal, balances, orders, fills, cash flows, plans, tickets, approvals.

    beancount: one file, every entry as a transaction and at the end every balance, so that bean-check proves them.

    Days are UTC, and those on which the books recorded something. Nothing is overwritten. Reads one snapshot and
    disturbs no bot.
    """
    from bot.cli import output

    period = _period(from_, to)
    path = file or settings(profile).ledger_path
    if out is None:
        if format_ is Format.CSV:
            raise CommandFailed("csv is one file a table: name a new folder with --out DIR", Exit.USAGE)
        if json:
            raise CommandFailed("--json needs --out FILE: standard output holds the books", Exit.USAGE)
        _write_beancount(path, period, None)
        return
    try:
        rows = _write_csv(path, period, out) if format_ is Format.CSV else _write_beancount(path, period, out)
    except OSError as error:
        raise CommandFailed(f"cannot write {out}: {error.strerror}", Exit.USAGE) from error
    if json:
        output.print_json({"file": str(path), "written": str(out), "rows": rows})
        return
    print(f"written: {out}")
    for name, count in rows.items():
        print(f"  {name:<18} {count:>10,}")


def _period(first: datetime | None, last: datetime | None) -> "Period":
    from bot.ledger.export.extract import Period

    period = Period(first and first.date(), last and last.date())
    if period.first and period.last and period.first > period.last:
        raise CommandFailed(f"--from {period.first} is after --to {period.last}", Exit.USAGE)
    return period


def _write_csv(path: Path, period: "Period", out: Path) -> dict[str, int]:
    from bot.ledger.export.csv_files import write_csv
    from bot.ledger.export.place import new_folder
    from bot.ledger.writer import read_events

    events = read_events(path)
    with new_folder(out) as folder:
        return write_csv(events, period, folder, str(path))


def _write_beancount(path: Path, period: "Period", out: Path | None) -> dict[str, int]:
    from bot.ledger.export.beancount_file import write_beancount
    from bot.ledger.export.extract import extract
    from bot.ledger.export.place import new_file
    from bot.ledger.writer import read_events

    made = extract(read_events(path), period)
    title = f"basisbot ledger {path}"
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # beancount's, whatever the terminal's
        write_beancount(made, title, sys.stdout)
    else:
        with new_file(out) as name, name.open("w", encoding="utf-8") as stream:
            write_beancount(made, title, stream)
    return {"transactions": len(made.entries), "balances": len(made.closing)}


def register(app: typer.Typer) -> None:
    app.add_typer(ledger, name="ledger")
