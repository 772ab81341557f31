"""What is there at the start is left out of garbage collection, and goes back into it at the end."""

import gc

from bot.runtime.memory import at_rest


def test_what_was_there_rests_and_what_comes_does_not() -> None:
    before = [object()]
    with at_rest():
        assert gc.get_freeze_count() > 1_000
        after = [before]
        assert any(one is after for one in gc.get_objects())
        assert not any(one is before for one in gc.get_objects())
    assert gc.get_freeze_count() == 0
    assert any(one is before for one in gc.get_objects())
