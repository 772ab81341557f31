"""The loop of a replay: the market steps, the venues answer, the bot decides, the scripted owner acts."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from adapters.simulator.virtual_loop import VirtualLoop, VirtualTime
from adapters.venue import Venue
from bot.ledger.inline import InlineLedger
from bot.ledger.report import summarise
from bot.ledger.verify import verify
from bot.model.events import Alerted, Recorded
from bot.model.policy import Policy
from bot.orders.state import BotState
from bot.reconcile import Pace
from bot.runtime.files import Files
from bot.runtime.replay.margins import MarginWatch
from bot.runtime.replay.operating import Operator
from bot.runtime.replay.options import Options
from bot.runtime.replay.recordings import Recording
from bot.runtime.replay.result import Replayed, forced_of, plans_of, tickets_of
from bot.runtime.replay.series import Sampler
from bot.runtime.replay.stage import Stage, assumptions, long_closures, set_up
from bot.runtime.replay.strategy import Strategy
from bot.runtime.replay.watched import watches
from bot.runtime.replay.worth import own_trades
from bot.runtime.start import started

_FSYNC = 0.004
# Nothing moves between two looks but what the streams tell; a live bot looks every 15 seconds.
_PACE = Pace(around=300.0, look=900.0, whole=86_400.0)
_TICK = 300.0
_HOME = 30
LEDGER = "ledger.sqlite3"

Progress = Callable[[float], None]
"""Told now and then how much has been played, 0 to 1."""


def replay(
    recording: Recording,
    options: Options,
    policy: Policy,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Play a recording through the bot; the ledger is left in ``folder``, or thrown away. Raises ScenarioError."""
    clock = VirtualTime(recording.starts)
    loop = VirtualLoop(clock)
    try:
        with tempfile.TemporaryDirectory(prefix="basisbot-replay-") as temporary:
            place = Path(temporary) if folder is None else folder
            result = loop.run_until_complete(
                _play(recording, options, policy, clock, place, Path(temporary), progress)
            )
        loop.check()
        return result
    finally:
        loop.close()


async def _play(
    recording: Recording,
    options: Options,
    policy: Policy,
    clock: VirtualTime,
    folder: Path,
    temporary: Path,
    progress: Progress | None,
) -> Replayed:
    stage = set_up(recording, options, clock)
    clock.elapsed += 1.0  # the deposits are before the books
    ledger = InlineLedger(lambda: _FSYNC)
    alerted: list[tuple[datetime, Alerted]] = []
    state = BotState()
    sampler = Sampler(
        stage.world.inverse,
        stage.world.linear,
        stage.accounts,
        MarginWatch(options.keep),
        lambda now: _linear_price(stage, recording, now),
        state.delta,
        _sampled(recording.ends - recording.starts),
    )

    def hear(entry: Recorded) -> None:
        sampler.hear(entry)
        if isinstance(entry.event, Alerted):
            alerted.append((entry.at, entry.event))

    closures = long_closures(stage.world.linear.rules.sessions, recording)
    strategy = Strategy(options, recording, closures, automated=policy.automation is not None)
    symbols: dict[Venue, list[str]] = {
        stage.inverse: [stage.perpetual.symbol],
        stage.linear: [key.symbol for key in stage.months.values()],
    }
    files = Files(temporary / "data")
    # With automation there is a tick at each look; one between two looks would find every quote old.
    tick = _TICK if policy.automation is None else _PACE.whole
    async with started(
        ledger, state, symbols, policy, clock, files, [hear], _PACE, tick, look_for_flatten=_TICK
    ) as core:
        operator = Operator(core.engine, stage, recording, options, strategy, clock.now)
        await operator.enable("a replay")
        length = recording.ends - recording.starts
        while clock.now() < recording.ends and not core.failed.done():
            await asyncio.sleep(operator.pause())
            stage.world.step()
            sampler.look(clock.now())
            await operator.act()
            if progress is not None:
                progress(min((clock.now() - recording.starts) / length, 1.0))
        if core.failed.done():
            await core.failed
        core.engine.market.reconciled = False  # nothing new: what is out comes home
        await asyncio.sleep(_HOME)
        differences = tuple(map(str, await core.reconciler.run()))
        await ledger.durable(len(ledger.entries))
        sampler.look(clock.now(), always=True)
    recorded, head = ledger.recorded, ledger.head
    ledger.crash()
    ledger.save(folder / LEDGER)
    return Replayed(
        options=options,
        recording=recording,
        assumptions=assumptions(
            recording, options, () if policy.automation is None else watches(policy.automation)
        ),
        samples=tuple(sampler.samples),
        closures=tuple((one.start, one.end) for one in closures),
        plans=plans_of(recorded, operator.why),
        tickets=tickets_of(recorded),
        forced=forced_of(recorded),
        lows=tuple(sampler.watch.lows.values()),
        needs=tuple(sampler.watch.needs),
        drawdown_usd=sampler.usd,
        drawdown_xbt=sampler.xbt,
        refused=(*operator.refused, *operator.owner.refused),
        alerts=Counter(alert.code for _, alert in alerted),
        alerted=tuple(alerted),
        deltas=tuple(sampler.deltas),
        sent=tuple(operator.owner.sent),
        own=own_trades(recorded, state.instruments, options.spreads),
        differences=differences,
        verification=verify(folder / LEDGER),
        summary=summarise(iter(recorded)),
        head=head,
    )


def _sampled(length: timedelta) -> timedelta:
    """Return how often a sample is kept: some 2,000 in all, no rarer than hourly."""
    return min(max(length / 2_000, timedelta(minutes=1)), timedelta(hours=1))


def _linear_price(stage: Stage, recording: Recording, now: datetime) -> Decimal | None:
    ticker = stage.world.linear.ticker(stage.months[recording.contract(now)].symbol)
    if ticker.bid is None or ticker.ask is None:
        return None
    return Decimal(ticker.bid + ticker.ask) / 200
