"""The running bot, and a flatten that is pending: it starts a process that waits for the open and carries it out.

The bot itself stays latched and sends nothing. What it starts is ``basisbot flatten --resume``, with a login and a
journal of its own; it outlives the bot, and where another process waits already it ends at once.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import structlog

from adapters.clock import Clock
from bot.flatten.voice import clock as clock_time
from bot.runtime import pending
from bot.runtime.files import Files
from config.settings import Mode, Settings

log = structlog.get_logger("daemon")

_LOOK = 1.0
_FIRST_PAUSE, _MOST_PAUSE = 5.0, 60.0
# So long after the open a person hears of it that it is not done.
OVERDUE = timedelta(minutes=5)


class Carrier:
    """``warn`` takes what a person has to hear."""

    def __init__(self, settings: Settings, files: Files, clock: Clock, warn: Callable[[str], None]) -> None:
        self._files = files
        self._clock = clock
        self._warn = warn
        self._overdue = False
        live = ["--live"] if settings.mode is Mode.LIVE else []
        resume = ["-m", "bot", "flatten", "--resume", "--profile", str(settings.source)]
        self._command = [sys.executable, *resume, *live]

    async def keep(self) -> None:
        """See to it, for ever, that somebody waits while a flatten is pending."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._files.pending.exists():
                self._warn("a flatten is pending: it goes on when the market opens, and nothing else is sent")
                await self._until_done()

    async def _until_done(self) -> None:
        pause, tries = _FIRST_PAUSE, 0
        self._overdue = False
        while self._files.pending.exists():
            code = await self._carry()
            tries += bool(code)
            # At the 1st, 2nd, 4th … failure: nobody reads an alert that comes every minute.
            if code and tries.bit_count() == 1 and self._files.pending.exists():
                self._warn(
                    f"the pending flatten could not go on (exit code {code}; see {self._files.flatten_output}): "
                    "it is tried again; or run basisbot flatten"
                )
            await self._rest(pause)
            pause = min(2 * pause, _MOST_PAUSE)

    async def _carry(self) -> int:
        """Start the process and wait for its end. It is not ended with us."""
        try:
            with self._files.flatten_output.open("ab") as said:
                process = subprocess.Popen(  # noqa: ASYNC220 - it shall outlive the loop
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
        except OSError as error:
            log.error("the pending flatten cannot be started", fault=str(error))
            return -1
        while (code := process.poll()) is None:
            await self._rest(_LOOK)
        return code

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ordered = pending.read(self._files)
        opens = None if ordered is None else ordered.opens
        if opens is not None and not self._overdue and self._clock.now() >= opens + OVERDUE:
            self._overdue = True
            self._warn(
                f"the market has been open since {clock_time(opens)} and the pending flatten is NOT DONE: "
                f"see {self._files.flatten_output}; or run basisbot flatten"
            )
