"""The venue's dead man's switch: unless told again in time, it cancels every order of the account."""

import asyncio

import structlog

from adapters.bitmex.budget import Priority
from adapters.bitmex.endpoints import Endpoint
from adapters.bitmex.rest import Rest
from adapters.errors import VenueError

SHORTEST_MS = 5_000
REFRESHES = 4  # in one timeout: the venue suggests 60 s told every 15 s

_log = structlog.get_logger("adapters.bitmex")


class DeadMansSwitch:
    """One word to the venue at a time: a refresh that is on its way when the switch is disarmed would arm it again, and
    take protective stops with it."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._refreshing: asyncio.Task[None] | None = None
        self._telling = asyncio.Lock()

    async def arm(self, timeout_ms: int) -> None:
        """Arm it and keep refreshing it until ``disarm`` or ``stop``.

        Milliseconds: a shorter time than 5,000 is taken for seconds given by mistake, and raises ValueError.
        Raises Refused, Misconfigured or Unreachable.
        """
        if timeout_ms < SHORTEST_MS:
            raise ValueError(
                f"the dead man's switch takes milliseconds, at least {SHORTEST_MS}: {timeout_ms}"
            )
        async with self._telling:
            await self.stop()
            await self._tell(timeout_ms)
            self._refreshing = asyncio.create_task(self._refresh(timeout_ms))

    async def disarm(self) -> None:
        """Raises Refused, Misconfigured or Unreachable; then it may still be armed, and is no longer refreshed."""
        async with self._telling:
            await self.stop()
            await self._tell(0)

    async def stop(self) -> None:
        """Stop refreshing. A switch that is armed then fires in time: resting orders die with the link."""
        task, self._refreshing = self._refreshing, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _refresh(self, timeout_ms: int) -> None:
        while True:
            await asyncio.sleep(timeout_ms / 1000 / REFRESHES)
            async with self._telling:
                try:
                    await self._tell(timeout_ms)
                except VenueError as error:
                    _log.error("bitmex.dead_mans_switch_not_refreshed", fault=str(error))

    async def _tell(self, timeout_ms: int) -> None:
        attempted = f"set the dead man's switch to {timeout_ms} ms"
        await self._rest.command(
            Endpoint.CANCEL_ALL_AFTER, {"timeout": timeout_ms}, attempted, Priority.CANCEL
        )
