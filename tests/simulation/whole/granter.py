"""Somebody who allows things for a while in a simulated life: standing approvals, wide and narrow, and revokes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from bot.model.inputs import Command, Done, GrantStanding, RevokeStanding
from bot.orders.state import BotState
from risk.approval import Denied
from risk.direction import Direction
from risk.standing import StandingApproval, Use, scopes_for

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

D = Decimal
Say = Callable[[Command], Awaitable[Done | Denied | None]]
_NIGHT = tuple(use for use in Use if use is not Use.OPEN)


class Granter:
    def __init__(self, life: "Life", say: Say) -> None:
        self._life = life
        self._say = say
        self._random = Random(f"granter:{life.setting.seed}")
        self._count = 0

    async def act(self, state: BotState) -> None:
        """Now and then grant one, or revoke one."""
        dice, now = self._random, self._life.clock.now()
        lasting = [
            name for name, one in state.standing.items() if not one.revoked and now < one.approval.ends_at
        ]
        if len(lasting) < 2 and dice.random() < 0.25:
            await self._grant()
        elif lasting and dice.random() < 0.012:
            await self._say(RevokeStanding(dice.choice(lasting), "anna", "not any more"))

    async def _grant(self) -> None:
        dice, life = self._random, self._life
        uses = _NIGHT if dice.random() < 0.4 else tuple(use for use in Use if dice.random() < 0.5)
        total = D(dice.choice((1, 5, 30, 60)))
        daily = min(D(dice.choice((1, 5, 30, 50))), total)
        minutes = dice.choice((0.5, 2, 60, 60, 60 * 24, 60 * 24 * 40 if dice.random() < 0.2 else 60 * 24 * 3))
        price = D(life.market.prices[0]) / 100
        band = D("0.6") if dice.random() < 0.03 else D(dice.choice(("0.07", "0.2", "0.45")))
        pair = (life.inverse, life.linear)
        directions = list(Direction) if dice.random() < 0.7 else [dice.choice(list(Direction))]
        scopes = tuple(
            dict.fromkeys(
                scope
                for way in directions
                for scope in scopes_for(uses, way, *pair, either_venue=dice.random() < 0.7)
            )
        )
        if not scopes:
            return
        self._count += 1
        standing = StandingApproval(
            standing_id=f"s{self._count}",
            scopes=scopes,
            daily_xbt=daily,
            total_xbt=total,
            max_delta_xbt=min(D(dice.choice(("0.1", "0.5", "2", "30"))), daily),
            price_low=(price * (1 - band)).quantize(D("0.1")),
            price_high=(price * (1 + band)).quantize(D("0.1")),
            ends_at=life.clock.now() + timedelta(minutes=minutes),
            by="anna",
            min_basis=D(dice.choice((-200, 500))) if dice.random() < 0.15 else None,
            max_basis=D(dice.choice((900, 2000))) if dice.random() < 0.15 else None,
            max_ticket_xbt=D(dice.choice(("0.3", "1", "20"))) if dice.random() < 0.3 else None,
        )
        shown = "0" * 16 if dice.random() < 0.04 else standing.content_hash()
        await self._say(GrantStanding(standing, shown))
