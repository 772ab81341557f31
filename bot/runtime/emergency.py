"""``basisbot flatten``, put together: latch, journal, venues under a login of their own."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapters.clock import Clock, IdSource
from bot.flatten import Flatten, Outcome
from bot.model.flatten_journal import FlattenJournal
from bot.runtime.files import Files
from bot.runtime.venues import build
from config.settings import Settings
from risk.instruments import InstrumentId


@dataclass(frozen=True, slots=True)
class Emergency:
    """Connected and looked at, nothing sent yet. ``holds``: contracts by instrument, None where unanswered."""

    flatten: Flatten
    holds: dict[InstrumentId, int | None]
    journal: Path

    async def carry_out(self, files: Files, limit: timedelta) -> Outcome:
        """Latch the instance and get flat."""
        latch(files)
        return await self.flatten.run(limit)


def latch(files: Files) -> None:
    """Make the latch, durably: from now on no other process of this instance sends anything."""
    files.data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(files.latch, os.O_WRONLY | os.O_CREAT, 0o600)
    os.fsync(descriptor)
    os.close(descriptor)
    folder = os.open(files.data_dir, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@asynccontextmanager
async def emergency(
    settings: Settings,
    clock: Clock,
    ids: IdSource,
    by: str,
    say: Callable[[str], None],
    *,
    strip_hedge: bool,
) -> AsyncIterator[Emergency]:
    """Connect to both venues, as many as answer. Raises ConfigError, OSError."""
    flatten_id = ids.new()
    path = settings.data_dir / f"flatten-{flatten_id}.jsonl"
    venues = build(settings, clock, for_flatten=True)
    journal = FlattenJournal(path)
    flatten = Flatten(
        venues.inverse,
        venues.inverse_id,
        venues.linear,
        venues.linear_id,
        clock,
        journal,
        flatten_id,
        by,
        say,
        strip_hedge=strip_hedge,
    )
    try:
        holds = dict(await flatten.plan())
        yield Emergency(flatten, holds, path)
    finally:
        await flatten.close()
        journal.close()
        if path.stat().st_size == 0:
            path.unlink()
