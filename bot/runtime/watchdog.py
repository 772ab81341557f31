"""``basisbot watchdog``, put together: the guard, its links, and the ways in which people hear of it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiomqtt
import structlog

from adapters.clock import Clock, IdSource
from bot.flatten.side import VenueSide
from bot.flatten.voice import Voice
from bot.model.flatten_journal import FlattenJournal
from bot.runtime import watchdog_note
from bot.runtime.broker import mqtt_settings
from bot.runtime.emergency import latch
from bot.runtime.files import Files
from bot.runtime.venues import build_for_watchdog
from bot.surfaces.mqtt import MqttSettings, connected
from bot.watchdog import Guard
from bot.watchdog.guard import MakeNeutral
from bot.watchdog.hearing import listen
from bot.watchdog.neutral import Authority, Neutral
from config.errors import ConfigError, Problem
from config.settings import Settings, Watchdog, WatchdogNeutral

log = structlog.get_logger("watchdog")

# Of the silence allowed: between two looks at the bot, and how long it may take to answer one.
_EVERY, _PATIENCE = 10, 4
_COMMAND_WITHIN = 30.0
_LAST_WORDS = 10.0


class Outlets:
    """Log and standard error at once; broker and command beside it, each bounded, none of them waited for."""

    def __init__(
        self, files: Files, clock: Clock, command: tuple[str, ...], broker: MqttSettings | None
    ) -> None:
        self._files = files
        self._clock = clock
        self._command = command
        self._broker = broker
        self._tasks: set[asyncio.Task[None]] = set()

    def alert(self, code: str, text: str) -> None:
        log.error(f"{code}: {text}")
        if self._command:
            self._start(self._run(code, text))
        if self._broker is not None:
            self._start(self._publish(self._broker, code, text))

    def acted(self, text: str) -> None:
        try:
            watchdog_note.leave(self._files, text, self._clock)
        except OSError as error:
            log.error(f"no word could be left for the bot: {error}")

    async def finish(self) -> None:
        """Let what is on its way arrive."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LAST_WORDS)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, code: str, text: str) -> None:
        nothing = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, code, text, stdin=nothing, stdout=nothing, stderr=nothing
            )
        except OSError as error:
            log.error(f"the alert command cannot be run: {error}")
            return
        try:
            async with asyncio.timeout(_COMMAND_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if process.returncode:
            log.error(f"the alert command ended with {process.returncode}")

    async def _publish(self, broker: MqttSettings, code: str, text: str) -> None:
        told = json.dumps({"at": self._clock.now().isoformat(), "kind": code, "text": text})
        try:
            async with connected(broker, f"basisbot-{broker.instance}-watchdog-{id(told)}") as client:
                await client.publish(f"{broker.root}/event/watchdog", told, qos=1)
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            log.error(f"mqtt: the alert was not published: {error or 'no answer in time'}")


def told(settings: Settings) -> Watchdog:
    """Return the profile's ``[watchdog]``. Raises ConfigError."""
    if settings.watchdog is None:
        text = "is missing: url, the address of the bot's API, and silence_seconds"
        raise ConfigError(Problem(str(settings.source), "watchdog", text))
    return settings.watchdog


class Leash:
    """Flatten's latch and journal, in the bot's own data folder: only where that is can the bot be held back."""

    def __init__(self, files: Files, ledger: Path) -> None:
        self._files = files
        self._ledger = ledger
        self._held: int | None = None

    def hold(self) -> str | None:
        if not self._ledger.exists():
            return f"the bot's data folder is not on this machine ({self._files.data_dir}): it cannot be held back"
        if why := self._files.latched():
            return why
        try:
            self._held = latch(self._files)
        except OSError as error:
            return f"the bot cannot be held back: {error}"
        return None

    def release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def let_go(self) -> None:
        self.release()
        if why := self._files.unlatch():
            log.error(f"the bot is still held back: {why}")

    def journal(self, flatten_id: str) -> FlattenJournal:
        return FlattenJournal(self._files.data_dir / f"flatten-{flatten_id}.jsonl")


def authority(given: WatchdogNeutral) -> Authority:
    """Return what the profile allows. It ends with its last day."""
    end = datetime.combine(given.until, time(), UTC) + timedelta(days=1)
    return Authority(
        by=given.approved_by,
        until=end,
        max_xbt=given.max_xbt,
        band_xbt=given.band_xbt,
        target_xbt=given.target_delta_xbt,
        still=given.after_seconds,
    )


@asynccontextmanager
async def guarding(settings: Settings, clock: Clock, ids: IdSource, landing: float) -> AsyncIterator[Guard]:
    """Put the watchdog together, unconnected; release everything in the end. ``landing``: seconds an
    order may be on its way to its venue. Raises ConfigError."""
    watchdog = told(settings)
    limit = watchdog.silence_seconds
    venues = build_for_watchdog(settings, watchdog, clock)
    files = Files(settings.data_dir)
    outlets = Outlets(files, clock, watchdog.alert_command, mqtt_settings(settings))
    neutral: MakeNeutral | None = None
    if watchdog.neutral is not None:
        allowed, leash = authority(watchdog.neutral), Leash(files, settings.ledger_path)

        def neutral(inverse: VenueSide, linear: VenueSide, voice: Voice) -> Neutral:
            return Neutral(inverse, linear, allowed, leash, clock, ids, voice, landing)

    guard = Guard(
        (venues.inverse, venues.inverse_id),
        (venues.linear, venues.linear_id),
        partial(listen, watchdog.url, settings.instance, limit / _PATIENCE, limit / _EVERY),
        outlets,
        clock,
        log.warning,
        limit=limit,
        every=limit / _EVERY,
        global_cancel=watchdog.global_cancel,
        landing=landing,
        neutral=neutral,
        later=venues.later,
    )
    try:
        yield guard
    finally:
        await guard.close()
        await outlets.finish()
