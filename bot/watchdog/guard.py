"""The watch itself: hear the bot, and see that the venues can be seen; when it is silent for too long, act.

It acts again after every further ``limit`` of silence: what a bot that is not heard has put there meanwhile goes too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from adapters.clock import Clock
from adapters.venue import Venue
from bot.flatten.options import LANDING
from bot.flatten.side import VenueSide
from bot.flatten.voice import Voice
from bot.watchdog.cancelling import Cancelling
from bot.watchdog.hearing import Heard
from bot.watchdog.neutral import Neutral
from bot.watchdog.vigil import Vigil
from risk.instruments import InstrumentId

# A watchdog whose key no longer works must say so before it is needed.
LOOK_EVERY = 60.0
# So many looks in vain before a person is called: a link breaks and is mended every day.
BLIND_AFTER = 3
_STEP = 0.25
_STANDS_BY = (
    "the bot was stopped on purpose, with nothing in flight and nothing unhedged: its silence counts for nothing "
    "before it is heard again"
)
_WATCHES_AGAIN = "the bot runs again, and is watched again"

Hear = Callable[[], Awaitable[Heard]]
"""Asks whether the bot lives."""

MakeNeutral = Callable[[VenueSide, VenueSide, Voice], Neutral]


class Bell(Protocol):
    """Where people hear of it. Neither call waits, nor fails."""

    def alert(self, code: str, text: str) -> None: ...

    def acted(self, text: str) -> None:
        """Leave word for the bot."""
        ...


class Guard:
    """``limit``: seconds of silence that are too many; ``every``: between two looks at the bot; ``landing``: how long
    an order may be on its way to its venue. ``has_sounded``: while the bot is silent, and people were told.
    ``neutral``: where somebody allowed more than cancels."""

    def __init__(
        self,
        inverse: tuple[Venue, InstrumentId],
        linear: tuple[Venue, InstrumentId],
        hear: Hear,
        bell: Bell,
        clock: Clock,
        say: Callable[[str], None],
        *,
        limit: float,
        every: float,
        global_cancel: bool = False,
        landing: float = LANDING,
        neutral: MakeNeutral | None = None,
        later: Sequence[InstrumentId] = (),
    ) -> None:
        self._clock = clock
        self._voice = Voice(say)
        months = {leg.venue: [key for key in later if key.venue == leg.venue] for _, leg in (inverse, linear)}
        self._inverse = VenueSide(*inverse, clock, self._voice, months[inverse[1].venue])
        self._linear = VenueSide(*linear, clock, self._voice, months[linear[1].venue])
        self._hear = hear
        self._bell = bell
        self._every = every
        self._global = global_cancel
        self._landing = landing
        now = clock.monotonic()
        self.vigil = Vigil(limit, now, now)
        self._why = ""
        self.has_sounded = False
        self._told: tuple[tuple[str, ...], ...] | None = None
        self._misses = 0
        self._neutral = None if neutral is None else neutral(self._inverse, self._linear, self._voice)
        # Once in a silence it is said why not, and once it is done.
        self._explained = self._reduced = False

    async def keep(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._stand())

    async def check(self) -> list[str]:
        """Look once at everything; return what is wrong."""
        await self._see()
        heard = await self._hear()
        unseen = [side.trouble or f"{side.venue.name} does not answer" for side in self._unseen]
        silent = [] if heard.alive else [heard.why or "the bot is being stopped"]
        hindered = [] if self._neutral is None else self._neutral.hindrances
        return [*silent, *unseen, *(f"{text}: it cannot bring to neutral there" for text in hindered)]

    async def close(self) -> None:
        sides = (self._inverse, self._linear)
        await asyncio.gather(*(side.venue.close() for side in sides), return_exceptions=True)

    @property
    def _unseen(self) -> list[VenueSide]:
        return [side for side in (self._inverse, self._linear) if side.contracts is None]

    async def _listen(self) -> None:
        while True:
            asked = self._clock.monotonic()
            heard = await self._hear()
            self._why = heard.why
            before = self.vigil
            now = asked if heard.alive else self._clock.monotonic()
            self.vigil = before.look(now, heard=heard.alive, stopped=heard.stopped)
            if (heard.alive or heard.stopped) and self.has_sounded:
                self.has_sounded = False
                self._bell.alert(
                    "BOT_SILENT",
                    f"the bot is heard again, after {before.silent_for:.0f} s. What was done stays done",
                )
            if self.vigil.stands_by is not before.stands_by:
                self._bell.alert("BOT_STOPPED", _STANDS_BY if self.vigil.stands_by else _WATCHES_AGAIN)
            await asyncio.sleep(self._every)

    async def _stand(self) -> None:
        looked = float("-inf")
        while True:
            if self.vigil.is_over:
                await self._act()
                looked = self._clock.monotonic()
                await self._while_silent(self.vigil.limit)
            elif self._clock.monotonic() - looked >= LOOK_EVERY:
                await self._see()
                self._say_blind()
                looked = self._clock.monotonic()
            await asyncio.sleep(_STEP)

    async def _while_silent(self, seconds: float) -> None:
        end = self._clock.monotonic() + seconds
        while self.vigil.is_over and self._clock.monotonic() < end:  # noqa: ASYNC110 - bounded, and quick to end
            await asyncio.sleep(_STEP)

    async def _act(self) -> None:
        silence = f"the bot has not been heard for {self.vigil.silent_for:.0f} s ({self._why})"
        if not self.has_sounded:
            self.has_sounded, self._told = True, None
            self._explained = self._reduced = False
            self._bell.alert("BOT_SILENT", f"{silence}: its working orders are being cancelled")
        cancelling = Cancelling(
            self._inverse, self._linear, self._clock, self._voice, global_cancel=self._global
        )
        done = await cancelling.run(lambda: not self.vigil.is_over, landing=self._landing)
        text = str(done)
        if done.gone:
            self._bell.acted(f"{silence}: {text}")
        if not self.vigil.is_over and not done.gone:
            return  # heard again before there was anything to do
        # What a person can do something about; a round that changes nothing of it is not told.
        open_ends = (done.left, done.unseen)
        if done.gone or open_ends != self._told:
            self._told = open_ends
            self._bell.alert("BOT_SILENT", text)
            if not done.is_clear:
                self._bell.alert("WATCHDOG_BLIND", f"not everything is seen to be cancelled: {text}")

        if done.is_clear and self.vigil.is_over and self._neutral is not None and not self._reduced:
            await self._bring_to_neutral(self._neutral, silence)

    async def _bring_to_neutral(self, neutral: Neutral, silence: str) -> None:
        self._reduced, text = await neutral.run(lambda: not self.vigil.is_over)
        if self._reduced:
            self._bell.acted(f"{silence}: {text}")
        if self._reduced or not self._explained:
            self._explained = True
            self._bell.alert("BOT_SILENT", text)

    async def _see(self) -> None:
        async def look(side: VenueSide) -> None:
            if side.instrument is None:
                await side.connect()
            await side.look()

        await asyncio.gather(look(self._inverse), look(self._linear))

    def _say_blind(self) -> None:
        unseen = self._unseen
        self._misses = self._misses + 1 if unseen else 0
        if self._misses == BLIND_AFTER:
            words = "; ".join(side.trouble or f"{side.venue.name} does not answer" for side in unseen)
            self._bell.alert("WATCHDOG_BLIND", f"could not act now: {words}")
