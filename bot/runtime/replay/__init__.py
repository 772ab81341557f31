"""The whole bot over recorded prices, in virtual time: a year takes a minute or two, and moves no money.

Engine, decisions, reconciliation and ledger are the bot's own, between both exchanges in this process; a rule stands
in for the person. ``examine`` the files, then ``replay`` them: what comes back holds the time series as well. What is
replayed is the recorded basis and its swings; a profit of it is not evidence of profit.
"""

from bot.runtime.replay.beside import Beside
from bot.runtime.replay.options import Options, Threshold, Weekends
from bot.runtime.replay.recordings import Recording, examine
from bot.runtime.replay.result import NOT_EVIDENCE, Replayed
from bot.runtime.replay.run import LEDGER, replay
from bot.runtime.replay.watched import watched

__all__ = [
    "LEDGER",
    "NOT_EVIDENCE",
    "Beside",
    "Options",
    "Recording",
    "Replayed",
    "Threshold",
    "Weekends",
    "examine",
    "replay",
    "watched",
]
