"""One link's way out: messages queued in order, and what goes wrong with them on the way."""

import asyncio
from collections.abc import Awaitable, Callable

from adapters.simulator.bitmex.faults import Faults
from adapters.simulator.faults import FaultKind

_BACKLOG = 20_000
_HELD_AT_MOST = 0.25
_ABOUT_ORDERS = frozenset({"order", "execution"})


Write = Callable[[str], Awaitable[None]]


class Outlet:
    """Messages wait here; a client too slow to read them is cut off.

    A message is only ever swapped with the next one of another table: within a table the venue keeps order.
    """

    def __init__(self, write: Write, cut: Callable[[], None], faults: Faults):
        self._write = write
        self._cut = cut
        self._faults = faults
        self._waiting: asyncio.Queue[tuple[str, float]] = asyncio.Queue(_BACKLOG)
        self._held: tuple[str, str] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def send(self, text: str, delay: float = 0.0) -> None:
        """Queue a message; ``delay`` seconds hold it, and what stands behind it."""
        try:
            self._waiting.put_nowait((text, delay))
        except asyncio.QueueFull:
            self._cut()

    def tell(self, table: str, text: str) -> None:
        """Queue a table's message, unless and as the faults will have it."""
        held, self._held = self._held, None
        if held is not None and held[0] == table:
            self.send(held[1])
            held = None
        self._pass(table, text)
        if held is not None:
            self.send(held[1])

    async def pump(self) -> None:
        """Write what waits, until the connection is gone."""
        while True:
            text, delay = await self._waiting.get()
            if delay:
                await asyncio.sleep(delay)
            await self._faults.hang()
            try:
                await self._write(text)
            except ConnectionError:
                return

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _pass(self, table: str, text: str) -> None:
        plan = self._faults.plan
        if plan.remaining(FaultKind.GAP):
            return
        if table not in _ABOUT_ORDERS:
            self.send(text)
        elif plan.strikes(FaultKind.DROPPED_LINK):
            self._cut()
        elif plan.strikes(FaultKind.GAP):
            return
        elif plan.strikes(FaultKind.REORDERED):
            self._hold(table, text)
        elif plan.strikes(FaultKind.LATE):
            self.send(text, plan.rates.lasting(FaultKind.LATE).total_seconds())
        elif plan.strikes(FaultKind.DUPLICATE):
            self.send(text)
            self.send(text)
        else:
            self.send(text)

    def _hold(self, table: str, text: str) -> None:
        self._held = (table, text)
        self.close()
        self._timer = asyncio.get_running_loop().call_later(_HELD_AT_MOST, self._release)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.send(held[1])
