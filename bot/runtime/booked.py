"""What the ledger knows of positions, should a venue not answer. Read beside the emergency, which never waits for it:
the disk it lies on may hang."""

import threading
from collections.abc import Mapping
from pathlib import Path

from bot.flatten import Word
from risk.instruments import InstrumentId
from risk.terms import Kind

BY = "the ledger"
# When all is sent that will be, for so long: a ledger of years takes a second or two, a disk that hangs for ever.
_PATIENCE_SECONDS = 3.0


class Booked:
    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._words: Mapping[InstrumentId, Word] = {}
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read, in a thread that nobody has to wait for."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def words(self) -> Mapping[InstrumentId, Word]:
        """Return what the ledger says, at the command's end; nothing if it cannot be had within a moment."""
        if self._reader is not None:
            self._reader.join(_PATIENCE_SECONDS)
        return self._words

    def _read(self) -> None:
        from bot.ledger.balances import Books
        from bot.ledger.errors import LedgerError, Unbookable
        from bot.ledger.writer import read_events

        books, at = Books(), None
        try:
            for recorded in read_events(self._ledger):
                books.see(recorded)
                at = recorded.at
        except (LedgerError, Unbookable, OSError):
            return
        if at is None:
            return
        found = {}
        held, instruments = books.balances().positions, books.journal.instruments
        for key, instrument in instruments.items():
            contracts = held.get(key, 0)
            # An inverse contract's XBT follow a price, and there is none of now.
            known = not contracts or instrument.terms.kind is Kind.LINEAR
            xbt = contracts * instrument.terms.multiplier if known else None
            found[key] = Word(contracts, xbt, at, BY)
        self._words = found
