"""What goes wrong with messages about orders on their way out of one link."""

import asyncio
from collections import deque
from collections.abc import Callable

from adapters.simulator.faults import FaultKind, FaultPlan
from adapters.simulator.tws.messages import Fields

_HELD_AT_MOST = 0.25
"""Seconds a message to be swapped with the next waits for one."""


class Outlet:
    """A message is only ever swapped with the next one of another kind; a late one holds up those behind it."""

    def __init__(self, send: Callable[[Fields], None], cut: Callable[[], None], plan: FaultPlan) -> None:
        self._send = send
        self._cut = cut
        self._plan = plan
        self._swapped: Fields | None = None
        self._swap_timer: asyncio.TimerHandle | None = None
        self._late: deque[Fields] = deque()
        self._late_timer: asyncio.TimerHandle | None = None

    def tell(self, fields: Fields) -> None:
        """Send a message, unless and as the faults will have it."""
        swapped, self._swapped = self._swapped, None
        if swapped is not None and swapped[0] == fields[0]:
            self._pass(swapped)
            swapped = None
        self._meet(fields)
        if swapped is not None:
            self._pass(swapped)

    def close(self) -> None:
        """Forget whatever waits."""
        for timer in (self._swap_timer, self._late_timer):
            if timer is not None:
                timer.cancel()
        self._swapped = None
        self._late.clear()

    def _meet(self, fields: Fields) -> None:
        plan = self._plan
        if plan.remaining(FaultKind.GAP):
            return
        if plan.strikes(FaultKind.DROPPED_LINK):
            self._cut()
        elif plan.strikes(FaultKind.GAP):
            return
        elif plan.strikes(FaultKind.REORDERED):
            self._swapped = fields
            self._swap_timer = asyncio.get_running_loop().call_later(_HELD_AT_MOST, self._give_up)
        elif not self._late and plan.strikes(FaultKind.LATE):
            self._late.append(fields)
            delay = plan.rates.lasting(FaultKind.LATE).total_seconds()
            self._late_timer = asyncio.get_running_loop().call_later(delay, self._catch_up)
        elif plan.strikes(FaultKind.DUPLICATE):
            self._pass(fields)
            self._pass(fields)
        else:
            self._pass(fields)

    def _pass(self, fields: Fields) -> None:
        if self._late:
            self._late.append(fields)
        else:
            self._send(fields)

    def _give_up(self) -> None:
        swapped, self._swapped = self._swapped, None
        if swapped is not None:
            self._pass(swapped)

    def _catch_up(self) -> None:
        waiting, self._late = self._late, deque()
        for fields in waiting:
            self._send(fields)
