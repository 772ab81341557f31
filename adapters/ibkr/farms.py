"""The broker's market data farms, as the gateway tells of them.

Which farm serves which contract is not told, so one that is down makes silence prove nothing; ticks that come
all the same are good by themselves.
"""

_DOWN = frozenset({2103, 2108, 2119})
"""Broken; inactive (though "available upon demand": ours is in demand); connecting."""
_UP = 2104


class Farms:
    def __init__(self) -> None:
        self._down: set[str] = set()

    @property
    def are_up(self) -> bool:
        """Whether no market data farm is known to be down."""
        return not self._down

    def note(self, code: int, text: str) -> None:
        """Take in a notice. Farms of historical data (2105 to 2107) and of contracts (2157, 2158) quote nothing."""
        if code in _DOWN:
            self._down.add(_farm(text))
        elif code == _UP:
            self._down.discard(_farm(text))

    def forget(self) -> None:
        """The wire is gone; the next one is told anew."""
        self._down.clear()


def _farm(text: str) -> str:
    """Return the farm's name: ``…is OK:usfuture``, ``…upon demand.usfuture``."""
    return text.replace(".", ":").rpartition(":")[2].strip()
