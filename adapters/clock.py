"""Where time and ids come from. Nothing else in the project reads the machine's clock or randomness."""

import secrets
import time
from datetime import UTC, datetime
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean anything."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class IdSource(Protocol):
    def new(self) -> str:
        """Return a short id (8 characters of Crockford base 32), not used before."""
        ...


class RandomIds:
    """Ids of 40 random bits: short enough for a client order id, unique enough for one account's life."""

    def new(self) -> str:
        number = secrets.randbits(40)
        return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5))
