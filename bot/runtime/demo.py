"""The demonstration: both simulators, the bot, one spread opened in tranches with its collateral's hedge, held
while funding is paid, taken down, and the books held against the venues."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.clock import Clock, IdSource
from adapters.errors import VenueError
from bot.engine import Engine
from bot.ledger.report import Summary, summarise
from bot.ledger.verify import Verification, verify
from bot.ledger.writer import read_events
from bot.model.events import CashBooked, Recorded, TicketRaised
from bot.model.inputs import ApproveTicket, ProposePlan, SetTradingState
from bot.model.plans import Cause, PlanKind, PlanSpec, PlanStatus
from bot.model.trading_state import TradingState
from bot.orders.state import PlanState
from bot.reconcile import Snapshot, snapshot
from bot.runtime import unattended
from bot.runtime.daemon import Bot, running
from bot.runtime.policy import legging
from bot.surfaces.views import plain
from config.place import SHIPPED
from config.settings import Settings
from risk.approval import Denied
from risk.money import Currency
from risk.orders import CashFlowKind

Say = Callable[[str], None]
Listener = Callable[[Recorded], None]

AUTO = "demo --auto-approve"
_CENT = Decimal("0.01")
_PATIENCE = 60.0


class DemoFailed(Exception):
    """The demonstration could not be carried through; ``str(error)`` is one line."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the demonstration came to. XBT in whole XBT, USD in dollars, times in seconds. ``forced``: fills of nobody's
    orders were part of it; ``watched``: what the watches have proposed; ``unfinished``: plans that were not carried
    through; ``missed``: what the watches should have proposed, and did not."""

    flat: bool
    balances_match: bool
    mismatches: tuple[str, ...]
    verification: Verification
    summary: Summary
    plans: dict[str, str]
    duration_s: float
    forced: bool = False
    watched: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return (
            self.flat
            and self.balances_match
            and self.verification.ok
            and (self.forced or self.summary.foreign_fills == 0)
            and not self.summary.residual
            and not self.unfinished
            and not self.missed
        )

    def as_json(self) -> dict[str, Any]:
        summary = self.summary
        return {
            "ok": self.ok,
            "flat": self.flat,
            "ledger_verified": self.verification.ok,
            "balances_match": self.balances_match,
            "explained": not summary.residual,
            "adopted": summary.adopted,
            "foreign_fills": summary.foreign_fills,
            "tranches_filled": summary.tranches_filled,
            "orders": summary.orders,
            "fills": summary.fills,
            "max_naked_delta_xbt": _places(summary.max_naked_delta_xbt, 8),
            "naked_xbt_seconds": _places(summary.naked_xbt_seconds, 8),
            "pnl_xbt": _places(summary.pnl.xbt, 8),
            "pnl_usd": _places(summary.pnl_usd, 2),
            "fees_usd": _places(summary.fees_usd, 2),
            "funding_usd": _places(summary.funding_usd, 2),
            "final_delta_xbt": _places(summary.final_delta_xbt, 8),
            "plans": self.plans,
            "watched": list(self.watched),
            "unfinished": list(self.unfinished),
            "missed": list(self.missed),
            "mismatches": list(self.mismatches),
            "ledger_problems": list(self.verification.problems),
            "ledger_events": self.verification.events,
            "ledger_head": self.verification.head,
            "duration_s": round(self.duration_s, 2),
        }


def _places(value: Decimal | None, places: int) -> float | None:
    # JSON numbers are for reading; the exact figures stand in the ledger.
    return None if value is None else float(round(value, places))


async def demonstrate(
    settings: Settings,
    clock: Clock,
    ids: IdSource,
    overrides: Mapping[str, object],
    *,
    auto_approve: bool,
    asleep: bool = False,
    causes: Iterable[Cause] = (),
    say: Say,
    listen: Listener,
) -> Report:
    """Run the whole job against venues that already listen. ``asleep``: a standing approval answers; ``causes``: what
    the watches must have done about the night. Raises ConfigError, LedgerError, VenueError,
    DemoFailed."""
    started = clock.monotonic()
    async with running(settings, clock, ids, overrides) as bot:
        bot.engine.listeners.append(listen)
        say(f"the bot runs: {bot.url}/docs (its token is in {settings.data_dir / 'daemon.json'})")
        if not auto_approve and not asleep:
            say("every leg waits for you. In another terminal:")
            profile = settings.source.stem if settings.source.parent == SHIPPED else settings.source
            say(f"    basisbot tickets --profile {profile}")
            say(f"    basisbot approve TICKET --profile {profile}   (or: reject TICKET --reason WHY)")
        approver = asyncio.create_task(_approve_all(bot.engine)) if auto_approve else None
        try:
            await _job(bot, settings, ids, say, clock if asleep else None)
        finally:
            if approver is not None:
                approver.cancel()
                await asyncio.gather(approver, return_exceptions=True)
        flat, mismatches = await _final_comparison(bot)
        plans = {key: plan.status.value for key, plan in bot.engine.state.plans.items()}
        watched = unattended.watched(bot.engine)
        unfinished, missed = unattended.unfinished(bot.engine), unattended.missed(bot.engine, causes)
    summary = summarise(read_events(settings.ledger_path))
    return Report(
        flat=flat,
        # Books made to agree by a person prove nothing.
        balances_match=not mismatches and not summary.adopted,
        mismatches=mismatches,
        verification=verify(settings.ledger_path),
        summary=summary,
        plans=plans,
        duration_s=clock.monotonic() - started,
        forced=asleep,
        watched=watched,
        unfinished=unfinished,
        missed=missed,
    )


async def _job(bot: Bot, settings: Settings, ids: IdSource, say: Say, night: Clock | None) -> None:
    """``night``: the clock by which everybody sleeps; None: somebody answers."""
    engine = bot.engine
    began = None if night is None else night.monotonic()
    await _do(engine, SetTradingState(TradingState.ACTIVE, "demo", "the demonstration starts"))
    if night is not None:
        denied = await unattended.allow(bot, settings, night.now())
        if denied is not None:
            raise DemoFailed(str(denied))
    plan = settings.plan
    opening = PlanSpec(
        plan_id=ids.new(),
        kind=PlanKind.OPEN,
        direction=plan.direction,
        inverse=bot.venues.inverse_id,
        linear=bot.venues.linear_id,
        size_xbt=plan.size_xbt,
        tranches=plan.tranches,
        collateral=plan.collateral_hedge,
        proposed_by="demo",
        min_basis=plan.min_basis,
        max_basis=plan.max_basis,
        target_delta=plan.target_delta_xbt,
        legging=legging(plan),
    )
    say(
        f"opening {plain(plan.size_xbt)} XBT {plan.direction} in {plan.tranches} tranches, the {plan.working} leg first"
    )
    await _until_done(bot, opening)
    if any(engine.state.positions.values()):
        if night is None or began is None:
            say(f"holding until funding is paid, {settings.demo.seconds:g} seconds at most")
            await _hold(bot, settings.demo.seconds)
        else:
            say(f"everybody sleeps until {settings.demo.seconds:g} seconds after the start")
            await _sleep(bot, began + settings.demo.seconds, night)
            # What was taken leaves trading at reducing; the collateral's hedge comes off by a person's word.
            await _do(engine, SetTradingState(TradingState.ACTIVE, "demo", "the night is over"))
        say("taking everything down")
        closing = PlanSpec(
            plan_id=ids.new(),
            kind=PlanKind.CLOSE,
            direction=plan.direction,
            inverse=bot.venues.inverse_id,
            linear=bot.venues.linear_id,
            size_xbt=None,
            tranches=plan.tranches,
            collateral=True,
            proposed_by="demo",
            legging=opening.legging,
        )
        await _until_done(bot, closing)


async def _do(engine: Engine, command: SetTradingState | ProposePlan) -> None:
    answer = await engine.command(command)
    if isinstance(answer, Denied):
        raise DemoFailed(answer.limit)


async def _until_done(bot: Bot, spec: PlanSpec) -> PlanState:
    """Propose a plan and return it when it has ended, one way or the other."""
    ended = asyncio.Event()

    def watch(_: Recorded) -> None:
        plan = bot.engine.state.plans.get(spec.plan_id)
        if plan is not None and plan.status is not PlanStatus.ACTIVE:
            ended.set()

    bot.engine.listeners.append(watch)
    try:
        await _do(bot.engine, ProposePlan(spec))
        waiting = asyncio.create_task(ended.wait())
        either: set[asyncio.Future[Any]] = {waiting, bot.failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if bot.failed.done():
            waiting.cancel()
            bot.failed.result()
    finally:
        bot.engine.listeners.remove(watch)
    return bot.engine.state.plans[spec.plan_id]


async def _hold(bot: Bot, seconds: float) -> None:
    paid = asyncio.Event()

    def watch(entry: Recorded) -> None:
        if isinstance(entry.event, CashBooked) and entry.event.flow.kind is CashFlowKind.FUNDING:
            paid.set()

    bot.engine.listeners.append(watch)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(paid.wait(), seconds)
    finally:
        bot.engine.listeners.remove(watch)


async def _sleep(bot: Bot, until: float, clock: Clock) -> None:
    """Let time pass, and wait until nothing is under way any more. Raises DemoFailed."""
    while not bot.failed.done():
        now = clock.monotonic()
        if now >= until and unattended.is_calm(bot.engine):
            return
        if now >= until + _PATIENCE:
            raise DemoFailed(
                f"Δ is {bot.engine.state.delta():+.4f} XBT, and something is still to be answered"
            )
        await asyncio.sleep(0.5)
    bot.failed.result()


async def _approve_all(engine: Engine) -> None:
    """Stand in for the person: approve every ticket as it is raised, through the same command."""
    raised: asyncio.Queue[TicketRaised] = asyncio.Queue()

    def watch(entry: Recorded) -> None:
        if isinstance(entry.event, TicketRaised):
            raised.put_nowait(entry.event)

    engine.listeners.append(watch)
    while True:
        ticket = (await raised.get()).ticket
        await engine.command(ApproveTicket(ticket.ticket_id, ticket.material.content_hash(), AUTO))


async def _final_comparison(bot: Bot) -> tuple[bool, tuple[str, ...]]:
    """Ask the venues themselves, and hold their cash against the ledger's to the satoshi and the cent."""
    try:
        mismatches = [str(one) for one in await bot.reconciler.run()]
        views = [await snapshot(venue) for venue in bot.venues.by_name.values()]
    except VenueError as error:
        return False, (f"the venues could not be asked: {error}",)
    await bot.engine.drained()
    flat = all(not _holds(view) and not view.open_orders for view in views)
    for view in views:
        wallet = view.account.wallet
        booked = bot.engine.state.cash_and_cost[view.account.venue]
        step = 1 if wallet.currency is Currency.XBT else int(_CENT * 10**8)
        if flat and round(wallet.units / step) != round(booked.units / step):
            mismatches.append(f"{view.account.venue}: {wallet} at the venue, {booked} in the ledger")
    return flat, tuple(mismatches)


def _holds(view: Snapshot) -> bool:
    return any(position.contracts for position in view.positions)
