"""The emergency command's own journal: it must be able to write while a hung bot holds the ledger.

One JSON object a line: ``{"at": …, "kind": …, "payload": {…}}``. Written with fsync before the order it speaks of
is sent; the next reconciliation takes it into the ledger.
"""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.model.codec import UndecodableEvent, decode, encode
from bot.model.events import FlattenFinished, FlattenOrdered, OrderIntended

Entry = FlattenOrdered | OrderIntended | FlattenFinished


class JournalUnreadable(Exception):
    """A flatten journal cannot be read; ``str(error)`` names file and line."""


class FlattenJournal:
    """Appends to one journal file, which the first entry makes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def write(self, entry: Entry, at: datetime) -> None:
        """Write one entry; it is on the disk when this returns. Raises OSError, and leaves no part of a line."""
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._descriptor).st_size
        line = f"{line_of(entry, at)}\n".encode()
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
            raise

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def line_of(entry: Entry, at: datetime) -> str:
    """Return an entry as the journal keeps it."""
    line = {"at": at.isoformat(), "kind": type(entry).__name__, "payload": json.loads(encode(entry))}
    return json.dumps(line)


def read_journal(path: Path) -> tuple[Entry, ...]:
    """Return a journal's entries. See ``read_times``."""
    return tuple(entry for _, entry in read_times(path))


def read_times(path: Path) -> tuple[tuple[datetime, Entry], ...]:
    """Return a journal's entries with their times, aware UTC.

    A last line cut short by a crash is left out, for its order was never sent. Raises JournalUnreadable.
    """
    entries: list[tuple[datetime, Entry]] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise JournalUnreadable(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
            at = datetime.fromisoformat(row["at"])
            event = decode(row["kind"], json.dumps(row["payload"]))
        except (ValueError, KeyError, TypeError, UndecodableEvent) as error:
            raise JournalUnreadable(f"{path}, line {number}: {error}") from error
        if not isinstance(event, FlattenOrdered | OrderIntended | FlattenFinished) or at.tzinfo is None:
            raise JournalUnreadable(f"{path}, line {number}: {row['kind']} does not belong here")
        entries.append((at, event))
    return tuple(entries)
