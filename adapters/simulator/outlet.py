"""What goes wrong with messages about orders on their way out of one link."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from adapters.simulator.faults import FaultKind, FaultPlan

T = TypeVar("T")

_HELD_AT_MOST = 0.25
"""Seconds a message to be swapped with the next waits for one."""


class Outlet(Generic[T]):
    """A message is only ever swapped with the next one of another ``kind``; a late one holds up those behind it."""

    def __init__(
        self,
        send: Callable[[T], None],
        cut: Callable[[], None],
        plan: FaultPlan,
        kind: Callable[[T], object],
    ) -> None:
        self._send = send
        self._cut = cut
        self._plan = plan
        self._kind = kind
        self._swapped: T | None = None
        self._swap_timer: asyncio.TimerHandle | None = None
        self._held = False
        self._late: deque[T] = deque()
        self._late_timer: asyncio.TimerHandle | None = None

    def tell(self, message: T) -> None:
        """Send a message, unless and as the faults will have it."""
        swapped, self._swapped = self._swapped, None
        if swapped is not None and self._kind(swapped) == self._kind(message):
            self._pass(swapped)
            swapped = None
        self._meet(message)
        if swapped is not None:
            self._pass(swapped)

    def close(self) -> None:
        """Forget whatever waits."""
        for timer in (self._swap_timer, self._late_timer):
            if timer is not None:
                timer.cancel()
        self._swapped = None
        self._held = False
        self._late.clear()

    def _meet(self, message: T) -> None:
        plan = self._plan
        if plan.remaining(FaultKind.GAP):
            return
        if plan.strikes(FaultKind.DROPPED_LINK):
            self._cut()
        elif plan.strikes(FaultKind.GAP):
            return
        elif plan.strikes(FaultKind.REORDERED):
            self._swapped = message
            self._swap_timer = asyncio.get_running_loop().call_later(_HELD_AT_MOST, self._give_up)
        elif not self._held and plan.strikes(FaultKind.LATE):
            self._hold_up(plan.rates.lasting(FaultKind.LATE).total_seconds())
            self._late.append(message)
        elif plan.strikes(FaultKind.DUPLICATE):
            self._pass(message)
            self._pass(message)
        else:
            self._pass(message)

    def hang(self, seconds: float) -> None:
        """Hold up every message from now on for so long."""
        if not self._held:
            self._hold_up(seconds)

    def _hold_up(self, seconds: float) -> None:
        self._held = True
        self._late_timer = asyncio.get_running_loop().call_later(seconds, self._catch_up)

    def _pass(self, message: T) -> None:
        if self._held:
            self._late.append(message)
        else:
            self._send(message)

    def _give_up(self) -> None:
        swapped, self._swapped = self._swapped, None
        if swapped is not None:
            self._pass(swapped)

    def _catch_up(self) -> None:
        self._held = False
        waiting, self._late = self._late, deque()
        for message in waiting:
            self._send(message)
