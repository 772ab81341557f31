"""Virtual time: an event loop in which waiting takes no time at all.

When nothing is ready the clock jumps to the next timer. What could make a run depend on the machine is refused:
threads, executors, sockets, subprocesses. "Nothing ready, no timer" is a deadlock, told with what waits where.
"""

import asyncio
import contextvars
import selectors
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Never, TypeVarTuple, Unpack

_Ts = TypeVarTuple("_Ts")

_RESOLUTION = 1e-6
_MOST_TURNS = 100_000
"""Turns of the loop at one instant, after which whoever keeps it there is called a busy loop."""


class VirtualTimeError(RuntimeError):
    """Something was done that cannot be in virtual time."""


class Deadlock(VirtualTimeError):
    """Nothing is ready and no timer is set: what still waits would wait for ever."""


class VirtualTime:
    """The clock of a virtual loop. ``elapsed``: seconds since ``start``; only the loop moves it while it runs."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a virtual clock starts at an aware time")
        self.start = start
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed


class VirtualLoop(asyncio.SelectorEventLoop):
    """``failures``: what callbacks and forgotten tasks raised, a line each; ``check`` raises if there is any."""

    def __init__(self, clock: VirtualTime) -> None:
        self._selector_of_time = _Jump(clock, self._explain)
        super().__init__(self._selector_of_time)
        self._selector_of_time.sealed = True
        # What asyncio takes for the same time. Its own nanosecond is lost in a float of 2**24 seconds: after 194 days a
        # timer that is due would never be found so.
        self._clock_resolution = _RESOLUTION
        self._clock = clock
        self._thread = threading.get_ident()
        self.failures: list[str] = []

    def time(self) -> float:
        return self._clock.elapsed

    def check(self) -> None:
        """Raise VirtualTimeError if a callback or a task that nobody awaited has failed."""
        if self.failures:
            raise VirtualTimeError("; ".join(self.failures))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(f"{context.get('message')}: {error!r}")
        super().call_exception_handler(context)

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[_Ts]], object],
        *args: *_Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        if threading.get_ident() != self._thread:
            raise VirtualTimeError(f"another thread called for {callback!r}: virtual time has one thread")
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: object, func: Callable[..., object], *args: object) -> Never:
        raise VirtualTimeError(f"{func!r} would run in a thread: virtual time has none")

    def _explain(self) -> str:
        waiting = sorted(f"{task.get_name()} at {_where(task)}" for task in asyncio.all_tasks(self))
        return "; ".join(waiting) or "no task at all"


class _Jump(selectors.BaseSelector):
    """Waits for nothing: ``select`` moves the clock. After ``sealed`` it takes no file any more."""

    def __init__(self, clock: VirtualTime, explain: Callable[[], str]) -> None:
        self._clock = clock
        self._explain = explain
        self._keys: dict[Any, selectors.SelectorKey] = {}
        self._turns = 0
        self.sealed = False

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.sealed:
            raise VirtualTimeError(
                f"{fileobj!r} would be waited for: virtual time has no sockets and no pipes"
            )
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, descriptor, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock(f"nothing is due, these would wait for ever: {self._explain()}")
        if timeout > 0:
            self._clock.elapsed += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > _MOST_TURNS:
                self._turns = 0
                raise VirtualTimeError(f"time stands still at {self._clock.now()}: {self._explain()}")
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


def _where(task: asyncio.Task[Any]) -> str:
    """Return the innermost line a task waits in, outside asyncio itself."""
    place = "its start"
    for frame_place in _awaits(task.get_coro()):
        place = frame_place
    return place


def _awaits(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and "/asyncio/" not in frame.f_code.co_filename:
            yield f"{frame.f_code.co_qualname} ({frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno})"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
