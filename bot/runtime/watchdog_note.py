"""Word that the watchdog leaves for the bot: a file in the data folder, which the bot reads when it runs again.

A watchdog on another machine has a data folder of its own: there the file waits for a person.
"""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress

from adapters.clock import Clock
from bot.runtime.files import Files

_LOOK = 1.0


def leave(files: Files, text: str, clock: Clock) -> None:
    """Add a line. Raises OSError."""
    files.data_dir.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": clock.now().isoformat(), "text": text})
    descriptor = os.open(files.watchdog, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take(files: Files) -> list[str]:
    """Return what was left since the last time, oldest first; it is told once."""
    told = files.watchdog.with_suffix(".told")
    try:
        files.watchdog.replace(told)
        lines = told.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            row = json.loads(line)
            words.append(f"{row['at']}: {row['text']}")
    return words


async def keep_reading(files: Files, warn: Callable[[str], None]) -> None:
    """Hand on what the watchdog leaves, for ever."""
    while True:
        for text in take(files):
            warn(f"the watchdog did not hear this bot, and acted: {text}")
        await asyncio.sleep(_LOOK)
