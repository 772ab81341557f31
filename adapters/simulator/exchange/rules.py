"""In what one venue differs from another: what it settles in, enforces, and holds."""

from dataclasses import dataclass, field

from adapters.simulator.exchange.contract import ContractKind
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions


@dataclass(frozen=True, slots=True)
class VenueRules:
    """``hold_when_closed``: keep GTC and GTD orders sent to a closed session until it opens, else refuse.

    ``liquidates``: close positions of accounts without the margin for them. False lets a test see what would be.
    """

    kind: ContractKind
    unique_client_ids: bool
    post_only: bool
    reduce_only: bool
    dead_mans_switch: bool
    hold_when_closed: bool
    liquidates: bool = True
    sessions: Sessions = field(default=ALWAYS_OPEN)

    @property
    def currency(self) -> str:
        return "XBT" if self.kind is ContractKind.INVERSE else "USD"


INVERSE_RULES = VenueRules(
    kind=ContractKind.INVERSE,
    unique_client_ids=True,
    post_only=True,
    reduce_only=True,
    dead_mans_switch=True,
    hold_when_closed=False,
)
LINEAR_RULES = VenueRules(
    kind=ContractKind.LINEAR,
    unique_client_ids=False,
    post_only=False,
    reduce_only=False,
    dead_mans_switch=False,
    hold_when_closed=True,
)
