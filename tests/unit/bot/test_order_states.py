"""The table of what we believe of an order."""

import pytest

from bot.model.order_states import TRANSITIONS, WORD_OF_STATUS, Belief, Word, hear
from risk.orders import OrderStatus

VENUE_SAYS = [Word.LIVE, Word.FILLED, Word.CANCELED, Word.REFUSED]


def test_the_table_is_total() -> None:
    assert set(TRANSITIONS) == set(Belief)
    for row in TRANSITIONS.values():
        assert set(row) == set(Word)


def test_every_status_of_a_venue_is_a_word() -> None:
    assert set(WORD_OF_STATUS) == set(OrderStatus)
    assert WORD_OF_STATUS[OrderStatus.PARTIALLY_FILLED] is Word.LIVE


def test_nothing_comes_back_to_intended() -> None:
    assert Belief.INTENDED not in {after for row in TRANSITIONS.values() for after in row.values()}


@pytest.mark.parametrize("belief", [Belief.INTENDED, Belief.UNKNOWN, Belief.LIVE])
@pytest.mark.parametrize("word", VENUE_SAYS)
def test_before_the_end_the_venues_word_is_taken(belief: Belief, word: Word) -> None:
    assert hear(belief, word).value == word.value


def test_a_timeout_is_no_refusal() -> None:
    assert hear(Belief.INTENDED, Word.NO_ANSWER) is Belief.UNKNOWN


def test_unknown_is_left_only_by_the_venues_word() -> None:
    assert hear(Belief.UNKNOWN, Word.NO_ANSWER) is Belief.UNKNOWN


def test_a_late_timeout_takes_back_nothing_the_venue_said() -> None:
    for belief in (Belief.LIVE, Belief.FILLED, Belief.CANCELED, Belief.REFUSED):
        assert hear(belief, Word.NO_ANSWER) is belief


def test_a_fill_wins_its_race_against_the_cancel() -> None:
    assert hear(Belief.CANCELED, Word.FILLED) is Belief.FILLED


def test_an_overtaken_answer_brings_no_cancelled_order_back() -> None:
    assert hear(Belief.CANCELED, Word.LIVE) is Belief.CANCELED


@pytest.mark.parametrize("word", [Word.LIVE, Word.FILLED, Word.CANCELED])
def test_refused_may_have_been_our_reading_of_silence(word: Word) -> None:
    assert hear(Belief.REFUSED, word).value == word.value


def test_absence_of_a_live_order_is_a_question_not_an_answer() -> None:
    once = hear(Belief.LIVE, Word.NO_SUCH_ORDER)
    assert once is Belief.UNKNOWN
    assert hear(once, Word.NO_SUCH_ORDER) is Belief.REFUSED


def test_filled_is_for_ever() -> None:
    assert {hear(Belief.FILLED, word) for word in Word} == {Belief.FILLED}


def test_which_beliefs_are_final() -> None:
    assert {belief for belief in Belief if belief.is_final} == {
        Belief.FILLED,
        Belief.CANCELED,
        Belief.REFUSED,
    }
