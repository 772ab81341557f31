"""``basisbot flatten`` from each state it is called in, over sockets, judged by the exchanges' own books.

Beside a running, hanging or dead bot, and run twice: ``test_flatten``. All with their times: ``make flatten-states``.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import flatten_states
from tests.e2e.flatten_states import Shown


# CME's closure is one of whole minutes.
@pytest.mark.timeout(420)
@pytest.mark.parametrize(
    ("state", "shows"),
    [
        (flatten_states.in_the_middle, ["mid-tranche", "UNKNOWN orders"]),
        (flatten_states.refused, ["refused orders"]),
        (flatten_states.one_venue_down, ["one venue down", "… and back"]),
        (flatten_states.killed_half_way, ["killed half-way, run again"]),
        (flatten_states.held_hedge, ["--hold-hedge"]),
        (flatten_states.closed, ["CME closed: pending", "… carried out by the bot, from the open on"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_state_ends_as_it_is_promised(
    tmp_path: Path, state: Callable[[Path], Iterator[Shown]], shows: list[str]
) -> None:
    """Each state asserts itself what its venues must hold in the end."""
    assert [row.state for row in state(tmp_path)] == shows
