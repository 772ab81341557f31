"""Beancount: its own checker adds the file up and finds the ledger's balances in it, and only those."""

import io
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from hypothesis import given, settings

from bot.ledger.balances import balances
from bot.ledger.export.beancount_file import write_beancount
from bot.ledger.export.extract import Period, extract
from bot.model.events import AccountOpened, Event, InstrumentLoaded
from risk.instruments import Instrument, InstrumentId
from risk.money import from_units
from risk.orders import Side
from tests.unit.ledger.export.history import AT_THE_END, FORMULA, history
from tests.unit.ledger.histories import histories
from tests.unit.ledger.story import MBT, Chain, fill, usd


def written(chain: Chain, period: Period | None = None) -> str:
    out = io.StringIO()
    write_beancount(extract(chain.recorded, period or Period()), 'a "title" \\', out)
    return out.getvalue()


def loaded(text: str) -> list[Any]:
    """Load a file with beancount itself; any error of its fails."""
    entries, errors, _ = loader.load_string(text)
    assert errors == [], (errors, text)
    return list(entries)


def asserted(entries: list[Any]) -> dict[tuple[str, str], Decimal | None]:
    """Return what the file asserts, by the ledger's own account names."""
    ours = {entry.account: entry.meta["ledger-account"] for entry in entries if isinstance(entry, data.Open)}
    return {
        (ours[entry.account], entry.amount.currency): entry.amount.number
        for entry in entries
        if isinstance(entry, data.Balance)
    }


def check(file: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "beancount.scripts.check", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_bean_check_proves_the_books_and_finds_one_satoshi(tmp_path: Path) -> None:
    file = tmp_path / "books.beancount"
    text = written(history())
    file.write_text(text, encoding="utf-8")
    done = check(file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (
        asserted(loaded(text)).items() >= {key: Decimal(value) for key, value in AT_THE_END.items()}.items()
    )

    wrong_balance = text.replace("5.09994000 ~ 0 XBT", "5.09994001 ~ 0 XBT")
    wrong_posting = re.sub(r"(Assets:Ibkr:Cash +)-2\.37000001", r"\g<1>-2.37000002", text)
    for changed in (wrong_balance, wrong_posting):
        assert changed != text
        file.write_text(changed, encoding="utf-8")
        assert check(file).returncode == 1


def test_an_entry_is_a_transaction_that_says_where_it_is_from() -> None:
    entries = loaded(written(history()))
    transactions: list[Any] = [entry for entry in entries if isinstance(entry, data.Transaction)]
    assert len(transactions) == 7
    [hedge] = [entry for entry in transactions if entry.meta.get("execution") == "b1"]
    assert hedge.date == date(2026, 11, 2)
    assert hedge.links == {"plan-plan1"}
    told = {
        key: value for key, value in hedge.meta.items() if key not in ("filename", "lineno", "__tolerances__")
    }
    assert told == {
        "seq": Decimal(13),
        "kind": "FillBooked",
        "recorded": "2026-11-02T09:00:22Z",
        "happened": "2026-11-02T09:00:21Z",
        "contract": "bitmex:XBTUSD",
        "plan": "plan1",
        "leg": "plan1-01h",
        "order": "plan1-01h-001",
        "venue-order": "v1",
        "execution": "b1",
    }
    postings = [(post.account, post.units.number, post.units.currency) for post in hedge.postings]
    # 800 contracts at 8,000 are 0.1 XBT; the fee is paid in XBT.
    assert sorted(postings) == [
        ("Assets:Bitmex:Cash", Decimal("-0.00005"), "XBT"),
        ("Assets:Bitmex:XBTUSD", Decimal(-800), "USD"),
        ("Assets:Bitmex:XBTUSD", Decimal("0.1"), "XBT"),
        ("Equity:Exchange", Decimal("-0.1"), "XBT"),
        ("Equity:Exchange", Decimal(800), "USD"),
        ("Expenses:Fees:Bitmex", Decimal("0.00005"), "XBT"),
    ]
    [fee] = [entry for entry in transactions if entry.meta["kind"] == "CommissionBooked"]
    assert (fee.meta["order"], fee.meta["plan"]) == ("plan1-01w-001", "plan1")


def test_a_period_begins_with_what_was_there() -> None:
    on_the_third = Period(date(2026, 11, 3), date(2026, 11, 3))
    entries = loaded(written(history(), on_the_third))
    transactions: list[Any] = [entry for entry in entries if isinstance(entry, data.Transaction)]
    brought, *others = transactions
    assert {post.account: post.units.number for post in brought.postings if post.units.currency == "XBT"} == {
        "Assets:Bitmex:Cash": Decimal("4.99995"),
        "Assets:Bitmex:XBTUSD": Decimal("0.1"),
        "Assets:Ibkr:MBT": Decimal("-0.1"),
        "Equity:Opening": Decimal(-5),
        "Equity:Earlier-results": Decimal("0.00005"),
    }
    assert [entry.meta["kind"] for entry in others] == ["CashBooked", "CommissionBooked"]
    found = asserted(entries)
    # Cash is what it is; fees are this period's only: the one in XBT was paid the day before.
    assert found["assets:bitmex:cash", "XBT"] == Decimal("4.99994")
    assert found["expenses:fees:bitmex", "XBT"] == 0
    assert found["expenses:fees:ibkr", "USD"] == Decimal("2.37000001")
    assert {entry.date for entry in entries if isinstance(entry, data.Balance)} == {date(2026, 11, 4)}


@pytest.mark.parametrize(
    "period", [Period(last=date(2026, 11, 1)), Period(first=date(2027, 1, 1)), Period()], ids=str
)
def test_nothing_is_a_proper_file_too(period: Period) -> None:
    loaded(written(Chain(), period))
    loaded(written(history(), period))


def test_odd_names_stay_apart() -> None:
    symbols = ["BTC-25DEC26", "btc 25dec26", "BTC_25DEC26", "BTC/25DEC26", "cash", "Δ"]
    chain = Chain(AccountOpened("cme one", usd("1")))
    for symbol in symbols:
        contract = Instrument(InstrumentId("cme one", symbol), MBT.terms)
        chain.add(InstrumentLoaded(contract))
        chain.add(fill(f"x{symbol}", contract, Side.BUY, 1, "10000"))
    entries = loaded(written(chain))
    opened = [entry for entry in entries if isinstance(entry, data.Open)]
    assert len({entry.account for entry in opened}) == len(opened)
    accounts = {f"assets:cme one:{symbol}" for symbol in symbols}
    assert {entry.meta["ledger-account"] for entry in opened} >= accounts


def test_what_people_typed_stays_one_line() -> None:
    text = written(history())
    assert FORMULA not in text
    assert r'option "title" "a \"title\" \\"' in text
    assert all(line == line.rstrip("\r\x0b\x0c\x85\u2028") for line in text.split("\n"))


@settings(max_examples=25)
@given(histories())
def test_whatever_happened_beancount_comes_to_the_same_balances(events: list[Event]) -> None:
    chain = Chain(*events)
    entries = loaded(written(chain))
    books = balances(chain.recorded).accounts
    assert asserted(entries) == {
        (account, currency.value): from_units(units) for (account, currency), units in books.items()
    }
