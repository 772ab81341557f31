"""Execution accounting: each execution once, a correction in place of what it corrects.

An execution id ends in a counter of corrections: ``0000e1a7.5c46793a.01.02`` replaces ``…01.01``. Clients
that add both up see 8 contracts of 5. So identity is the stem, and the highest suffix wins. How this API shows a bust
is not documented; we take a correction to no contracts, or to fewer than none, for one.
"""

from dataclasses import dataclass
from datetime import datetime

from risk.orders import Bust, CommissionReport, Fill


def split_execution_id(text: str) -> tuple[str, int]:
    """Return stem and correction number; an id without a numeric last part is its own stem, number 0."""
    stem, dot, suffix = text.rpartition(".")
    if dot and stem and suffix.isdigit():
        return stem, int(suffix)
    return text, 0


@dataclass(slots=True)
class Booked:
    """One execution as it stands; its ``execution_id`` is the stem. ``told``: the sink has it."""

    word: Fill | Bust
    perm_id: int
    revision: int
    told: bool = False
    fee: CommissionReport | None = None
    fee_revision: int = -1

    @property
    def quantity(self) -> int:
        return self.word.quantity if isinstance(self.word, Fill) else 0

    @property
    def awaits_fee(self) -> bool:
        """Say whether the fee of this revision is still to come: a corrected execution is charged anew."""
        return isinstance(self.word, Fill) and self.fee_revision < self.revision


class ExecutionBook:
    def __init__(self) -> None:
        self._by_stem: dict[str, Booked] = {}
        self._by_order: dict[int, set[str]] = {}

    def note(self, word: Fill | Bust, perm_id: int, revision: int) -> Booked | None:
        """Book an execution; return it if it is new or corrects what was known, None if it is neither."""
        known = self._by_stem.get(word.execution_id)
        if known is not None and known.revision >= revision:
            return None
        booked = Booked(word, perm_id, revision)
        if known is not None:
            booked.told, booked.fee, booked.fee_revision = known.told, known.fee, known.fee_revision
        self._by_stem[word.execution_id] = booked
        self._by_order.setdefault(perm_id, set()).add(word.execution_id)
        return booked

    def get(self, stem: str) -> Booked | None:
        return self._by_stem.get(stem)

    def filled(self, perm_id: int) -> int:
        """Return how many contracts of an order have been executed, corrections in place."""
        return sum(self._by_stem[stem].quantity for stem in self._by_order.get(perm_id, ()))

    def is_corrected(self, perm_id: int) -> bool:
        return any(self._by_stem[stem].revision > 1 for stem in self._by_order.get(perm_id, ()))

    def of_client_order(self, client_order_id: str) -> list[Booked]:
        return [b for b in self._by_stem.values() if b.word.client_order_id == client_order_id]

    def since(self, start: datetime) -> list[Booked]:
        """Return executions from ``start`` on, oldest first. The broker tells whole seconds, cut off.

        Corrected ones are among them whatever their time: the broker does not tell when it corrected them.
        """
        start = start.replace(microsecond=0)
        found = [b for b in self._by_stem.values() if b.word.at >= start or b.revision > 1]
        return sorted(found, key=lambda b: b.word.at)  # stable: as told within one second

    def forget_before(self, start: datetime) -> None:
        """Drop what the broker no longer lists, so that the book does not grow for ever."""
        for stem in [stem for stem, booked in self._by_stem.items() if booked.word.at < start]:
            booked = self._by_stem.pop(stem)
            stems = self._by_order[booked.perm_id]
            stems.discard(stem)
            if not stems:
                del self._by_order[booked.perm_id]
