"""Names that are derived, not drawn, so that a restart finds them again.

A client order id is ``plan-TTr-NNN``: plan id, tranche (two digits), role letter, attempt (three digits),
for example ``k7f3q2ab-01w-003``. At most 36 characters, unique per account because plan ids are.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

FLATTEN_PREFIX = "flat"
MOST_ATTEMPTS = 999
# So many hedges may go out before the disk knows of the first of them: a restart asks about as many ids.
UNWRITTEN_HEDGES = 5
_PLAN_ID = re.compile(r"[0-9a-z]{1,12}")
_LEG = re.compile(rf"({_PLAN_ID.pattern})-(\d{{2}})([whs])", re.ASCII)
_ORDER_ID = re.compile(rf"{_LEG.pattern}-(\d{{3}})", re.ASCII)


class Role(StrEnum):
    """WORKING goes first, HEDGE answers its fills, SINGLE stands alone (collateral hedge, remainders, protective
    stops)."""

    WORKING = "w"
    HEDGE = "h"
    SINGLE = "s"

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def leads(self) -> bool:
        """Say whether a leg of this role starts exposure: it goes first, or alone."""
        return self is not Role.HEDGE


@dataclass(frozen=True, slots=True, order=True)
class LegKey:
    """One leg of one tranche; its text is also the ticket's id."""

    plan_id: str
    tranche: int
    role: Role

    def __str__(self) -> str:
        return f"{self.plan_id}-{self.tranche:02d}{self.role}"

    def client_order_id(self, attempt: int) -> str:
        if not 1 <= attempt <= MOST_ATTEMPTS:
            raise ValueError(f"attempts run from 1 to {MOST_ATTEMPTS}, not {attempt}")
        return f"{self}-{attempt:03d}"


def is_plan_id(text: str) -> bool:
    """Say whether order ids derived from this plan id can be read back."""
    return _PLAN_ID.fullmatch(text) is not None


def parse_leg(text: str) -> LegKey | None:
    """Return the leg a ticket's id names, None if it names none."""
    match = _LEG.fullmatch(text)
    return None if match is None else LegKey(match[1], int(match[2]), Role(match[3]))


def parse_client_order_id(text: str) -> tuple[LegKey, int] | None:
    """Return leg and attempt of one of our client order ids, None if it is not one of a plan's."""
    match = _ORDER_ID.fullmatch(text)
    if match is None:
        return None
    plan_id, tranche, role, attempt = match.groups()
    return LegKey(plan_id, int(tranche), Role(role)), int(attempt)
