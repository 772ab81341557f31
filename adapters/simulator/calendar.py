"""The market's calendar, where its day passes faster than the clock's.

What follows it: prices (a whole day's moves, in that many steps), the gaps and outages of a scenario, CME's
sessions and the venue's own funding times. What does not, because it is agreed between a client's clock and a
venue's: times on the wire, the life of signatures and of orders, the dead man's switch, rate limits, bans,
latencies, how often the broker refreshes an account. Contracts end when they end: nothing expires early.
"""

from dataclasses import dataclass
from datetime import datetime

from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.sessions import Session, Sessions


@dataclass(frozen=True, slots=True)
class Calendar:
    """At ``began``, by the clock, it is ``starts`` at the market; ``speed`` of its seconds pass in one."""

    began: datetime
    starts: datetime
    speed: int = 1

    def at(self, now: datetime) -> datetime:
        """Return the market's time at ``now``."""
        return self.starts + (now - self.began) * self.speed

    def when(self, moment: datetime) -> datetime:
        """Return when, by the clock, the market's time is ``moment``."""
        return self.began + (moment - self.starts) / self.speed

    def sessions(self, sessions: Sessions) -> Sessions:
        """Return the market's sessions by the clock."""
        if sessions.intervals is None:
            return sessions
        return Sessions.of(Session(self.when(one.opens), self.when(one.closes)) for one in sessions.intervals)

    def funding(self, schedule: FundingSchedule) -> FundingSchedule:
        """Return the market's funding times by the clock."""
        first = self.when(schedule.next_after(self.starts))
        return FundingSchedule.through(first, schedule.rate, schedule.interval / self.speed)
