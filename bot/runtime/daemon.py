"""The daemon: ledger (locked, chain proved) → the bot, started on both venues (``start``) → commands accepted."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from adapters.clock import Clock, IdSource
from bot.engine import Engine
from bot.ledger import snapshots
from bot.ledger.writer import Ledger
from bot.model.inputs import Warn
from bot.reconcile import Reconciler
from bot.runtime.automation import automation
from bot.runtime.broker import mqtt_settings
from bot.runtime.carrier import Carrier
from bot.runtime.files import Endpoint, Files, announced, published
from bot.runtime.memory import at_rest
from bot.runtime.person import who
from bot.runtime.policy import policy
from bot.runtime.server import bind, serving
from bot.runtime.shadow import ShadowVenue, settings_of
from bot.runtime.start import keep_watch, started, wind_down
from bot.runtime.venues import Venues, build
from bot.runtime.version import version
from bot.runtime.watchdog_note import keep_reading
from bot.surfaces.api import create
from bot.surfaces.life import Life
from bot.surfaces.mqtt import Mqtt
from bot.surfaces.served import Recent, Served
from config.settings import Settings

log = structlog.get_logger("daemon")

_OLDER_PLANS = 100  # shown beside those in memory


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot, as the demo and the tests hold it."""

    settings: Settings
    engine: Engine
    reconciler: Reconciler
    venues: Venues
    url: str
    token: str
    failed: "asyncio.Future[None]"


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock,
    ids: IdSource,
    overrides: Mapping[str, object] | None = None,
    *,
    shadow: bool = False,
) -> AsyncIterator[Bot]:
    """Run the bot while the block runs. ``failed`` ends, with the error, if the engine does.

    ``overrides``: what ``settings`` holds beside its profile, published for the emergency command. ``shadow``: under
    settings of its own, and nothing is sent.

    Raises ConfigError, LedgerError, VenueError when it cannot start.
    """
    settings = settings_of(settings) if shadow else settings
    files = Files(settings.data_dir)
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(bind(settings.api.host, settings.api.port))
        ledger = stack.enter_context(Ledger.open(settings.ledger_path, clock))
        # The ledger's lock is ours: whoever published an address here has died since.
        files.endpoint.unlink(missing_ok=True)
        starting = stack.enter_context(ExitStack())
        starting.enter_context(announced(files))
        broker = mqtt_settings(settings)
        venues = build(settings, clock)
        if shadow:
            venues = replace(venues, inverse=ShadowVenue(venues.inverse), linear=ShadowVenue(venues.linear))
        recent = Recent()
        symbols = {venue: venues.symbols(venue) for venue in (venues.inverse, venues.linear)}
        limits = policy(
            settings.limits,
            automation(settings, venues.inverse_id, venues.linear_id, venues.next_id, venues.next_inverse_id),
        )
        core = await stack.enter_async_context(
            started(ledger, ledger.state(), symbols, limits, clock, files, [recent])
        )

        def unlatch() -> str | None:
            # What flatten did, and the halt it means, come before the command that lifts them.
            core.adopt()
            return files.unlatch()

        life = Life(clock)
        token = secrets.token_urlsafe(24)
        url = f"http://{settings.api.host}:{listener.getsockname()[1]}"
        served = Served(
            engine=core.engine,
            clock=clock,
            ids=ids,
            recent=recent,
            about={
                "instance": settings.instance,
                "mode": settings.mode.value,
                "shadow": shadow,
                "pid": os.getpid(),
                "version": version(),
                "user": who(),
                "ledger": str(settings.ledger_path),
                "log": str(files.log),
            },
            inverses=venues.inverses,
            months=venues.months,
            latched=files.latched,
            unlatch=unlatch,
            reconcile=core.reconciler.run,
            adopt=core.reconciler.adopt,
            older_plans=partial(snapshots.older_plans, ledger.path, _OLDER_PLANS),
            standing=core.standing,
            venues=tuple(venues.by_name),
            ledger=lambda: (ledger.seq, ledger.committed),
            silent=tuple(name for name, venue in venues.by_name.items() if not venue.capabilities.cash_flows),
            life=life,
        )
        await stack.enter_async_context(serving(create(served, token), listener))
        if broker is not None:
            await stack.enter_async_context(Mqtt(broker, core.engine, clock, files.latched).running())
        carrier = Carrier(
            settings, files, clock, lambda text: core.engine.hear(Warn("FLATTEN_PENDING", text))
        )
        keep_watch(stack, carrier.keep(), core.failed)
        acted = keep_reading(files, lambda text: core.engine.hear(Warn("WATCHDOG_ACTED", text)))
        keep_watch(stack, acted, core.failed)
        stack.enter_context(published(files, Endpoint(url, token, os.getpid(), dict(overrides or {}))))
        starting.close()
        stack.enter_context(at_rest())
        try:
            yield Bot(settings, core.engine, core.reconciler, venues, url, token, core.failed)
        finally:
            # Whoever waits for its failure and is cancelled, by a signal, cancels that as well: no failure.
            works = not core.failed.done() or core.failed.cancelled()
            if works and await wind_down(core.engine):
                await life.end()
