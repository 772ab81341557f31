"""A flatten that waits for a market to open: a file in the data folder, and at most one process that waits by it.

It outlives the process that made it, and the machine's restart. Whoever waits holds a lock; when nobody does, a
running bot starts somebody (``bot.runtime.carrier``).
"""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.flatten import Options
from bot.runtime.files import Files, sync_folder


@dataclass(frozen=True, slots=True)
class Pending:
    """``by`` ordered it ``at``. ``opens``: when the market is said to open, None if that is not announced."""

    by: str
    at: datetime
    opens: datetime | None
    hold_hedge: bool
    everything: bool

    @property
    def options(self) -> Options:
        return Options(hold_hedge=self.hold_hedge, everything=self.everything)


def write(files: Files, pending: Pending) -> None:
    """Make it durable, in the place of an earlier one. Raises OSError."""
    draft = files.pending.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, json.dumps(asdict(pending), default=_text).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(files.pending)
    sync_folder(files)


def read(files: Files) -> Pending | None:
    """Return what is pending. A file that cannot be read was written by somebody who wanted to get flat, too."""
    try:
        text = files.pending.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError:
        text = ""
    with suppress(ValueError, KeyError, TypeError):
        row = json.loads(text)
        opens = row["opens"]
        return Pending(
            by=str(row["by"]),
            at=datetime.fromisoformat(row["at"]),
            opens=None if opens is None else datetime.fromisoformat(opens),
            hold_hedge=bool(row["hold_hedge"]),
            everything=bool(row["everything"]),
        )
    modified = datetime.fromtimestamp(files.pending.stat().st_mtime).astimezone()
    return Pending("somebody", modified, None, hold_hedge=False, everything=False)


def end(files: Files) -> bool:
    """Take it back, or off as done; say whether there was one. Raises OSError."""
    try:
        files.pending.unlink()
    except FileNotFoundError:
        return False
    sync_folder(files)
    return True


def claim(files: Files) -> int | None:
    """Be the one who waits: return a descriptor to hold meanwhile, None where another process waits. Raises OSError."""
    descriptor = os.open(files.waiting, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def waiting(files: Files) -> str | None:
    """Return the process id of whoever waits, None if nobody does."""
    try:
        descriptor = os.open(files.waiting, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 32).decode(errors="replace") or "unknown"
    finally:
        os.close(descriptor)
    return None


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"not a time: {value!r}")
