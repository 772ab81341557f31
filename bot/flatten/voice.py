"""What a person hears meanwhile."""

from collections.abc import Callable
from datetime import datetime


class Voice:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()
        self._left = ""

    def __call__(self, text: str) -> None:
        self._say(text)

    def once(self, text: str) -> None:
        """Say what would otherwise be repeated round after round."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def left(self, text: str) -> None:
        """Say what is left whenever that has changed."""
        if text != self._left:
            self._left = text
            self._say(text)


def clock(at: datetime | None) -> str:
    """Return a time as it is read in an emergency."""
    return "a time it has not announced" if at is None else f"{at:%a %d %b %H:%M} UTC"
