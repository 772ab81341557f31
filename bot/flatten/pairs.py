"""What is closed next, so that the legs stay matched: a clip off both, or one leg where the other cannot follow."""

import asyncio
from decimal import Decimal

from bot.flatten.desk import Desk
from bot.flatten.side import VenueSide
from bot.flatten.voice import Voice, clock
from risk.orders import Side
from risk.sizing import paired_reduction

# One round takes at most this off, or one linear contract where that is larger: the legs are never further apart.
CLIP_XBT = Decimal(1)
# How many orders in a row match one clip, while each of them fills something.
MATCHING = 10


class Pairs:
    """The two legs of a pair on their way out."""

    def __init__(
        self, inverse: VenueSide, linear: VenueSide, desk: Desk, voice: Voice, *, strip_hedge: bool
    ) -> None:
        self._inverse = inverse
        self._linear = linear
        self._desk = desk
        self._voice = voice
        self._strip = strip_hedge

    async def reduce(self) -> None:
        """Take one clip off both legs; where that cannot be, leave one leg alone rather than the other naked."""
        inverse, linear = self._inverse, self._linear
        price = inverse.price
        if self._strip:
            await self._close_unpaired(inverse, linear)
            return
        if inverse.excess is None or linear.excess is None:
            if inverse.excess is not None and price is not None:
                await self._match(price)
            silent = inverse if inverse.excess is None else linear
            self._voice.once(
                f"{silent.venue.name} does not say what it holds: the other leg stays, for it may be its hedge "
                "(--strip-hedge closes it alone)"
            )
            return
        if linear.is_between:
            if price is not None:
                await self._match(price)
            return  # the rest of the inverse leg is the other month's
        if inverse.is_between:
            return  # and this the other way round: the linear leg hedges what is not turned to yet
        if inverse.excess * linear.excess >= 0:
            await self._close_unpaired(inverse, linear)
            return
        if price is None or inverse.instrument is None or linear.instrument is None:
            self._voice.once(f"{inverse.instrument_id}: no price to match the legs by; waiting")
            return
        if self._owed(price):
            await self._match(price)
            return
        if linear.is_closed:
            self.explain_wait()
            return
        clip = max(CLIP_XBT, linear.instrument.granule(price))
        pair = paired_reduction(
            inverse.instrument, inverse.excess, linear.instrument, linear.excess, clip, price
        )
        if not pair.linear:
            # The inverse leg is too small for any linear contract. It hedges part of what is there: it goes last.
            await self._close_unpaired(linear)
        elif self._desk.taking(inverse, Side.SELL if pair.inverse < 0 else Side.BUY):
            # The leg that may be closed goes first: if it cannot trade, the other keeps hedging it.
            await self._desk.send(linear, pair.linear, price)
            await self._match(price)

    @property
    def waits(self) -> bool:
        """Say whether all is done that can be before the linear market opens."""
        inverse, linear = self._inverse, self._linear
        if self._strip or not linear.is_closed or not linear.excess or inverse.excess is None:
            return False
        if (
            linear.is_between
            or inverse.live
            or linear.live
            or inverse.is_catching_up
            or linear.is_catching_up
        ):
            return False
        if inverse.excess * linear.excess >= 0:
            return inverse.excess == 0
        return not self._desk.traded_xbt or (inverse.price is not None and not self._owed(inverse.price))

    def explain_wait(self) -> None:
        self._voice.once(
            f"{self._linear.venue.name} is closed until {clock(self._linear.opens)}. What is held at "
            f"{self._inverse.venue.name} stays: it is the other leg's hedge (--strip-hedge closes it alone)"
        )

    @property
    def unmatched(self) -> Decimal:
        """XBT by which the linear leg has been closed further than the inverse one could follow (bought > 0)."""
        price = self._inverse.price
        return self._desk.traded_xbt if price is not None and self._owed(price) else Decimal(0)

    async def _close_unpaired(self, *sides: VenueSide) -> None:
        """Close each of ``sides`` by itself; nothing that fills is for the inverse leg to follow."""
        await asyncio.gather(*(self._close_alone(side) for side in sides))
        self._desk.traded_xbt = Decimal(0)

    async def _close_alone(self, side: VenueSide) -> None:
        price = self._inverse.price or side.price
        if side.excess and price is None:
            self._voice.once(f"{side.instrument_id}: no price to value it by; waiting")
        elif side.excess and price is not None:
            await self._desk.send(side, -side.excess, price)

    def _owed(self, price: Decimal) -> int:
        """Return the inverse contracts, signed, that match what the linear leg is ahead by; 0 if none can."""
        inverse, ahead = self._inverse, self._desk.traded_xbt
        if inverse.instrument is None or not inverse.excess or ahead * inverse.excess <= 0:
            return 0
        contracts = min(inverse.instrument.contracts_for(abs(ahead), price), abs(inverse.excess))
        return -contracts if ahead > 0 else contracts

    async def _match(self, price: Decimal) -> None:
        """Have the inverse leg follow the linear one, in as many orders as fill."""
        for _ in range(MATCHING):
            owed, before = self._owed(price), self._desk.traded_xbt
            if not owed:
                return
            # A fill is in the arithmetic before it is in the positions, and this venue cannot be turned around.
            await self._desk.send(self._inverse, owed, price)
            if self._desk.traded_xbt == before:
                break
        if self._owed(price):
            self._voice.once(
                f"{self._inverse.venue.name} does not follow: {self._desk.traded_xbt:+.4f} XBT closed at "
                f"{self._linear.venue.name} is unmatched; nothing more is closed there before it is"
            )
