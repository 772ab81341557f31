"""One bot a ledger: a lock the kernel drops with the process that holds it, however that process ends."""

import fcntl
import json
import os
import shlex
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.ledger.errors import LedgerError, LedgerLocked

_MOST = 200  # characters of the holder's command line


class LockFile:
    """An exclusive lock on ``<ledger>.lock``, which says who holds it. The file itself stays: only its lock counts."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, ledger: Path, now: datetime) -> "LockFile":
        """Take the lock of ``ledger``. Raises LedgerLocked with who holds it, LedgerError if it cannot be made."""
        path = ledger.with_name(ledger.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(
                f"cannot write {path}: {error.strerror}; make it writable or choose another ledger"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise LedgerLocked(
                f"ledger {ledger} is held by {holder}; stop that first or choose another ledger"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise LedgerError(
                f"cannot lock {path}: {error.strerror}; put the ledger on a local disk"
            ) from error
        note = {
            "pid": os.getpid(),
            "since": now.isoformat(timespec="seconds"),
            "host": os.uname().nodename,
            "command": shlex.join(sys.argv)[:_MOST],
        }
        # The note is for people: on a full disk the lock holds without it, and the ledger itself will complain.
        with suppress(OSError):
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(note).encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back. Idempotent."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, 16 * _MOST, 0))
        return f"another bot (pid {note['pid']} on {note['host']}, since {note['since']}: {note['command']})"
    except (ValueError, TypeError, KeyError):
        # Between taking the lock and writing its name, the holder is nameless for an instant.
        return "another bot"
