"""From an error to what a person reads and the exit code a script sees."""

import errno
import sys
from enum import IntEnum

from typer.exceptions import TyperException


class Exit(IntEnum):
    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    MISMATCH = 4


MEANINGS = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused, or not achieved",
    Exit.USAGE: "wrong usage or configuration",
    Exit.UNREACHABLE: "a venue, or the bot, is unreachable",
    Exit.MISMATCH: "the ledger is damaged, or does not agree with the venues",
}


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
    ("adapters.simulator.scenario", "ScenarioError"): Exit.USAGE,
    ("bot.ledger.export.place", "PlaceTaken"): Exit.USAGE,
    ("bot.ledger.errors", "LedgerError"): Exit.MISMATCH,
    ("bot.model.flatten_journal", "JournalUnreadable"): Exit.MISMATCH,
    ("bot.runtime.demo", "DemoFailed"): Exit.REFUSED,
    ("bot.runtime.signals", "Stopped"): Exit.REFUSED,
}

# Errors of the disk itself, which name no file.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def explain(error: BaseException) -> tuple[str, int] | None:
    """Return text and exit code of a foreseen error, None for one that is not."""
    if isinstance(error, CommandFailed):
        return str(error), error.code
    for (module, name), code in _CODES.items():
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, name)):
            return str(error), code
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _DISK):
        where = "the data folder" if error.filename is None else error.filename
        hint = "$BASISBOT_HOME, or data_dir in the profile, chooses the data folder"
        return f"cannot use {where}: {error.strerror}; {hint}", Exit.USAGE
    return None


def misread(error: BaseException) -> tuple[str, int] | None:
    """Return text and exit code where an answer of another version of the bot was not understood."""
    client = sys.modules.get("bot.cli.client")
    if client is None or not isinstance(
        error, KeyError | IndexError | TypeError | AttributeError | ValueError
    ):
        return None
    versions = client.other_version()
    return None if versions is None else (f"its answer is not understood: {versions}", Exit.UNREACHABLE)


def explain_usage(error: TyperException) -> str:
    """Return one line for a wrong command line; help that was asked for by saying nothing stays what it is."""
    text = error.format_message().removesuffix(".")
    for said, better in (
        ("is not a valid int range", "is not a whole number"),
        ("is not a valid int", "is not a whole number"),
        (". Choose from:\n\t", ": choose from "),
        (",\n\t", ", "),
    ):
        text = text.replace(said, better)
    if "\n" in text:
        return text
    context = getattr(error, "ctx", None)
    command = "basisbot" if context is None else context.command_path
    return f"{command}: {text[0].lower()}{text[1:]} (see: {command} --help)"
