"""The venue's two layers of rate limits, as token buckets that refill continuously, and its bans."""

import math
from collections import deque
from dataclasses import dataclass

from adapters.clock import Clock
from adapters.simulator.bitmex.errors import ApiError

_BAN_WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a minute (signed, and unsigned), and requests a second on order and position routes.

    ``connections_per_hour``: websockets opened. Who is refused ``ban_after`` times in a minute is banned for
    ``ban_seconds``: the venue bans for an hour after "a large number" of refusals "in a short period".
    """

    per_minute: int = 120
    per_minute_unsigned: int = 30
    per_second: int = 10
    connections_per_hour: int = 720
    ban_after: int = 60
    ban_seconds: float = 3600.0


class TokenBucket:
    """Holds at most ``capacity`` tokens and regains that many in ``period`` seconds."""

    def __init__(self, clock: Clock, capacity: int, period: float) -> None:
        self._clock = clock
        self.capacity = capacity
        self._rate = capacity / period
        self._tokens = float(capacity)
        self._at = clock.monotonic()

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(float(self.capacity), self._tokens + (now - self._at) * self._rate)
        self._at = now

    def drain(self) -> None:
        """Take all there is."""
        self._refill()
        self._tokens = 0.0

    def take(self, *, force: bool = False) -> bool:
        """Take one token; ``force`` counts the request but never refuses it (down to none left)."""
        self._refill()
        if self._tokens < 1 and not force:
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    @property
    def remaining(self) -> int:
        self._refill()
        return int(self._tokens)

    @property
    def wait(self) -> float:
        """Return the seconds until one token is there."""
        self._refill()
        return max(0.0, (1 - self._tokens) / self._rate)


class RateLimiter:
    """Counts requests; hands out the headers every answer carries; bans who will not hear."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._connections = TokenBucket(clock, limits.connections_per_hour, 3600)
        self._refusals: deque[float] = deque(maxlen=limits.ban_after)
        self._banned_until = float("-inf")
        self._signed = TokenBucket(clock, limits.per_minute, 60)
        self._unsigned = TokenBucket(clock, limits.per_minute_unsigned, 60)
        self._second = TokenBucket(clock, limits.per_second, 1)

    @property
    def connections_left(self) -> int:
        return self._connections.remaining

    def ban(self, seconds: float) -> None:
        """Refuse everything for so long."""
        self._banned_until = self._clock.monotonic() + seconds

    def check_ban(self) -> None:
        """Raise ApiError 403 while the caller is banned; cancels are no exception."""
        if self._clock.monotonic() < self._banned_until:
            raise ApiError(403, "Forbidden")

    def connect(self) -> None:
        """Count a websocket being opened. Raises ApiError 403 (banned) or 429."""
        self.check_ban()
        if not self._connections.take():
            raise self._refused(self._connections, second_layer=False)

    def drain(self) -> None:
        """Let another program have spent the requests of this second."""
        self._second.drain()

    def admit(self, *, signed: bool, second_layer: bool, exempt: bool) -> dict[str, str]:
        """Count one request and return its headers; raise ApiError 429 if a bucket is empty.

        ``exempt`` routes (cancels) count against the minute but are not refused for it.
        """
        minute = self._signed if signed else self._unsigned
        if not minute.take(force=exempt):
            raise self._refused(minute, second_layer)
        if second_layer and not self._second.take():
            raise self._refused(self._second, second_layer)
        return self._headers(minute, second_layer, 0.0)

    def _refused(self, bucket: TokenBucket, second_layer: bool) -> ApiError:
        now = self._clock.monotonic()
        self._refusals.append(now)
        if len(self._refusals) == self._refusals.maxlen and now - self._refusals[0] < _BAN_WINDOW:
            self.ban(self._limits.ban_seconds)
        minute = self._signed if bucket is self._second else bucket
        seconds = max(1, math.ceil(bucket.wait))
        headers = self._headers(minute, second_layer, bucket.wait)
        headers["retry-after"] = str(seconds)
        message = f"Rate limit exceeded, retry in {seconds} seconds."
        return ApiError(429, message, "RateLimitError", headers)

    def _headers(self, minute: TokenBucket, second_layer: bool, wait: float) -> dict[str, str]:
        headers = {
            "x-ratelimit-limit": str(minute.capacity),
            "x-ratelimit-remaining": str(minute.remaining),
            "x-ratelimit-reset": str(math.ceil(self._clock.now().timestamp() + wait)),
        }
        if second_layer:
            headers["x-ratelimit-remaining-1s"] = str(self._second.remaining)
        return headers
