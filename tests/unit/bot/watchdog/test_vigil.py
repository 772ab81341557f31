"""How long the bot has been silent, by looks alone."""

from bot.watchdog import Vigil

START = Vigil(limit=10, since=100, looked=100)


def looked(*looks: tuple[float, bool]) -> Vigil:
    vigil = START
    for at, heard in looks:
        vigil = vigil.look(at, heard=heard)
    return vigil


def test_silence_is_over_when_its_limit_is_reached() -> None:
    silent = [(100 + seconds, False) for seconds in range(1, 10)]
    assert not looked(*silent).is_over
    assert looked(*silent, (110, False)).is_over
    assert looked(*silent, (110, False)).silent_for == 10


def test_one_answer_begins_the_count_anew() -> None:
    looks = [(100 + seconds, seconds == 9) for seconds in range(1, 19)]
    assert not looked(*looks).is_over
    assert looked(*looks, (119, False)).is_over


def test_an_answer_after_the_end_ends_it() -> None:
    silent = [(100 + seconds, False) for seconds in range(1, 30)]
    assert looked(*silent).is_over
    assert not looked(*silent, (130, True)).is_over


def test_an_end_on_purpose_is_no_silence_until_it_is_heard_again() -> None:
    vigil = START.look(101, heard=False, stopped=True)
    for second in range(102, 500):
        vigil = vigil.look(second, heard=False)
        assert not vigil.is_over
        assert vigil.stands_by
    vigil = vigil.look(500, heard=True)
    assert not vigil.stands_by
    for second in range(501, 511):
        vigil = vigil.look(second, heard=False)
    assert vigil.is_over


def test_time_in_which_this_machine_slept_is_not_the_bots_silence() -> None:
    # An hour between two looks, then looks in vain: counted from the first of these on.
    looks = [(101, False), (3700, False), *((3700 + seconds, False) for seconds in range(1, 10))]
    assert not looked(*looks).is_over
    assert looked(*looks, (3710, False)).is_over
