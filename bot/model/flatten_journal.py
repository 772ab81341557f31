"""The emergency command's own journal: it must be able to write while a hung bot holds the ledger.

One JSON object a line: ``{"at": …, "kind": …, "payload": {…}}``. Written with fsync before the order it speaks of
is sent; the next reconciliation takes it into the ledger.
"""

import json
import os
from datetime import datetime
from pathlib import Path

from bot.model.codec import UndecodableEvent, decode, encode
from bot.model.events import FlattenOrdered, OrderIntended

Entry = FlattenOrdered | OrderIntended


class JournalUnreadable(Exception):
    """A flatten journal cannot be read; ``str(error)`` names file and line."""


class FlattenJournal:
    """Appends to one journal file. Raises OSError where the file cannot be written."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def write(self, entry: Entry, at: datetime) -> None:
        """Write one entry; it is on the disk when this returns."""
        line = {"at": at.isoformat(), "kind": type(entry).__name__, "payload": json.loads(encode(entry))}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> tuple[Entry, ...]:
    """Return a journal's entries; a last line cut short by a crash is left out, for its order was never sent.

    Raises JournalUnreadable.
    """
    entries: list[Entry] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise JournalUnreadable(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
            event = decode(row["kind"], json.dumps(row["payload"]))
        except (ValueError, KeyError, TypeError, UndecodableEvent) as error:
            raise JournalUnreadable(f"{path}, line {number}: {error}") from error
        if not isinstance(event, FlattenOrdered | OrderIntended):
            raise JournalUnreadable(f"{path}, line {number}: {row['kind']} does not belong here")
        entries.append(event)
    return tuple(entries)
