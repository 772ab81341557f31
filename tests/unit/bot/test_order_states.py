"""The table of what we believe of an order: every step written out by hand, and what cannot be."""

import pytest

from bot.model.order_states import (
    ALL_TRANSITIONS,
    CONTRADICTIONS,
    TRANSITIONS,
    WORD_OF_STATUS,
    Belief,
    Transition,
    Word,
    hear,
)
from risk.orders import OrderStatus

INTENDED, LIVE, UNKNOWN = Belief.INTENDED, Belief.LIVE, Belief.UNKNOWN
FILLED, CANCELED, REFUSED = Belief.FILLED, Belief.CANCELED, Belief.REFUSED

# Written by hand, row by row; "!" is a contradiction: the belief stays, and a person is told.
INTENT = """
            live      filled   canceled  refused   no_answer  no_such_order  taken_back
intended    live      filled   canceled  refused   unknown    refused        unknown
live        live      filled   canceled  refused   live       unknown        live
unknown     live      filled   canceled  refused   unknown    refused        unknown
filled      filled    filled   filled!   filled!   filled     filled         canceled
canceled    canceled  filled   canceled  canceled! canceled   canceled       canceled
refused     live      filled   canceled  refused   refused    refused        unknown
"""


def intended_outcomes() -> list[tuple[Belief, Word, Belief, bool]]:
    head, *rows = (line.split() for line in INTENT.strip().splitlines())
    return [
        (Belief(row[0]), Word(word), Belief(cell.rstrip("!")), cell.endswith("!"))
        for row in rows
        for word, cell in zip(head, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("before", "word", "after", "loud"), intended_outcomes())
def test_every_step_of_the_table(before: Belief, word: Word, after: Belief, loud: bool) -> None:
    step = Transition(before, word)
    assert (hear(before, word), step.after, step.is_contradiction) == (after, after, loud)


def test_the_intent_lists_every_pair_once() -> None:
    listed = [(before, word) for before, word, _, _ in intended_outcomes()]
    assert sorted(listed) == sorted((belief, word) for belief in Belief for word in Word)
    assert set(TRANSITIONS) == set(Belief)
    assert all(set(row) == set(Word) for row in TRANSITIONS.values())


def test_every_step_has_a_name_of_its_own_to_be_counted_by() -> None:
    assert len({step.name for step in ALL_TRANSITIONS}) == len(Belief) * len(Word)
    assert Transition(CANCELED, Word.FILLED).name == "canceled + filled = filled"
    assert Transition(FILLED, Word.REFUSED).name == "filled + refused = filled!"


def test_a_contradiction_changes_nothing() -> None:
    assert all(hear(belief, word) is belief for belief, word in CONTRADICTIONS)


def test_every_status_of_a_venue_is_a_word() -> None:
    assert set(WORD_OF_STATUS) == set(OrderStatus)
    assert WORD_OF_STATUS[OrderStatus.PARTIALLY_FILLED] is Word.LIVE


def test_nothing_comes_back_to_intended() -> None:
    assert INTENDED not in {after for row in TRANSITIONS.values() for after in row.values()}


def test_absence_of_a_live_order_is_a_question_not_an_answer() -> None:
    once = hear(LIVE, Word.NO_SUCH_ORDER)
    assert once is UNKNOWN
    assert hear(once, Word.NO_SUCH_ORDER) is REFUSED


def test_which_beliefs_are_final() -> None:
    assert {belief for belief in Belief if belief.is_final} == {FILLED, CANCELED, REFUSED}
