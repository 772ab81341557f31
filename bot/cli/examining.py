"""``doctor``: is everything there that the bot needs?"""

from typing import TYPE_CHECKING

import typer

from bot.cli.options import Json, Profile, settings

if TYPE_CHECKING:
    from bot.runtime.doctor import Report


def doctor(profile: Profile = "sim", json: Json = False) -> None:
    """Check everything the bot needs; nothing is traded, nothing changed.

    Keys and their rights, links, clocks, hours, contracts, market data, accounts, disk, ledger. It connects by
    itself, beside a running bot or without one. Exit code: 0 nothing failed, 2 settings, 3 a venue that cannot be
    reached, 4 the ledger, 1 anything else.
    """
    import asyncio
    import logging

    from adapters.clock import SystemClock
    from bot.cli import output
    from bot.runtime.doctor import examine

    chosen = settings(profile)
    logging.disable(logging.CRITICAL)  # what went wrong is in the report
    report = asyncio.run(examine(chosen, SystemClock()))
    if json:
        output.print_json(report.as_json())
    else:
        _print(report)
    raise SystemExit(report.exit_code)


def _print(report: "Report") -> None:
    from rich.markup import escape
    from rich.table import Table

    from bot.cli import output
    from bot.cli.hints import told

    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    table = Table.grid(padding=(0, 2))
    for width in (4, 8, 17):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    subject = ""
    for finding in report.findings:
        mark = f"[{colours[finding.grade]}]{finding.grade.upper() if finding.grade != 'ok' else 'ok'}[/]"
        shown = "" if finding.subject == subject else f"[bold]{escape(finding.subject)}[/]"
        subject = finding.subject
        table.add_row(mark, shown, escape(finding.name), escape(told(finding.text)))
        if finding.todo:
            table.add_row("", "", "", f"[dim]→ {escape(told(finding.todo))}[/]")
    output.console().print(table)
    warnings = sum(finding.grade == "warn" for finding in report.findings)
    failed = len(report.failures)
    print()
    print(
        f"{failed} failed, {warnings} to know of"
        if failed or warnings
        else "everything is there; nothing was traded"
    )


def register(app: typer.Typer) -> None:
    app.command()(doctor)
