"""How far a price has run of late."""

from collections import deque
from datetime import datetime, timedelta

from adapters.simulator.exchange.value import PPM

SPAN = timedelta(minutes=1)


class RunMeter:
    """Keeps the prices of the last ``SPAN``."""

    def __init__(self) -> None:
        self._prices: deque[tuple[datetime, int]] = deque()

    def note(self, price: int, now: datetime) -> None:
        self._prices.append((now, price))
        self._forget(now)

    def run(self, now: datetime) -> int:
        """Return by how much the price has moved within the span, high over low, ppm."""
        self._forget(now)
        prices = [price for _, price in self._prices]
        return (max(prices) - min(prices)) * PPM // min(prices) if prices else 0

    def _forget(self, now: datetime) -> None:
        while self._prices and self._prices[0][0] < now - SPAN:
            self._prices.popleft()
