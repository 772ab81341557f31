"""The watchdog: from another machine it hears whether the bot lives, and takes its working orders back if it does not.

Imports no engine and touches no ledger. Not hearing the bot does not mean that it is dead: what is done is safe in
either case, and is done by what the venues say, not by what the silence says.
"""

from bot.watchdog.guard import Guard
from bot.watchdog.vigil import Vigil

__all__ = ["Guard", "Vigil"]
