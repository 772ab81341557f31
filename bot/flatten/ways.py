"""Ways to put an order that is refused: one after the other, until the venue takes one."""

from enum import StrEnum
from itertools import cycle, islice


class Way(StrEnum):
    """The value is what a person hears. A price band refuses what pays up, a limit of size or margin what is large,
    and a venue that counts its own orders may say that there is nothing to reduce."""

    PLANNED = "at a limit that pays up"
    AT_THE_TOUCH = "at the best price, paying nothing up"
    SMALLER = "a tenth of it"
    PLAIN = "without its being reduce-only"


def ways(*, reduce_only: bool) -> tuple[Way, ...]:
    """Return the ways worth trying at a venue; ``reduce_only``: whether it enforces that."""
    return tuple(way for way in Way if reduce_only or way is not Way.PLAIN)


def after(way: Way, among: tuple[Way, ...]) -> Way:
    """Return the way to try when the venue has refused ``way``."""
    return next(islice(cycle(among), among.index(way) + 1, None))


def smaller(quantity: int, lot: int) -> int:
    """Return a tenth of ``quantity`` in whole lots, one at least."""
    return max(quantity // (10 * lot), 1) * lot
