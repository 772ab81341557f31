"""What a market says of one contract at one moment, and the interface every source of prices has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.simulator.exchange.views import BookLevel


@dataclass(frozen=True, slots=True)
class MarketUpdate:
    """``index`` in cents; levels best first."""

    symbol: str
    index: int
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


class Market(Protocol):
    def step(self, now: datetime) -> Sequence[MarketUpdate]:
        """Move to ``now`` (never backwards) and return the new state of every contract that has one."""
        ...

    def gap(self, move: int) -> None:
        """Let every price jump by ``move`` ppm at the next step. Raises ScenarioError where that cannot be."""
        ...
