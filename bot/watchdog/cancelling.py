"""The bot's working orders at both venues: cancelled, and confirmed by what the venues list afterwards.

Only orders that carry an id of the bot's, in the profile's contracts. Protective stops stay, and what others sent is
left alone (unless ``global_cancel`` is allowed). A bot that lives takes it as any cancel that it did not ask for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from adapters.clock import Clock
from bot.flatten.options import LANDING
from bot.flatten.side import VenueSide, name_of
from bot.flatten.voice import Voice
from bot.model.ids import parse_client_order_id
from risk.instruments import InstrumentId
from risk.orders import OrderUpdate

# What rests at a venue where only its sender can cancel it ends by itself within a minute (``limits.rest_seconds``).
WITHIN = 75.0
PAUSE = 0.5
MOST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """``gone``: orders of the bot's that were there and are not any more. ``left``: that still are. ``unseen``: the
    words of venues that do not answer. ``others``, ``stops``: what was left alone. ``holds``: contracts, None where
    the venue does not say."""

    gone: tuple[str, ...]
    left: tuple[str, ...]
    unseen: tuple[str, ...]
    others: tuple[str, ...]
    stops: tuple[str, ...]
    holds: tuple[tuple[InstrumentId, int | None], ...]

    @property
    def is_clear(self) -> bool:
        return not self.left and not self.unseen

    def __str__(self) -> str:
        parts = [
            f"cancelled {', '.join(self.gone)}" if self.gone else "",
            f"STILL THERE: {', '.join(self.left)}" if self.left else "",
            *self.unseen,
            "" if not self.is_clear else "no working order of the bot's is left",
            f"protective stops kept: {', '.join(self.stops)}" if self.stops else "",
            f"left alone, not the bot's: {', '.join(self.others)}" if self.others else "",
            "held: " + ", ".join(f"{key} {_signed(held)}" for key, held in self.holds),
        ]
        return "; ".join(part for part in parts if part)


class Cancelling:
    """``global_cancel``: at the linear venue, where only the sender of an order can cancel it, every order of the
    account may be cancelled instead while one of the bot's rests there."""

    def __init__(
        self, inverse: VenueSide, linear: VenueSide, clock: Clock, voice: Voice, *, global_cancel: bool
    ) -> None:
        self._inverse = inverse
        self._linear = linear
        self._clock = clock
        self._voice = voice
        self._global = global_cancel

    async def run(
        self, called_off: Callable[[], bool], within: float = WITHIN, landing: float = LANDING
    ) -> Cancelled:
        """Cancel until nothing of the bot's is listed, for ``landing`` seconds at least: one may be on its way.

        Ends after ``within`` seconds, or once ``called_off`` says so, with what is left then.
        """
        sides = (self._inverse, self._linear)
        began = self._clock.monotonic()

        async def clear(side: VenueSide) -> set[str]:
            seen: set[str] = set()
            pause, disarmed = PAUSE, False
            while True:
                asked = await self._once(side)
                seen |= asked
                if side.contracts is not None and side.stops and not asked and not disarmed:
                    # A dead bot may have left the switch armed, and it would take the stops too.
                    disarmed = await side.disarm()
                now = self._clock.monotonic()
                settled = side.contracts is not None and not asked and now - began >= landing
                if settled or called_off() or now - began >= within:
                    return seen
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, MOST_PAUSE)

        seen = await asyncio.gather(*(clear(side) for side in sides))
        left = {side.instrument_id: [name_of(order) for order in bots(side)] for side in sides}
        there = [side for side in sides if side.contracts is not None]
        return Cancelled(
            gone=tuple(
                f"{side.instrument_id} {name}"
                for side, names in zip(sides, seen, strict=True)
                for name in sorted(names)
                if side in there and name not in left[side.instrument_id]
            ),
            left=tuple(f"{side.instrument_id} {name}" for side in there for name in left[side.instrument_id]),
            unseen=tuple(
                side.trouble or f"{side.venue.name} does not answer" for side in sides if side not in there
            ),
            others=tuple(
                f"{side.instrument_id} {name_of(order)}"
                for side in there
                for order in side.working
                if not is_bots(order)
            ),
            stops=tuple(f"{side.instrument_id} {name_of(stop)}" for side in there for stop in side.stops),
            holds=(
                *((side.instrument_id, side.contracts) for side in sides),
                *((key, held) for side in sides for key, held in side.elsewhere.items() if held),
            ),
        )

    async def _once(self, side: VenueSide) -> set[str]:
        """Look, and ask for the cancel of what is the bot's; return the names."""
        if side.instrument is None:
            await side.connect()
        await side.look()
        found = bots(side) if side.contracts is not None else []
        if found and self._global and side is self._linear and not side.stops:
            await side.cancel_all()
        elif found:
            await side.ask_cancel(found)
        return {name_of(order) for order in found}


def bots(side: VenueSide) -> list[OrderUpdate]:
    """Return the bot's working orders; a flatten's are a person's, and are not among them."""
    return [order for order in side.working if is_bots(order)]


def is_bots(order: OrderUpdate) -> bool:
    return order.client_order_id is not None and parse_client_order_id(order.client_order_id) is not None


def _signed(held: int | None) -> str:
    return "unknown" if held is None else f"{held:+,}"
