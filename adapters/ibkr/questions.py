"""Questions on their way: what was asked, the rows heard so far, and the future that ends it."""

import asyncio
from typing import Any

from adapters.errors import VenueError

Key = int | str
"""A request id, or the name of a question the protocol gives no id."""

OPEN_ORDERS = "open orders"
COMPLETED_ORDERS = "completed orders"
POSITIONS = "positions"
TIME = "the time"


class Questions:
    def __init__(self) -> None:
        self._rows: dict[Key, list[Any]] = {}
        self._ends: dict[Key, asyncio.Future[None]] = {}

    def begin(self, key: Key) -> "asyncio.Future[None]":
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rows[key] = []
        self._ends[key] = end
        return end

    def __contains__(self, key: Key) -> bool:
        return key in self._ends

    def add(self, key: Key, row: Any) -> None:
        """Keep a row; one that answers no question of ours is let go."""
        if key in self._rows:
            self._rows[key].append(row)

    def end(self, key: Key) -> None:
        end = self._ends.get(key)
        if end is not None and not end.done():
            end.set_result(None)

    def fail(self, key: Key, error: VenueError) -> None:
        end = self._ends.get(key)
        if end is not None and not end.done():
            end.set_exception(error)

    def take(self, key: Key) -> list[Any]:
        """Return the rows and forget the question."""
        self._ends.pop(key, None)
        return self._rows.pop(key, [])

    def keys(self) -> list[Key]:
        return list(self._ends)
