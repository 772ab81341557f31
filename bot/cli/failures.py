"""From an error to what a person reads and the exit code a script sees."""

import sys
from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    MISMATCH = 4


class CommandFailed(Exception):
    """A command could not be carried out; ``str(error)`` is what to print."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.code = code


# By module and name, so that a quick command need not import what it did not use.
_CODES = {
    ("config.errors", "ConfigError"): Exit.USAGE,
    ("adapters.errors", "Misconfigured"): Exit.USAGE,
    ("adapters.errors", "VenueError"): Exit.UNREACHABLE,
    ("bot.ledger.errors", "LedgerError"): Exit.MISMATCH,
    ("bot.model.flatten_journal", "JournalUnreadable"): Exit.MISMATCH,
    ("bot.runtime.demo", "DemoFailed"): Exit.REFUSED,
    ("bot.runtime.signals", "Stopped"): Exit.REFUSED,
}


def explain(error: BaseException) -> tuple[str, int] | None:
    """Return text and exit code of a foreseen error, None for one that is not."""
    if isinstance(error, CommandFailed):
        return str(error), error.code
    for (module, name), code in _CODES.items():
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, name)):
            return str(error), code
    return None
