"""The account's rate limits, counted here before the venue has to.

Everything in this module is arithmetic on times handed in: who must wait, does so elsewhere.
"""

from collections.abc import Mapping
from enum import Enum

from adapters.bitmex.settings import BitmexSettings

OVERLOAD_PAUSE = 0.5
"""Seconds the venue wants after "The system is currently overloaded"."""


class Priority(Enum):
    """Whose turn it is when tokens are short: cancels before orders before questions."""

    CANCEL = 0
    ORDER = 1
    QUESTION = 2


class TokenBucket:
    """Tokens that come back at a steady rate, up to ``capacity``. Times are monotonic seconds."""

    def __init__(self, capacity: int, per_second: float, now: float) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._tokens = float(capacity)
        self._at = now
        self._paused_until = float("-inf")

    def wait(self, now: float, floor: int = 0) -> float:
        """Return the seconds until one token can be taken and ``floor`` tokens stay; 0.0 if it can be now."""
        self._refill(now)
        missing = floor + 1 - self._tokens
        return max(0.0, missing / self._per_second, self._paused_until - now)

    def left(self, now: float) -> float:
        """Return what is left of it, a fraction; 0.0 while it is paused."""
        self._refill(now)
        return 0.0 if self._paused_until > now else max(self._tokens, 0.0) / self._capacity

    def take(self, now: float) -> None:
        self._refill(now)
        self._tokens -= 1

    def observe(self, now: float, remaining: int) -> None:
        """Believe the venue where it counts fewer tokens than we do (other programs spend them too)."""
        self._refill(now)
        self._tokens = min(self._tokens, float(remaining))

    def pause(self, until: float) -> None:
        self._paused_until = max(self._paused_until, until)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._at) * self._per_second)
        self._at = max(self._at, now)


class Budget:
    """Both limits of a BitMEX account: requests a minute, and orders and cancels a second."""

    def __init__(self, settings: BitmexSettings, now: float) -> None:
        self._minute = TokenBucket(settings.requests_per_minute, settings.requests_per_minute / 60, now)
        self._second = TokenBucket(settings.orders_per_second, settings.orders_per_second, now)
        self._share = settings.requests_per_minute
        self._shed_until = float("-inf")
        self._floor = {
            Priority.CANCEL: 0,
            Priority.ORDER: settings.kept_for_cancels,
            Priority.QUESTION: settings.kept_for_cancels + settings.kept_for_orders,
        }

    def consume(self, now: float, priority: Priority) -> float:
        """Take what one request costs and return 0.0, or take nothing and return the seconds to wait."""
        wait = self.wait(now, priority)
        if wait == 0.0:
            self._minute.take(now)
            if priority is not Priority.QUESTION:
                self._second.take(now)
        return wait

    def wait(self, now: float, priority: Priority) -> float:
        """Return the seconds until a request may go; 0.0 if it may now."""
        floor = self._floor[priority]
        wait = self._minute.wait(now, floor)
        if priority is not Priority.QUESTION:
            wait = max(wait, self._second.wait(now, floor))
        if priority is not Priority.CANCEL:
            wait = max(wait, self._shed_until - now)
        return wait

    def left(self, now: float) -> float:
        """Return what is left of the tighter of the two, a fraction."""
        return min(self._minute.left(now), self._second.left(now))

    def overloaded(self, now: float) -> None:
        """The venue sheds load: leave it alone for a moment, but for cancels, which it never sheds."""
        self._shed_until = now + OVERLOAD_PAUSE

    def observe(self, now: float, headers: Mapping[str, str]) -> None:
        """Learn from an answer's rate headers (names in lower case): what remains, and ``retry-after``."""
        remaining, limit = (_count(headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "limit"))
        if remaining is not None and limit is not None:
            left_to_others = max(0, limit - self._share)
            self._minute.observe(now, max(0, remaining - left_to_others))
        remaining = _count(headers.get("x-ratelimit-remaining-1s"))
        if remaining is not None:
            self._second.observe(now, remaining)
        retry_after = _count(headers.get("retry-after"))
        if retry_after is not None:
            self._minute.pause(now + retry_after)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
