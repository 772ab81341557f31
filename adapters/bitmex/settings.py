"""How to reach one BitMEX account, and how hard to lean on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.venue import IndexRole


@dataclass(frozen=True, slots=True)
class BitmexSettings:
    """Where BitMEX is, who we are there, and our timing. All durations are seconds.

    ``base_url``: scheme and host, no path (https://testnet.bitmex.com). ``ws_url``: the whole address
    (wss://ws.testnet.bitmex.com/realtime). ``signature_life``: how long after signing the venue may still
    accept a request; one that lingers in the network longer than this can no longer become an order.

    ``requests_per_minute`` and ``orders_per_second`` are this process's share of the venue's 120 and 10: the rest
    is left to the flatten command, a process of its own. Of our share the last ``kept_for_cancels`` tokens are
    spent on cancels only, and of the minute's the next ``kept_for_orders`` never on questions. ``order_wait``
    is how long an order may wait for its token before it is throttled (longer than the venue wants to be left
    alone after a 503), ``question_wait`` how long a question may.

    ``cross_only``: refuse to connect while a contract's margin is isolated; an emergency cannot be so choosy.
    ``cancels_only``: a key that may cancel and not order will do.
    ``indices``: the venue's index symbols to be told of.

    Raises ValueError for what cannot work.
    """

    base_url: str
    ws_url: str
    api_key: str
    api_secret: str = field(repr=False)
    name: str = "bitmex"
    request_timeout: float = 5.0
    signature_life: int = 15
    connect_timeout: float = 10.0
    ping_after: float = 5.0
    pong_within: float = 5.0
    reconnect_first: float = 0.25
    reconnect_at_most: float = 15.0
    stable_after: float = 10.0
    attempts: int = 3
    retry_wait: float = 0.5
    requests_per_minute: int = 110
    orders_per_second: int = 8
    kept_for_cancels: int = 2
    kept_for_orders: int = 20
    order_wait: float = 0.6
    question_wait: float = 15.0
    cross_only: bool = True
    cancels_only: bool = False
    indices: Mapping[IndexRole, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, schemes in (("base_url", ("http://", "https://")), ("ws_url", ("ws://", "wss://"))):
            if not getattr(self, name).startswith(schemes):
                raise ValueError(f"{name} must start with {' or '.join(schemes)}: {getattr(self, name)!r}")
        if "/" in self.base_url.split("://", 1)[1]:
            raise ValueError(f"base_url must be scheme and host, without a path: {self.base_url!r}")
        for name in ("name", "api_key", "api_secret"):
            if not getattr(self, name):
                raise ValueError(f"{name} must not be empty")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        for name in ("kept_for_cancels", "kept_for_orders", "order_wait"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)}")
        if self.kept_for_cancels >= self.orders_per_second:
            raise ValueError("kept_for_cancels leaves no order a second")
        if self.kept_for_cancels + self.kept_for_orders >= self.requests_per_minute:
            raise ValueError("kept_for_cancels and kept_for_orders leave no question")

    @property
    def is_encrypted(self) -> bool:
        return self.base_url.startswith("https://")


_POSITIVE = (
    "request_timeout",
    "signature_life",
    "connect_timeout",
    "ping_after",
    "pong_within",
    "reconnect_first",
    "reconnect_at_most",
    "stable_after",
    "attempts",
    "retry_wait",
    "requests_per_minute",
    "orders_per_second",
    "question_wait",
)
