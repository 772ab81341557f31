"""Whose contracts a position is made of: what was opened first is closed first."""

from collections import deque
from dataclasses import dataclass

from risk.instruments import InstrumentId


@dataclass(slots=True)
class _Lot:
    owner: str | None
    contracts: int


class Ownership:
    """Shares of each position by plan (None: of no plan), so that its funding can be told by plan too."""

    def __init__(self) -> None:
        self._lots: dict[InstrumentId, deque[_Lot]] = {}
        self._held: dict[InstrumentId, int] = {}

    def moves_to(self, instrument: InstrumentId, contracts: int, owner: str | None) -> None:
        """Take a position's new size (signed); the difference is ``owner``'s."""
        change = contracts - self._held.get(instrument, 0)
        self._held[instrument] = contracts
        lots = self._lots.setdefault(instrument, deque())
        while change and lots and lots[0].contracts * change < 0:
            closing = min(abs(change), abs(lots[0].contracts))
            sign = 1 if change > 0 else -1
            lots[0].contracts += sign * closing
            change -= sign * closing
            if lots[0].contracts == 0:
                lots.popleft()
        if change:
            lots.append(_Lot(owner, change))

    def split(self, instrument: InstrumentId, units: int) -> dict[str | None, int]:
        """Share ``units`` out by contracts held; the shares add up to it exactly."""
        lots = self._lots.get(instrument)
        if not lots:
            return {None: units}
        whole, part, given = sum(abs(lot.contracts) for lot in lots), 0, 0
        shares: dict[str | None, int] = {}
        for lot in lots:
            part += abs(lot.contracts)
            upto = units * part // whole
            shares[lot.owner] = shares.get(lot.owner, 0) + upto - given
            given = upto
        return shares
