"""Keeping one wire up: connect, catch up, heartbeat, and connect again for ever with bounded pauses.

The link is UP while a wire is connected and caught up, the gateway has its own link to the broker (1100,
1101, 1102), and no competing session has taken the market data (10197).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from adapters.clock import Clock
from adapters.errors import Misconfigured, Unreachable
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.wire import Wire
from adapters.venue import Link, LinkState

_log = logging.getLogger(__name__)

Stands = Callable[[datetime], None]
"""Takes the moment at which the gateway and its line to the broker were known to be alive."""

Timed = Callable[[datetime, datetime], None]
"""Takes what the broker's clock says, and when it was asked."""

CatchUp = Callable[[Wire, bool], Awaitable[None]]
"""Takes a wire to the present; True asks for the market data to be subscribed anew."""


class GatewayLink:
    def __init__(
        self,
        settings: IbkrSettings,
        clock: Clock,
        make_wire: Callable[[], Wire],
        catch_up: CatchUp,
        lost: Callable[[str], None],
        tell: Callable[[Link], None],
        stands: Stands,
        timed: Timed,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._make_wire = make_wire
        self._catch_up = catch_up
        self._lost = lost
        self._tell = tell
        self._stands = stands
        self._timed = timed
        self._wire: Wire | None = None
        self._ready = False
        self._severed = ""
        self._blind = ""
        self._told = (LinkState.DOWN, "")
        self._keeping: asyncio.Task[None] | None = None
        self._restoring: asyncio.Task[None] | None = None

    @property
    def usable(self) -> Wire | None:
        """The wire, while questions and orders may go over it."""
        usable = self._wire is not None and self._wire.alive and self._ready and not self._severed
        return self._wire if usable else None

    async def start(self) -> None:
        """Connect for the first time. Raises Unreachable or Misconfigured."""
        await self._connect()
        self._keeping = asyncio.get_running_loop().create_task(self._keep())
        self._keeping.add_done_callback(self._keeper_ended)

    async def close(self) -> None:
        for task in (self._keeping, self._restoring):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._drop("closed by us")
        self._told = (LinkState.DOWN, "")

    def _keeper_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        error = task.exception()
        self._set(LinkState.DOWN, f"the link is not kept any more: {error!r}")
        task.get_loop().call_exception_handler(
            {"message": f"{self._settings.name}: the link is not kept any more", "exception": error}
        )

    async def _connect(self) -> None:
        wire = self._make_wire()
        self._wire = wire
        self._severed = self._blind = ""
        try:
            await wire.open()
            await self._catch_up(wire, True)
        except BaseException:
            await self._drop("not connected")
            raise
        self._ready = True
        self._announce()

    async def _drop(self, reason: str) -> None:
        wire, self._wire = self._wire, None
        self._ready = False
        if wire is not None:
            self._lost(reason)
            await wire.close()

    async def _keep(self) -> None:
        while True:
            reason = await self._watch()
            self._ready = False
            self._set(LinkState.DOWN, reason)
            await self._drop(reason)
            await self._reconnect()

    async def _watch(self) -> str:
        """Return why the wire was lost, once it is."""
        wire = self._wire
        if wire is None:
            return "not connected"
        while True:
            await asyncio.wait({wire.lost}, timeout=self._settings.heartbeat)
            if wire.lost.done():
                return wire.lost.result()
            asked = self._clock.now()
            try:
                self._timed(await wire.current_time(self._settings.heartbeat_timeout), asked)
                if self._blind and not self._severed:
                    await self._catch_up(wire, True)
                elif not self._severed:
                    self._stands(asked)
            except Unreachable as error:
                wire.drop(error.detail)
                return wire.lost.result()

    async def _reconnect(self) -> None:
        pause = self._settings.backoff_first
        while True:
            try:
                await self._connect()
                return
            except (Unreachable, Misconfigured) as error:
                # A client id may stay "in use" while the gateway has not noticed that we are gone.
                _log.warning("%s; next attempt in %g s", error, pause)
                self._set(LinkState.DOWN, error.detail)
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._settings.backoff_max)

    # News of the gateway's own link

    def severed(self, reason: str) -> None:
        """The gateway has lost the broker."""
        self._severed = reason
        self._announce()

    def restored(self, data_lost: bool) -> None:
        """The gateway has the broker again: catch up, then say so."""
        if self._wire is None or not self._ready:
            self._severed = ""
            return
        if self._restoring is not None:
            self._restoring.cancel()
        self._restoring = asyncio.get_running_loop().create_task(self._restore(self._wire, data_lost))

    async def _restore(self, wire: Wire, data_lost: bool) -> None:
        try:
            await self._catch_up(wire, data_lost)
        except Unreachable as error:
            wire.drop(error.detail)
            return
        self._severed = ""
        self._announce()

    def blinded(self, reason: str) -> None:
        """Market data has stopped while all else works."""
        self._blind = reason
        self._announce()

    def sees(self) -> None:
        """Market data has come."""
        if self._blind:
            self._blind = ""
            self._announce()

    def _announce(self) -> None:
        if not self._ready:
            return
        trouble = self._severed or self._blind
        self._set(LinkState.DOWN if trouble else LinkState.UP, trouble)

    def _set(self, state: LinkState, detail: str) -> None:
        if (state, detail) != self._told:
            self._told = (state, detail)
            self._tell(Link(self._settings.name, state, self._clock.now(), detail))
