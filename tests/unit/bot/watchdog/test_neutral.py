"""Towards the target and never beyond it, once, only where allowed, and not while anything moves."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.flatten.side import VenueSide
from bot.flatten.voice import Voice
from bot.model.events import FlattenFinished, FlattenOrdered, OrderIntended
from bot.model.flatten_journal import FlattenJournal, read_journal
from bot.watchdog.neutral import Authority, Neutral
from tests.unit.bot.desk import T0
from tests.unit.bot.flatten_bench import PRICE, Bench
from tests.unit.bot.watchdog.test_guard import LIMIT, WORKING, Scene, always

D = Decimal
WALLET = D(20)
"""XBT, as the bench deposits it: the target, so that a matched pair is neutral."""
ALLOWED: dict[str, Any] = {
    "by": "anna",
    "until": T0 + timedelta(days=30),
    "max_xbt": D(2),
    "band_xbt": D("0.1"),
    "target_xbt": WALLET,
    "still": 30.0,
}
SETTLED = 130


class Ids:
    def new(self) -> str:
        return "run1"


class Leash:
    """``refuses``: why the bot cannot be held back. ``calls``: what was asked of it."""

    refuses: str | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[str] = []

    def hold(self) -> str | None:
        self.calls.append("hold")
        return self.refuses

    def let_go(self) -> None:
        self.calls.append("let go")

    def release(self) -> None:
        self.calls.append("release")

    def journal(self, flatten_id: str) -> FlattenJournal:
        return FlattenJournal(self.folder / f"flatten-{flatten_id}.jsonl")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Bench(tmp_path) as bench:
        yield Scene(bench, always)


@pytest.fixture
def leash(tmp_path: Path) -> Leash:
    return Leash(tmp_path)


def allow(scene: Scene, leash: Leash, **changes: Any) -> None:
    authority = Authority(**(ALLOWED | changes))

    def make(inverse: VenueSide, linear: VenueSide, voice: Voice) -> Neutral:
        return Neutral(inverse, linear, authority, leash, scene.bench.clock, Ids(), voice)

    scene.options = {"neutral": make}


@pytest.mark.parametrize(
    ("held", "then"),
    [
        # 0.7 XBT too long: 56,000 of the inverse contracts are worth that at 80,000.
        ((80_000, -3), (24_000, -3)),
        # 0.7 XBT too short: seven contracts of 0.1.
        ((24_000, -10), (24_000, -3)),
        # 0.28: two contracts are less than that, three would go beyond.
        ((1_600, -3), (1_600, -1)),
        # The short leg is the inverse one.
        ((-80_000, 3), (-24_000, 3)),
        # More than is allowed at once: 2 of 3 XBT.
        ((240_000, 0), (80_000, 0)),
        ((0, -30), (0, -10)),
        # Matched, or nearly.
        ((24_000, -3), (24_000, -3)),
        ((31_000, -3), (31_000, -3)),
        ((0, 0), (0, 0)),
    ],
)
def test_what_is_naked_is_reduced(
    scene: Scene, leash: Leash, held: tuple[int, int], then: tuple[int, int]
) -> None:
    scene.bench.hold(*held)
    allow(scene, leash)
    scene.watch(SETTLED)
    # The touch is up to 5 USD from the mid, and fees are paid from the wallet: a lot more or less.
    assert abs(scene.bench.held[0] - then[0]) <= 100
    assert scene.bench.held[1] == then[1]
    assert bool(leash.calls) is (held != then)


def test_it_is_written_down_as_a_flattens_and_told(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(24_000, -10)
    allow(scene, leash)
    scene.watch(SETTLED)
    first, *orders, last = read_journal(leash.folder / "flatten-run1.jsonl")
    assert first == FlattenOrdered("run1", "watchdog, allowed by anna", ("bitmex", "cme"))
    assert [type(entry) for entry in orders] == [OrderIntended]
    assert last == FlattenFinished("run1", False)
    assert leash.calls == ["hold", "release"]
    assert (
        "cme:MBTZ6 reduced from -10 to -3 contracts (aim -3), as anna allowed" in scene.told("BOT_SILENT")[-1]
    )
    assert "reduced from -10 to -3" in scene.left[-1]


def test_a_bot_is_not_held_back_for_orders_that_will_be_refused(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(80_000, -3)
    scene.venues[0].complains = ["bitmex: the API key may cancel and not order"]
    allow(scene, leash)
    scene.watch(SETTLED)
    assert scene.bench.held == (80_000, -3)
    assert leash.calls == []
    assert scene.told("BOT_SILENT")[-1].endswith("its target: bitmex: the API key may cancel and not order")


def test_check_says_beforehand_where_no_order_can_be_sent(scene: Scene, leash: Leash) -> None:
    scene.venues[0].complains = ["bitmex: the API key may cancel and not order"]
    allow(scene, leash)

    async def main() -> list[str]:
        guard = scene.guard()
        try:
            return await guard.check()
        finally:
            await guard.close()

    *_, wrong = scene.bench.go(main())
    assert wrong == "bitmex: the API key may cancel and not order: it cannot bring to neutral there"


def test_what_the_other_leg_can_do_is_done_all_the_same(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(24_000, -10)
    scene.venues[0].complains = ["bitmex: the API key may cancel and not order"]
    allow(scene, leash)
    scene.watch(SETTLED)
    assert scene.bench.held == (24_000, -3)


def test_once_in_a_silence(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(240_000, 0)
    allow(scene, leash)
    scene.watch(600)
    assert abs(scene.bench.held[0] - 80_000) <= 100
    assert leash.calls == ["hold", "release"]


@pytest.mark.parametrize("change", [{"until": T0 + timedelta(seconds=5)}, {"band_xbt": D(1)}])
def test_not_beyond_what_is_allowed(scene: Scene, leash: Leash, change: dict[str, Any]) -> None:
    scene.bench.hold(80_000, -3)
    allow(scene, leash, **change)
    scene.watch(SETTLED)
    assert scene.bench.held == (80_000, -3)
    assert not leash.calls


def test_not_without_holding_the_bot_back(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(80_000, -3)
    leash.refuses = "the bot's data folder is not on this machine"
    allow(scene, leash)
    scene.watch(SETTLED)
    assert scene.bench.held == (80_000, -3)
    assert "+0.69" in scene.told("BOT_SILENT")[-1]
    assert "not on this machine" in scene.told("BOT_SILENT")[-1]


def moving(bench: Bench) -> None:
    def one_more_lot() -> None:
        bench.trade(0, 100)
        bench.market(0)

    for seconds in range(0, SETTLED, 20):
        bench.later(seconds, one_more_lot)


def a_stranger(bench: Bench) -> None:
    bench.rest(0, 8_000, PRICE - 4_000, "somebody")


def a_flatten(bench: Bench) -> None:
    bench.rest(1, 1, PRICE - 4_000, "flat-k7f3q2ab-001")


@pytest.mark.parametrize("what", [moving, a_stranger, a_flatten], ids=lambda what: what.__name__)
def test_not_while_somebody_is_at_work(scene: Scene, leash: Leash, what: Callable[[Bench], None]) -> None:
    scene.bench.hold(80_000, -3)
    what(scene.bench)
    allow(scene, leash)
    scene.watch(SETTLED - 1)
    assert scene.bench.held[0] >= 80_000
    assert not leash.calls
    assert [text for text in scene.told("BOT_SILENT") if "not brought to neutral" in text]


def test_a_bot_heard_again_in_time_is_let_go(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(80_000, -3)
    allow(scene, leash)
    # Silence, cancels (12 s), 30 s of stillness; then it is held back, and heard before the 12 s after that are over.
    scene.silent = lambda now: now < LIMIT + 12 + 30 + 8
    scene.watch(SETTLED)
    assert scene.bench.held == (80_000, -3)
    assert leash.calls == ["hold", "let go"]
    assert not (leash.folder / "flatten-run1.jsonl").exists()


def test_orders_of_the_bot_are_cancelled_before(scene: Scene, leash: Leash) -> None:
    scene.bench.hold(80_000, -3)
    scene.bench.rest(0, 8_000, PRICE - 4_000, WORKING)
    allow(scene, leash)
    scene.watch(SETTLED)
    assert scene.bench.live == []
    assert abs(scene.bench.held[0] - 24_000) <= 100
