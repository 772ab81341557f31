"""The emergency command: get flat, in a process of its own, whatever the bot is doing.

Imports no engine and touches no ledger: a hung bot may hold it. Its own journal is adopted later.
"""

from bot.flatten.options import Options
from bot.flatten.outcome import Ending, Outcome, Word
from bot.flatten.plan import Plan
from bot.flatten.run import Flatten

__all__ = ["Ending", "Flatten", "Options", "Outcome", "Plan", "Word"]
