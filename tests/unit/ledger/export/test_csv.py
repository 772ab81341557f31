"""CSV: what was written can be read back exactly, and no spreadsheet runs any of it."""

import csv
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings

from bot.ledger.balances import balances
from bot.ledger.export.csv_files import write_csv
from bot.ledger.export.extract import Period
from bot.model.events import Event
from risk.money import from_units
from tests.unit.ledger.export.history import AT_THE_END, FORMULA, QUOTED, history
from tests.unit.ledger.histories import histories
from tests.unit.ledger.story import Chain

Row = dict[str, str]


def read(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def text(cell: str) -> str:
    return cell.removeprefix("'")


def added_up(rows: list[Row]) -> dict[tuple[str, str], Decimal]:
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["account"], row["currency"]] += Decimal(row["amount"])
    return sums


def test_every_table_is_a_file_with_a_header(tmp_path: Path) -> None:
    rows = write_csv(history().recorded, Period(), tmp_path, "my ledger")
    assert rows == {
        "about.csv": 6,
        "journal.csv": 20,
        "balances.csv": 14,
        "plans.csv": 2,
        "tickets.csv": 4,
        "approvals.csv": 2,
        "standing_approvals.csv": 0,
        "orders.csv": 2,
        "fills.csv": 2,
        "cash_flows.csv": 2,
        "transfers.csv": 0,
        "transfer_flows.csv": 0,
        "conversions.csv": 0,
    }
    assert {file.name for file in tmp_path.iterdir()} == set(rows)
    for name, count in rows.items():
        assert len(read(tmp_path / name)) == count
    about = {row["item"]: row["value"] for row in read(tmp_path / "about.csv")}
    last = history().recorded[-1]
    assert about == {
        "ledger": "my ledger",
        "events": str(last.seq),
        "head": last.hash,
        "last_event_at": "2026-11-05T09:00:00.000000Z",
        "from": "",
        "to": "",
    }


def test_the_journal_says_what_each_line_belongs_to(tmp_path: Path) -> None:
    write_csv(history().recorded, Period(), tmp_path, "")
    journal = read(tmp_path / "journal.csv")
    [fee] = [row for row in journal if row["account"] == "expenses:fees:ibkr"]
    assert fee == {
        "seq": "15",
        "recorded_at": "2026-11-03T09:00:01.000000Z",
        "kind": "CommissionBooked",
        "line": "1",
        "account": "expenses:fees:ibkr",
        "currency": "USD",
        "amount": "2.37000001",
        "happened_at": "2026-11-02T09:00:00.000000Z",
        "contract": "ibkr:MBT",
        "plan_id": "plan1",
        "leg": "plan1-01w",
        "client_order_id": "plan1-01w-001",
        "execution_id": "c1",
        "flow_id": "",
    }
    assert added_up(journal).items() >= {key: Decimal(value) for key, value in AT_THE_END.items()}.items()
    stated = {(row["account"], row["currency"]): row["balance"] for row in read(tmp_path / "balances.csv")}
    assert stated.items() >= AT_THE_END.items()
    assert [int(row["seq"]) for row in journal] == sorted(int(row["seq"]) for row in journal)


def test_cells_are_exact(tmp_path: Path) -> None:
    write_csv(history().recorded, Period(), tmp_path, "")
    late, at_once = read(tmp_path / "fills.csv")
    assert (late["fee_currency"], late["fee"], late["fee_seq"]) == ("USD", "2.37000001", "15")
    assert (at_once["price"], at_once["quantity"], at_once["fee"]) == ("8000", "800", "0.00005000")
    assert at_once["at"] == "2026-11-02T09:00:21.000000Z"
    for file in tmp_path.iterdir():
        for row in read(file):
            for cell in row.values():
                # A number is digits, a sign and a point; scientific notation has no place.
                assert not re.fullmatch(r"[-+]?[\d.]+[eE][-+]?\d+", cell) or file.name == "about.csv", (
                    file,
                    row,
                )


def test_no_text_is_a_formula(tmp_path: Path) -> None:
    write_csv(history().recorded, Period(), tmp_path, "+ledger")
    tickets = {row["ticket_id"]: row for row in read(tmp_path / "tickets.csv")}
    rejected, void = tickets["plan2-01w"], tickets["plan2-01h"]
    assert (rejected["decided_by"], text(rejected["decided_by"])) == ("'@anna", "@anna")
    assert (rejected["reason"], text(rejected["reason"])) == ("'" + FORMULA, FORMULA)
    assert (void["reason"], text(void["reason"])) == ("'" + QUOTED, QUOTED)
    for file in tmp_path.iterdir():
        for row in read(file):
            for cell in row.values():
                assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n", "＝"))
                assert not cell.startswith("-") or re.fullmatch(r"-\d+(\.\d+)?", cell)


def test_periods_join_without_a_gap(tmp_path: Path) -> None:
    """What one period ends with the next begins with, and together they are all of it."""
    days = [date(2026, 11, day) for day in range(1, 7)]
    whole, parts = tmp_path / "whole", []
    whole.mkdir()
    write_csv(history().recorded, Period(), whole, "")
    before: dict[tuple[str, str], str] = {}
    for day in days:
        folder = tmp_path / str(day)
        folder.mkdir()
        write_csv(history().recorded, Period(day, day), folder, "")
        stated = read(folder / "balances.csv")
        for row in stated:
            key = row["account"], row["currency"]
            assert row["brought_forward"] == before.get(key, "0.00000000")
            assert Decimal(row["brought_forward"]) + Decimal(row["change"]) == Decimal(row["balance"])
        before = {(row["account"], row["currency"]): row["balance"] for row in stated}
        parts.append(folder)
    assert before.items() >= AT_THE_END.items()
    for name in ("journal.csv", "fills.csv", "cash_flows.csv", "tickets.csv"):
        assert [row for part in parts for row in read(part / name)] == read(whole / name)
    assert [len(read(part / "journal.csv")) for part in parts] == [0, 14, 4, 0, 2, 0]


@settings(max_examples=40)
@given(histories())
def test_the_balances_can_be_rebuilt_from_the_files(events: list[Event]) -> None:
    chain = Chain(*events).recorded
    with TemporaryDirectory() as folder:
        write_csv(chain, Period(), Path(folder), "")
        journal = read(Path(folder) / "journal.csv")
        stated = read(Path(folder) / "balances.csv")
    books = balances(chain).accounts
    expected = {(account, currency.value): from_units(units) for (account, currency), units in books.items()}
    assert added_up(journal) == expected
    assert {(row["account"], row["currency"]): Decimal(row["balance"]) for row in stated} == expected
