"""The emergency command: get flat, in a process of its own, whatever the bot is doing.

Imports no engine and touches no ledger: a hung bot may hold it. Its own journal is adopted later.
"""

from bot.flatten.run import Flatten, Outcome

__all__ = ["Flatten", "Outcome"]
