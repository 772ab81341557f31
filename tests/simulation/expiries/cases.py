"""What is run through an expiry: which month, which way round, which inverse contract, what is wanted, who answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adapters.simulator.exchange.catalog import mbt, xbt_future, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from bot.model.automation import AtExpiry
from risk.direction import Direction

Month = tuple[int, int]
DECEMBER, JANUARY, MARCH = (2026, 12), (2027, 1), (2027, 3)
NEXT: dict[Month, Month] = {DECEMBER: MARCH, JANUARY: MARCH, MARCH: (2027, 6)}


class Who(StrEnum):
    """STANDING: everybody sleeps, and standing approvals answer. NOBODY: nor is there one of these."""

    STANDING = "standing"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Case:
    """``dated``: the inverse leg is the future of the same month, not the perpetual. ``next_month``: the profile names
    the month after it."""

    month: Month
    direction: Direction
    dated: bool
    what: AtExpiry
    who: Who = Who.STANDING
    next_month: bool = True

    @property
    def inverse(self) -> list[ContractSpec]:
        if not self.dated:
            return [xbtusd()]
        return [xbt_future(*month) for month in self._months]

    @property
    def linear(self) -> list[ContractSpec]:
        return [mbt(*month) for month in self._months]

    @property
    def _months(self) -> list[Month]:
        return [self.month, NEXT[self.month]] if self.next_month else [self.month]

    @property
    def ends(self) -> list[datetime]:
        """When the contracts of the first month end, the first first."""
        return sorted(each.expiry for each in (self.inverse[0], self.linear[0]) if each.expiry is not None)

    def __str__(self) -> str:
        beside = "" if self.next_month else ", no next month"
        return (
            f"{self.inverse[0].symbol} against {self.linear[0].symbol}, {self.direction}, {self.what}, "
            f"{self.who}{beside}"
        )


def cases() -> Iterator[Case]:
    """Both months, both spreads, perpetual and dated, rolled and held to settlement; an ordinary month beside them;
    what is taken down, and what becomes of it all when nobody answers."""
    for month in (DECEMBER, MARCH):
        for direction in Direction:
            for dated in (False, True):
                for what in (AtExpiry.ROLL, AtExpiry.SETTLE):
                    yield Case(month, direction, dated, what)
    for direction in Direction:
        for what in (AtExpiry.ROLL, AtExpiry.SETTLE):
            yield Case(JANUARY, direction, dated=True, what=what)
        for dated in (False, True):
            yield Case(DECEMBER, direction, dated, AtExpiry.CLOSE)
            yield Case(DECEMBER, direction, dated, AtExpiry.SETTLE, next_month=False)
            yield Case(DECEMBER, direction, dated, AtExpiry.CLOSE, Who.NOBODY)
