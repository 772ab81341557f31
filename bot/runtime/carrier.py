"""The running bot, and a flatten that is pending: it starts a process that waits for the open and carries it out.

The bot itself stays latched and sends nothing. What it starts is ``basisbot flatten --resume``, with a login and a
journal of its own; it outlives the bot, and where another process waits already it ends at once.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.runtime.files import Files
from config.settings import Mode, Settings

log = structlog.get_logger("daemon")

_LOOK = 1.0
_FIRST_PAUSE, _MOST_PAUSE = 5.0, 60.0
Warned = Callable[[str], None]


class Carrier:
    """``warn`` takes what a person has to hear."""

    def __init__(self, settings: Settings, files: Files, warn: Warned) -> None:
        self._files = files
        self._warn = warn
        live = ("--live",) if settings.mode is Mode.LIVE else ()
        self._command = (
            sys.executable,
            "-m",
            "bot",
            "flatten",
            "--resume",
            "--profile",
            str(settings.source),
            *live,
        )

    async def keep(self) -> None:
        """See to it, for ever, that somebody waits while a flatten is pending."""
        pause = _FIRST_PAUSE
        while True:
            await asyncio.sleep(_LOOK)
            if not self._files.pending.exists():
                pause = _FIRST_PAUSE
                continue
            self._warn("a flatten is pending: it goes on when the market opens, and nothing else is sent")
            code = await self._carry(self._files.flatten_output)
            if not self._files.pending.exists():
                continue
            log.warning("the pending flatten goes on", code=code, pause=pause)
            if code:
                self._warn(
                    f"the pending flatten is NOT CARRIED OUT yet (exit code {code}; see "
                    f"{self._files.flatten_output}): tried again in {pause:g} s; or run basisbot flatten"
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE)

    async def _carry(self, output: Path) -> int:
        """Start the process and wait for its end. It is not ended with us."""
        try:
            with output.open("ab") as said:
                process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once, and shall outlive this loop
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
        except OSError as error:
            log.error("the pending flatten cannot be started", fault=str(error))
            return -1
        while (code := process.poll()) is None:  # noqa: ASYNC110 - no loop waits for what shall outlive it
            await asyncio.sleep(_LOOK)
        return code
