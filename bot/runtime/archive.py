"""Every demonstration starts with empty books; the books of the one before are put aside, not thrown away."""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bot.ledger.lock import LockFile
from bot.runtime.files import Files
from config.settings import Settings

_KEEP = 5
_OURS = re.compile(r"\d{8}T\d{12}Z")


def put_aside(settings: Settings, now: datetime) -> Path | None:
    """Move what an earlier run left into ``past/<time>``; return where, None if there was nothing.

    Keeps the latest five. Raises LedgerLocked while another run holds the ledger.
    """
    if not {*_left(settings)} - {Files(settings.data_dir).log}:
        return None
    settings.ledger_path.parent.mkdir(parents=True, exist_ok=True)
    lock = LockFile.acquire(settings.ledger_path, now)
    try:
        past = settings.data_dir / "past"
        target = past / f"{now:%Y%m%dT%H%M%S%fZ}"
        target.mkdir(parents=True)
        for path in _left(settings):
            shutil.move(path, target / path.name)
        ours = sorted(path for path in past.iterdir() if _OURS.fullmatch(path.name))
        for old in ours[:-_KEEP]:
            shutil.rmtree(old)
    finally:
        lock.release()
    return target


def _left(settings: Settings) -> Iterator[Path]:
    """Yield what a run leaves, and nothing else: the data folder may be anybody's."""
    files, ledger = Files(settings.data_dir), settings.ledger_path
    yield from (
        path
        for path in (
            ledger,
            *(ledger.with_name(ledger.name + suffix) for suffix in ("-wal", "-shm")),
            files.log,
            files.latch,
            *files.flatten_journals,
        )
        if path.exists()
    )
