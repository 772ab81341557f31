"""Ids of orders, executions and cash entries: seeded, and different again after a restart."""

import random
import uuid
from datetime import datetime

from adapters.simulator.exchange.contract import ContractKind


class VenueIds:
    """Numbers rise from the start time in seconds, so those of a later run lie above those of an earlier one.

    The inverse venue's text ids look like UUIDs; the linear broker's are the number itself (permId) and
    ``prefix.number.01.01`` for executions, whose last part counts corrections.
    """

    def __init__(self, kind: ContractKind, seed: int, started_at: datetime) -> None:
        self._kind = kind
        start = int(started_at.timestamp())
        self._random = random.Random(f"{kind}:{seed}:{start}")
        self._prefix = self._random.getrandbits(32)
        self._orders = start
        self._executions = start

    def order(self) -> tuple[str, int]:
        self._orders += 1
        return (self._uuid() if self._kind is ContractKind.INVERSE else str(self._orders)), self._orders

    def execution(self) -> tuple[str, int]:
        self._executions += 1
        if self._kind is ContractKind.INVERSE:
            return self._uuid(), self._executions
        return f"{self._prefix:08x}.{self._executions:08x}.01.01", self._executions

    def correction(self, first: str, revision: int) -> tuple[str, int]:
        """Return the id of a restated execution; the broker's is the first one's with the revision for its end."""
        exec_id, number = self.execution()
        if self._kind is ContractKind.INVERSE:
            return exec_id, number
        return f"{first.rpartition('.')[0]}.{revision:02d}", number

    def entry(self) -> str:
        return self._uuid()

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
