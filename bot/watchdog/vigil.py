"""When the bot's silence counts. Pure: (when we looked, what was heard) → how long it has been silent."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Vigil:
    """``limit``: seconds of silence that are too many. ``since``: when it was last heard, or the count began;
    ``looked``: when we last looked (both monotonic seconds). ``stands_by``: the bot has said that it ends on purpose,
    and has not been heard since: that is no silence."""

    limit: float
    since: float
    looked: float
    stands_by: bool = False

    def look(self, now: float, *, heard: bool, stopped: bool = False) -> "Vigil":
        """Count one more look. ``heard``: at work; ``stopped``: it said that it ends.

        Time in which we did not look ourselves (this machine slept, or was too busy) is no silence of the bot's: after
        such a gap the count begins anew.
        """
        slept = now - self.looked > self.limit / 2
        stands_by = stopped or (self.stands_by and not heard)
        anew = heard or slept or stands_by
        return replace(self, since=now if anew else self.since, looked=now, stands_by=stands_by)

    @property
    def silent_for(self) -> float:
        return self.looked - self.since

    @property
    def is_over(self) -> bool:
        """Say whether the bot has been silent for too long, by looks alone: time does not pass unlooked at."""
        return self.silent_for >= self.limit
