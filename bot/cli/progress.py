"""A line about what takes more than a second: on standard error, and only where a person looks at it."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_EVERY = 1.0  # seconds


@dataclass(slots=True)
class Work:
    """What is being done. ``done``: how much of it, where that can be counted."""

    what: str
    done: int = 0

    def __str__(self) -> str:
        return f"{self.what} … {self.done:,}" if self.done else f"{self.what} …"


@contextmanager
def working(what: str) -> Iterator[Work]:
    """Tell of the work in the block from its first second on; the line is gone when it ends."""
    work = Work(what)
    if not sys.stderr.isatty():
        yield work
        return
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(work, ended), name="progress", daemon=True)
    teller.start()
    try:
        yield work
    finally:
        ended.set()
        teller.join()


def counting(what: str, items: Iterable[T]) -> Iterator[T]:
    """Give ``items`` on, and tell how many there were so far."""
    with working(what) as work:
        for item in items:
            work.done += 1
            yield item


def _tell(work: Work, ended: threading.Event) -> None:
    seconds, told = 0, False
    while not ended.wait(_EVERY):
        seconds += 1
        told = True
        print(f"\r\x1b[K{work} ({seconds} s)", end="", file=sys.stderr, flush=True)
    if told:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
