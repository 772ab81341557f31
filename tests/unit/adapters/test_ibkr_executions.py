"""Each execution once, corrections in place."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.ibkr.executions import ExecutionBook, split_execution_id
from risk.instruments import InstrumentId
from risk.orders import Fill, Side

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PERM = 77


def fill(stem: str, quantity: int, at: datetime = NOON, ref: str = "p1") -> Fill:
    return Fill(stem, InstrumentId("cme", "MBTZ26"), ref, str(PERM), Side.BUY, quantity, Decimal(100_000), at)


@pytest.mark.parametrize(
    ("text", "stem", "revision"),
    [
        ("0000e1a7.5c46793a.01.01", "0000e1a7.5c46793a.01", 1),
        ("0000e1a7.5c46793a.01.12", "0000e1a7.5c46793a.01", 12),
        ("plain", "plain", 0),
        ("U+2.x", "U+2.x", 0),
        (".01", ".01", 0),
    ],
)
def test_split(text: str, stem: str, revision: int) -> None:
    assert split_execution_id(text) == (stem, revision)


def test_a_correction_replaces_what_it_corrects() -> None:
    book = ExecutionBook()
    assert book.note(fill("a", 3), PERM, 1)
    assert book.note(fill("b", 2), PERM, 1)
    assert book.filled(PERM) == 5
    assert not book.is_corrected(PERM)
    assert book.note(fill("a", 3), PERM, 2)
    assert book.filled(PERM) == 5  # adding both up would give 8 of 5
    assert book.is_corrected(PERM)
    assert book.note(fill("a", 1), PERM, 3)
    assert book.filled(PERM) == 3


def test_the_same_execution_again_is_no_news_nor_is_an_older_version() -> None:
    book = ExecutionBook()
    book.note(fill("a", 3), PERM, 2)
    assert book.note(fill("a", 3), PERM, 2) is None
    assert book.note(fill("a", 4), PERM, 1) is None
    assert book.filled(PERM) == 3


def test_since_counts_from_the_whole_second_the_broker_tells() -> None:
    book = ExecutionBook()
    book.note(fill("late", 1, NOON + timedelta(seconds=2)), PERM, 1)
    book.note(fill("early", 1, NOON - timedelta(seconds=1)), PERM, 1)
    book.note(fill("same second", 1, NOON), PERM, 1)
    asked = NOON + timedelta(milliseconds=700)
    assert [b.word.execution_id for b in book.since(asked)] == ["same second", "late"]


def test_a_correction_keeps_its_place_among_the_fills() -> None:
    book = ExecutionBook()
    for stem in "abc":
        book.note(fill(stem, 1), PERM, 1)
    book.note(fill("a", 2), PERM, 2)
    assert [b.word.execution_id for b in book.since(NOON)] == ["a", "b", "c"]


def test_forgetting_old_executions() -> None:
    book = ExecutionBook()
    book.note(fill("old", 4, NOON - timedelta(days=9)), PERM, 1)
    book.note(fill("new", 1), PERM, 1)
    book.forget_before(NOON - timedelta(days=8))
    assert book.get("old") is None
    assert book.filled(PERM) == 1
    book.forget_before(NOON + timedelta(days=1))
    assert book.filled(PERM) == 0
