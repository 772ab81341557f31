"""The books as CSV, one file a table: for spreadsheets and for programs.

Amounts and prices are plain decimals without a float in between, times ISO 8601 in UTC, rows in the ledger's order.
A text that a spreadsheet would take for a formula has an apostrophe before it, and so has one that begins with an
apostrophe already: who takes one off gets the text back. Numbers have none.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, Table, select

from bot.ledger.database import scratch
from bot.ledger.entries import Entry
from bot.ledger.export.extract import Extract, Period, extracting
from bot.ledger.projections import Change, project
from bot.ledger.store import apply
from bot.ledger.tables import POSTING, PROJECTIONS, Units
from bot.model.events import Recorded
from risk.money import from_units

Cell = str | int | Decimal | datetime | None

_BATCH = 500
_FORMULA = tuple("=+-@\t\r\n'＝＋－＠")
_JOURNAL = (
    *("seq", "recorded_at", "kind", "line", "account", "currency", "amount"),
    *("happened_at", "contract", "plan_id", "leg", "client_order_id", "execution_id", "flow_id"),
)


def write_csv(events: Iterable[Recorded], period: Period, folder: Path, ledger: str) -> dict[str, int]:
    """Write ``events``, from the chain's start, as files into ``folder``; return each file's number of rows.

    ``ledger`` is what to call the ledger. A table's rows are those recorded in the period, as they are now.
    Raises LedgerError.
    """
    made = Extract(period)
    recorded_at: dict[int, datetime] = {}
    with scratch() as fresh:
        changes: list[Change] = []
        for recorded, _ in extracting(events, made):
            if recorded.at in period:
                recorded_at[recorded.seq] = recorded.at
            changes += project(recorded, ())
            if len(changes) >= _BATCH:
                apply(fresh, changes)
                changes = []
        apply(fresh, changes)
        written = {"about.csv": _write(folder / "about.csv", ("item", "value"), _about(made, ledger))}
        written["journal.csv"] = _write(folder / "journal.csv", _JOURNAL, _journal(made.entries))
        columns = ("account", "currency", "brought_forward", "change", "balance")
        written["balances.csv"] = _write(folder / "balances.csv", columns, _balances(made))
        for table in PROJECTIONS:
            if table is not POSTING:
                name = f"{table.name}s.csv"
                written[name] = _write(folder / name, _header(table), _rows(table, fresh, recorded_at))
    return written


def _write(file: Path, header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in rows:
            writer.writerow([_text(cell) for cell in row])
            count += 1
    return count


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
        case datetime():
            return cell.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        case Decimal():
            return format(cell, "f")
        case int():
            return str(cell)


def _amount(units: int) -> Decimal:
    return from_units(units).quantize(Decimal("1e-8"))


def _about(made: Extract, ledger: str) -> Iterator[tuple[str, Cell]]:
    yield "ledger", ledger
    yield "events", made.events
    yield "head", made.head
    yield "last_event_at", made.until
    yield "from", None if made.period.first is None else made.period.first.isoformat()
    yield "to", None if made.period.last is None else made.period.last.isoformat()


def _journal(entries: Iterable[Entry]) -> Iterator[tuple[Cell, ...]]:
    for entry in entries:
        about, recorded = entry.references, entry.recorded
        for line, posting in enumerate(entry.postings, 1):
            yield (
                *(recorded.seq, recorded.at, type(recorded.event).__name__, line),
                *(posting.account, posting.currency.value, _amount(posting.units), about.at),
                None if about.instrument is None else str(about.instrument),
                about.plan_id,
                None if about.leg is None else str(about.leg),
                *(about.client_order_id, about.execution_id, about.flow_id),
            )


def _balances(made: Extract) -> Iterator[tuple[Cell, ...]]:
    for (account, currency), units in sorted(made.closing.items()):
        before = made.opening.get((account, currency), 0)
        yield account, currency.value, _amount(before), _amount(units - before), _amount(units)


def _header(table: Table) -> list[str]:
    names = []
    for column in table.columns:
        name = column.name
        if isinstance(column.type, Units):
            name = "amount" if name == "units" else name.removesuffix("_units")
        names.append(name)
    return [names[0], "recorded_at", *names[1:]]


def _rows(table: Table, fresh: Connection, recorded_at: dict[int, datetime]) -> Iterator[list[Cell]]:
    money = [isinstance(column.type, Units) for column in table.columns]
    for row in fresh.execute(select(table).order_by(*table.primary_key.columns)):
        seq: int = row[0]
        if seq in recorded_at:
            cells: list[Cell] = [
                _amount(cell) if is_money and cell is not None else cell
                for cell, is_money in zip(row, money, strict=True)
            ]
            yield [seq, recorded_at[seq], *cells[1:]]
