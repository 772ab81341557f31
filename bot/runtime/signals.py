"""Ctrl-C, SIGTERM and a closed terminal end things in order, also where the shell started us with Ctrl-C ignored."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """A person, or the system, asked for the end; everything was released in order."""


async def stoppable(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``; cancel it, with all its clean-up, at the first signal to end. Raises Stopped then."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup, and in the emergency command, the terminal may go.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not asked:
            raise
        raise Stopped("stopped before the end; everything was released in order") from None
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
