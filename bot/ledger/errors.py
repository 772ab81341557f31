"""What can go wrong with the books. Every text is one line that says what to do.

LedgerError
├── LedgerLocked    another bot holds the ledger
├── LedgerDamaged   not a ledger, or its chain is broken
├── LedgerTooNew    written by a newer version of this program
├── LedgerFailed    a write has failed: this run must end, nothing more is taken
└── Unbookable      the event cannot be put into the books; nothing was changed
"""


class LedgerError(Exception):
    """Base of all ledger errors."""


class LedgerLocked(LedgerError):
    """Another process holds the ledger."""


class LedgerDamaged(LedgerError):
    """The file is no ledger, or no longer says what was written."""


class LedgerTooNew(LedgerError):
    """The file's schema is newer than this program."""


class LedgerFailed(LedgerError):
    """A write failed, or the ledger is closed. What was not confirmed as durable may be lost."""


class Unbookable(LedgerError):
    """An event that cannot be valued or placed; it was not appended."""
