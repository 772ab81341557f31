"""What the adapter needs to know before it can connect. Seconds throughout."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.venue import IndexRole

FRONT = "front"


@dataclass(frozen=True, slots=True)
class ContractSettings:
    """How one of our symbols is found at the broker, and what it must turn out to be.

    ``ib_symbol``: the broker's symbol (``MBT``; ``BRR`` for CME's 5 XBT contract). ``expiry``: YYYYMM,
    YYYYMMDD, or ``FRONT`` for the nearest month the broker lists. ``multiplier``: XBT per contract,
    ``min_tick``: USD per XBT; both are held against what the broker states. ``settles_at``: hour of the final
    settlement in ``settlement_zone``.
    """

    ib_symbol: str
    trading_class: str
    expiry: str
    multiplier: Decimal
    min_tick: Decimal
    exchange: str = "CME"
    currency: str = "USD"
    settles_at: int = 16
    settlement_zone: str = "Europe/London"

    def __post_init__(self) -> None:
        if self.expiry != FRONT and not re.fullmatch(r"\d{6}(\d{2})?", self.expiry):
            raise ValueError(f"an expiry is written YYYYMM, YYYYMMDD or {FRONT!r}, not {self.expiry!r}")
        if not (self.multiplier > 0 and self.min_tick > 0):
            raise ValueError(f"{self.ib_symbol}: multiplier and min_tick must be positive")
        if not 0 <= self.settles_at <= 23:
            raise ValueError(f"settles_at is an hour of the day, not {self.settles_at}")
        _known_zone(self.settlement_zone)


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is found at the broker (type IND): ``BRTI``, the price of the moment; ``BRR``, once a day."""

    ib_symbol: str
    exchange: str = "CME"
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class IbkrSettings:
    """One login at TWS or IB Gateway.

    ``contracts``: our symbol → the broker's contract. ``order_timeout``: how long ``submit`` waits for a
    first word. ``heartbeat``: pause between two questions for the time, each answered within
    ``heartbeat_timeout``; each answer confirms the quotes, so it is to be well below the age at which a quote
    counts as old. ``backoff_first`` doubles up to ``backoff_max``. ``recheck``: pause before a cancel
    the open orders contradict is asked about again. ``hours_every``: pause between two questions for the trading
    hours. ``gateway_timezone``: zone of times the gateway sends without one. ``indices``: what is asked for beside
    the contracts, and needed by none of them.
    """

    host: str
    port: int
    client_id: int
    account: str
    contracts: Mapping[str, ContractSettings]
    name: str = "cme"
    connect_timeout: float = 10.0
    question_timeout: float = 10.0
    order_timeout: float = 5.0
    heartbeat: float = 1.0
    heartbeat_timeout: float = 5.0
    backoff_first: float = 0.5
    backoff_max: float = 30.0
    first_quote_timeout: float = 3.0
    commission_grace: float = 1.0
    recheck: float = 1.0
    hours_every: float = 900.0
    gateway_timezone: str = "UTC"
    indices: Mapping[IndexRole, IndexSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.host and self.account and self.name):
            raise ValueError("host, account and name must not be empty")
        if not 0 < self.port < 65536:
            raise ValueError(f"a port lies between 1 and 65535, not {self.port}")
        if self.client_id < 0:
            raise ValueError(f"a client id must not be negative: {self.client_id}")
        for name in _DURATIONS:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be a positive number of seconds")
        _known_zone(self.gateway_timezone)


_DURATIONS = (
    "connect_timeout",
    "question_timeout",
    "order_timeout",
    "heartbeat",
    "heartbeat_timeout",
    "backoff_first",
    "backoff_max",
    "first_quote_timeout",
    "commission_grace",
    "recheck",
    "hours_every",
)


def _known_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"not a time zone: {name!r}") from error
