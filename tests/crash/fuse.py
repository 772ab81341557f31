"""Where a bot can die: its ports call ``reach`` before and after everything they do; at the chosen place it dies."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Crashed(BaseException):
    """The process is dead. Not an ``Exception``: nothing in the bot may live on by catching it."""


class Kind(StrEnum):
    """What happens at a boundary."""

    APPEND = "append"
    COMMIT = "commit"
    SUBMIT = "submit"
    WIRE = "order on the wire"
    ASK = "question"
    HEAR = "event heard"
    LATCH = "latch"
    JOURNAL = "flatten journal"


@dataclass(frozen=True)
class Boundary:
    """``number``: the how-manieth of its life. ``is_after``: what it names is done."""

    number: int
    kind: Kind
    is_after: bool
    label: str

    def __str__(self) -> str:
        return f"{self.number:4d} {'after' if self.is_after else 'before'} {self.kind} {self.label}"


@dataclass(frozen=True)
class Crash:
    """``kept``: what was appended had reached the disk, although nobody was told; else only what was told.

    ``slow``: orders on the wire land so many seconds later. ``pause``: seconds until the next start.
    """

    at: int
    kept: bool = False
    slow: float = 0.0
    pause: float = 1.0


class Fuse:
    """Blows at ``crash.at``; then every port is dead. ``refused`` counts what was still tried."""

    def __init__(self, crash: Crash | None, on_death: Callable[[Crash], None]) -> None:
        self.crash = crash
        self.seen: list[Boundary] = []
        self.refused = 0
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_death = on_death

    @property
    def is_blown(self) -> bool:
        return self.died.done()

    def passes(self, kind: Kind, label: str, *, after: bool = False) -> bool:
        """Count one boundary; False if the bot is dead."""
        if self.is_blown:
            self.refused += 1
            return False
        self.seen.append(Boundary(len(self.seen) + 1, kind, after, label))
        if self.crash is None or len(self.seen) != self.crash.at:
            return True
        self.died.set_result(None)
        self._on_death(self.crash)
        return False

    def reach(self, kind: Kind, label: str, *, after: bool = False) -> None:
        """Count one boundary. Raises Crashed if the bot is dead."""
        if not self.passes(kind, label, after=after):
            raise Crashed(label)
