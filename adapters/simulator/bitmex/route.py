"""One REST route: who may call it, how it is rate-limited, what answers it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.simulator.bitmex.auth import Permission
from adapters.simulator.bitmex.params import Params

Routes = dict[tuple[str, str], "Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """``second_layer``: also limited by the second. ``exempt``: a cancel, never refused for the minute's limit.

    ``acts``: reaches the matching engine, so it meets the venue's latency. ``places``: a new order.
    """

    answer: Callable[[Params], Any]
    private: bool = True
    permission: Permission | None = None
    second_layer: bool = False
    exempt: bool = False
    acts: bool = False
    places: bool = False
