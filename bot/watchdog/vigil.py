"""When the bot's silence counts. Pure: (when we looked, whether it was heard) → how long it has been silent."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Vigil:
    """``limit``: seconds of silence that are too many. ``since``: when it was last heard, or the count began;
    ``looked``: when we last looked (both monotonic seconds)."""

    limit: float
    since: float
    looked: float

    def look(self, now: float, *, heard: bool) -> "Vigil":
        """Count one more look.

        Time in which we did not look ourselves (this machine slept, or was too busy) is no silence of the bot's: after
        such a gap the count begins anew.
        """
        slept = now - self.looked > self.limit / 2
        return replace(self, since=now if heard or slept else self.since, looked=now)

    @property
    def silent_for(self) -> float:
        return self.looked - self.since

    @property
    def is_over(self) -> bool:
        """Say whether the bot has been silent for too long, by looks alone: time does not pass unlooked at."""
        return self.silent_for >= self.limit
