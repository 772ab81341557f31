"""The lives that are cut short: between them everything a bot does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.model.ids import Role, parse_client_order_id
from bot.model.plans import PlanKind
from risk.orders import OrderRequest
from tests.crash.ports import Trouble
from tests.crash.world import UNIT, Books, Stage, World, flatten, trading
from tests.unit.bot.desk import LONG, SHORT, D

Misfortune = Callable[[], Callable[[OrderRequest], str]]


@dataclass(frozen=True)
class Life:
    """``wallet``: XBT at the inverse venue, in units. ``troubles``: made anew for each run."""

    name: str
    stages: Sequence[Stage]
    wallet: int = UNIT // 2
    books: Books = field(default_factory=Books)
    troubles: Misfortune = lambda: lambda _: ""

    def world(self, folder: Path) -> World:
        made = World(folder, self.wallet, self.books)
        made.wires.trouble = self.troubles()
        return made


def _close(plan_id: str, **changes: object) -> dict[str, object]:
    return {"plan_id": plan_id, "kind": PlanKind.CLOSE, "size_xbt": None, "collateral": True, **changes}


def _hedges(*fates: str) -> Misfortune:
    """The hedges of the first plan meet these fates, one after the other; later ones meet none."""

    def fresh() -> Callable[[OrderRequest], str]:
        left = list(fates)

        def trouble(request: OrderRequest) -> str:
            parsed = parse_client_order_id(request.client_order_id)
            if parsed is None or parsed[0].role is not Role.HEDGE or not left:
                return ""
            return left.pop(0)

        return trouble

    return fresh


LIVES = (
    Life(
        "long-inverse, two tranches with collateral, partial fills, and closed",
        (
            trading(
                {
                    "plan_id": "open1",
                    "size_xbt": D("0.8"),
                    "tranches": 2,
                    "collateral": True,
                    "direction": LONG,
                },
                _close("close1", direction=LONG),
            ),
        ),
    ),
    Life(
        "short-inverse with collateral, hedges filled in part, and closed",
        (
            trading(
                {"plan_id": "open2", "size_xbt": D("0.5"), "collateral": True, "direction": SHORT},
                _close("close2", direction=SHORT, tranches=2),
            ),
        ),
        books=Books(inverse=(6_000, 5_000)),
    ),
    Life(
        "hedges without an answer, arrived and lost",
        (
            trading(
                {"plan_id": "open3", "size_xbt": D("0.5"), "direction": LONG},
                _close("close3", direction=LONG),
            ),
        ),
        troubles=_hedges("", Trouble.MUTE, Trouble.LOST),
    ),
    Life(
        "hedges refused until the working leg is unwound",
        (
            trading(
                {"plan_id": "open4", "size_xbt": D("0.4"), "direction": LONG},
                _close("close4", direction=LONG),
            ),
        ),
        troubles=_hedges("", *[Trouble.REFUSED] * 12),
    ),
    Life(
        "flattened by the emergency command, and traded again",
        (
            trading({"plan_id": "open5", "size_xbt": D("0.5"), "direction": LONG}),
            flatten,
            trading(
                {"plan_id": "open6", "size_xbt": D("0.2"), "direction": LONG},
                _close("close6", direction=LONG),
            ),
        ),
    ),
)
