"""Every demonstration starts with empty books; the books of the one before are put aside, not thrown away."""

import shutil
from datetime import datetime
from pathlib import Path

from bot.ledger.lock import LockFile
from config.settings import Settings

_KEEP = 5


def put_aside(settings: Settings, now: datetime) -> Path | None:
    """Move what an earlier run left into ``past/<time>``; return where, None if there was nothing.

    Keeps the latest five. Raises LedgerLocked while another run holds the ledger.
    """
    ledger = settings.ledger_path
    if not ledger.exists():
        return None
    lock = LockFile.acquire(ledger, now)
    try:
        past = settings.data_dir / "past"
        target = past / f"{now:%Y%m%dT%H%M%S%fZ}"
        target.mkdir(parents=True)
        for pattern in (f"{ledger.name}*", "*.log", "flatten*"):
            for path in settings.data_dir.glob(pattern):
                if not path.name.endswith(".lock"):
                    path.rename(target / path.name)
        for old in sorted(past.iterdir())[:-_KEEP]:
            shutil.rmtree(old)
    finally:
        lock.release()
    return target
