"""A silent bot's working orders go, at both venues, and nothing else does; virtual time, the exchanges' own books."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import Unreachable
from bot.watchdog import Guard
from bot.watchdog.hearing import Heard
from risk.instruments import InstrumentId
from risk.orders import OrderUpdate
from tests.unit.bot.flatten_bench import PRICE, Bench, Wayward

LIMIT, EVERY = 10.0, 1.0
SOON = 3.0
"""Seconds within which a cancel is through."""
WORKING, HEDGE = "k7f3q2ab-01w-001", "k7f3q2ab-01h-001"
FAR = PRICE - 4_000


@dataclass
class Scene:
    """``silent``: whether the bot is, at a moment (seconds from the start); ``stopped``: whether it says that it
    ends."""

    bench: Bench
    silent: Callable[[float], bool] = lambda _: False
    stopped: Callable[[float], bool] = lambda _: False
    alerts: list[tuple[float, str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.venues = self.bench.venues()
        self._began = self.bench.clock.monotonic()

    @property
    def now(self) -> float:
        return self.bench.clock.monotonic() - self._began

    async def hear(self) -> Heard:
        await asyncio.sleep(0.01)
        if self.stopped(self.now):
            return Heard(stopped=True)
        return Heard(why="no answer") if self.silent(self.now) else Heard(alive=True)

    def alert(self, code: str, text: str) -> None:
        self.alerts.append((self.now, code, text))

    def acted(self, text: str) -> None:
        self.left.append(text)

    def guard(self) -> Guard:
        return Guard(
            (self.venues[0], InstrumentId("bitmex", self.bench.symbol(0))),
            (self.venues[1], InstrumentId("cme", self.bench.symbol(1))),
            self.hear,
            self,
            self.bench.clock,
            self.bench.said.append,
            limit=LIMIT,
            every=EVERY,
            **self.options,
        )

    def watch(self, seconds: float) -> None:
        """Let the watchdog stand for so long."""
        guard = self.guard()

        async def main() -> None:
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await guard.keep()
            finally:
                await guard.close()

        self.bench.go(main())

    def told(self, code: str) -> list[str]:
        return [text for _, said, text in self.alerts if said == code]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Bench(tmp_path) as bench:
        yield Scene(bench)


def always(_: float) -> bool:
    return True


def test_a_silent_bots_orders_go_at_both_venues(scene: Scene) -> None:
    scene.silent = always
    scene.bench.rest(0, 8_000, FAR, WORKING)
    scene.bench.rest(1, 1, FAR, HEDGE)
    scene.watch(LIMIT - EVERY)
    assert scene.bench.live == [WORKING, HEDGE]
    assert not scene.alerts
    scene = Scene(scene.bench, always)
    scene.watch(LIMIT + SOON)
    assert scene.bench.live == []
    assert (
        scene.told("BOT_SILENT")[0]
        == "the bot has not been heard for 10 s (no answer): its working orders are being cancelled"
    )


def test_a_bot_that_was_stopped_on_purpose_is_left_alone_until_it_is_heard_again(scene: Scene) -> None:
    scene.bench.rest(0, 8_000, FAR, WORKING)  # whatever that is: a person's stop is a person's
    scene.stopped = lambda now: 5 <= now < 6.5
    scene.silent = lambda now: 6.5 <= now < 100 or now >= 120
    scene.watch(115)
    assert scene.bench.live == [WORKING]
    assert not scene.told("BOT_SILENT")
    stopped, again = scene.told("BOT_STOPPED")
    assert "on purpose" in stopped
    assert "watched again" in again
    # Heard again, the next silence is one.
    scene.silent, scene.stopped = always, lambda _: False
    scene.watch(LIMIT + SOON)
    assert scene.bench.live == []


def test_what_was_done_is_told_and_left_for_the_bot(scene: Scene) -> None:
    scene.silent = always
    scene.bench.hold(24_000, -3)
    scene.bench.rest(0, 8_000, FAR, WORKING)
    scene.watch(60)
    done = (
        f"cancelled bitmex:XBTUSD {WORKING}; no working order of the bot's is left; "
        "held: bitmex:XBTUSD +24,000, cme:MBTZ6 -3"
    )
    assert done in scene.told("BOT_SILENT")
    assert [text.partition(": ")[2] for text in scene.left] == [done]
    assert not scene.told("WATCHDOG_BLIND")
    assert scene.bench.held == (24_000, -3)


def test_a_bot_that_is_heard_is_left_alone(scene: Scene) -> None:
    scene.bench.rest(0, 8_000, FAR, WORKING)
    # Now and then it does not answer, for just less than the limit.
    scene.silent = lambda now: now % 30 > 30 - LIMIT + EVERY
    scene.watch(600)
    assert scene.bench.live == [WORKING]
    assert not scene.alerts
    assert not scene.left


def test_stops_strangers_and_a_flatten_keep_their_orders(scene: Scene) -> None:
    scene.silent = always
    bench = scene.bench
    bench.hold(24_000, -3)
    bench.protect(FAR)
    for client_id in ("", "somebody", "flat-k7f3q2ab-001"):
        bench.rest(0, 8_000, FAR, client_id)
    bench.rest(0, 8_000, FAR, WORKING)
    scene.watch(60)
    assert sorted(bench.live) == ["", "flat-k7f3q2ab-001", "somebody", "stop"]
    assert "protective stops kept: bitmex:XBTUSD stop" in scene.told("BOT_SILENT")[-1]
    assert "left alone, not the bot's: bitmex:XBTUSD" in scene.told("BOT_SILENT")[-1]


def test_an_order_that_was_on_its_way_goes_too(scene: Scene) -> None:
    scene.silent = always
    scene.bench.later(LIMIT + 6, lambda: scene.bench.rest(0, 8_000, FAR, WORKING))
    scene.watch(LIMIT + 12)
    assert scene.bench.live == []


def test_a_bot_heard_again_goes_on_and_is_watched_again(scene: Scene) -> None:
    bench = scene.bench
    scene.silent = lambda now: now < 40 or now > 100
    bench.rest(0, 8_000, FAR, WORKING)
    bench.later(45, lambda: bench.rest(0, 8_000, FAR, HEDGE))
    seen: list[list[str]] = []
    bench.later(99, lambda: seen.append(bench.live))
    scene.watch(100 + LIMIT + SOON)
    assert bench.live == []
    assert [word for word in scene.told("BOT_SILENT") if "the bot is heard again" in word]
    assert seen == [[HEDGE]]
    assert sum("are being cancelled" in word for word in scene.told("BOT_SILENT")) == 2


def test_people_are_not_told_the_same_again_and_again(scene: Scene) -> None:
    scene.silent = always
    scene.watch(1_000)
    assert [code for _, code, _ in scene.alerts] == ["BOT_SILENT", "BOT_SILENT"]
    assert not scene.left


class Away(Wayward):
    """Answers no question before ``back`` (seconds of the clock)."""

    back = float("inf")

    async def open_orders(self) -> list[OrderUpdate]:
        if self._clock.monotonic() < self.back:
            raise Unreachable(self.name, "ask for open orders", "no answer")
        return await super().open_orders()


def test_a_venue_that_is_away_does_not_hold_up_the_other_and_is_cleared_when_it_is_back(scene: Scene) -> None:
    bench = scene.bench
    scene.silent = always
    away = Away(bench.exchanges[0], "me", bench.clock)
    away.back = bench.clock.monotonic() + 200
    scene.venues = (away, scene.venues[1])
    bench.rest(0, 8_000, FAR, WORKING)
    bench.rest(1, 1, FAR, HEDGE)
    seen: list[list[str]] = []
    bench.later(LIMIT + SOON, lambda: seen.append(bench.live))
    scene.watch(300)
    assert bench.live == []
    assert seen == [[WORKING]]
    assert "no answer" in scene.told("WATCHDOG_BLIND")[0]
    assert "held: bitmex:XBTUSD unknown" in scene.told("BOT_SILENT")[1]
    assert f"cancelled bitmex:XBTUSD {WORKING}; no working order" in scene.told("BOT_SILENT")[-1]


def test_people_hear_before_it_matters_that_a_venue_cannot_be_seen(scene: Scene) -> None:
    scene.venues = (Away(scene.bench.exchanges[0], "me", scene.bench.clock), scene.venues[1])
    scene.watch(1_000)
    assert len(scene.told("WATCHDOG_BLIND")) == 1
    assert not scene.told("BOT_SILENT")


@pytest.mark.parametrize("allowed", [False, True])
def test_only_its_sender_can_cancel_at_the_broker_unless_everything_may_go(
    scene: Scene, allowed: bool
) -> None:
    scene.silent = always
    scene.options = {"global_cancel": allowed}
    scene.venues[1].cannot_cancel = True
    scene.bench.rest(1, 1, FAR, WORKING)
    scene.watch(150)
    assert scene.bench.live == ([] if allowed else [WORKING])
    assert bool(scene.told("WATCHDOG_BLIND")) is not allowed
    if not allowed:
        assert f"STILL THERE: cme:MBTZ6 {WORKING}" in scene.told("WATCHDOG_BLIND")[0]
