"""MQTT: how things stand, for whoever looks on, and a signed ``halt``. Nothing of the trade depends on it.

Topics, below ``<prefix>/<instance>``::

    status            online, or offline by the broker's last will                  retained
    state/<name>      trading, exposure, positions, basis, tickets, links            retained
    event/<kind>      every event of the ledger, as it happens
    cmd/<anything>    signed commands (``mqtt_commands``); answered on event/command

The broker may be down, slow or hostile: it is tried again for ever, what waits for it is bounded, and what it sends is
taken for an order only with a signature.
"""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import structlog

from adapters.clock import Clock
from bot.engine import Engine
from bot.model.describe import describe
from bot.model.events import Recorded
from bot.model.inputs import SetTradingState
from bot.model.trading_state import TradingState
from bot.surfaces import views
from bot.surfaces.mqtt_commands import Gatekeeper, Unacceptable

log = structlog.get_logger("mqtt")

_KEPT = 1000
_LOOK_EVERY = 1.0
_CONNECT_WITHIN = 10.0
_PUBLISH_WITHIN = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """``command_key``: None where no commands are taken."""

    host: str
    port: int
    prefix: str
    instance: str
    encrypted: bool
    username: str | None = None
    password: str | None = None
    command_key: bytes | None = None

    @property
    def root(self) -> str:
        return f"{self.prefix}/{self.instance}"


@asynccontextmanager
async def connected(
    settings: MqttSettings, identifier: str, will: aiomqtt.Will | None = None
) -> AsyncIterator[aiomqtt.Client]:
    """Connect to the broker while the block runs. Raises aiomqtt.MqttError, OSError, TimeoutError."""
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password,
        identifier=identifier,
        will=will,
        timeout=_PUBLISH_WITHIN,
        keepalive=15,
        max_queued_incoming_messages=100,
        max_queued_outgoing_messages=_KEPT,
        tls_context=ssl.create_default_context() if settings.encrypted else None,
    )
    # Neither the library nor its own time-out bounds a broker that takes the connection and says nothing.
    async with asyncio.timeout(_CONNECT_WITHIN):
        await client.__aenter__()
    try:
        yield client
    finally:
        with suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)


@dataclass(slots=True)
class Told:
    """Events that wait to be published; the oldest go first when there are too many."""

    waiting: deque[Recorded] = field(default_factory=lambda: deque(maxlen=_KEPT))
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, recorded: Recorded) -> None:
        self.waiting.append(recorded)
        self.something.set()


class Mqtt:
    def __init__(
        self, settings: MqttSettings, engine: Engine, clock: Clock, latched: Callable[[], str | None]
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._latched = latched
        self._told = Told()
        self._published: dict[str, str] = {}
        key = settings.command_key
        self._gate = None if key is None else Gatekeeper(key, settings.instance, clock.now())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish and listen while the block runs."""
        self._engine.listeners.append(self._told)
        task = asyncio.create_task(self._for_ever())
        try:
            yield
        finally:
            self._engine.listeners.remove(self._told)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _for_ever(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._announced() as client:
                    log.info(f"mqtt: connected to {self._settings.host}:{self._settings.port}")
                    pause = _FIRST_PAUSE
                    await self._serve(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                log.warning(f"mqtt: {error or 'no answer in time'}; trying again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    @asynccontextmanager
    async def _announced(self) -> AsyncIterator[aiomqtt.Client]:
        status = f"{self._settings.root}/status"
        will = aiomqtt.Will(status, "offline", qos=1, retain=True)
        async with connected(self._settings, f"basisbot-{self._settings.instance}", will) as client:
            await client.publish(status, "online", qos=1, retain=True)
            try:
                yield client
            finally:
                # Said by ourselves where we can: who looks on need not wait for the last will.
                with suppress(aiomqtt.MqttError):
                    await client.publish(status, "offline", qos=1, retain=True)

    async def _serve(self, client: aiomqtt.Client) -> None:
        root = self._settings.root
        self._published.clear()
        if self._gate is not None:
            await client.subscribe(f"{root}/cmd/#", qos=1)
        work = [asyncio.create_task(self._publish(client)), asyncio.create_task(self._listen(client))]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _publish(self, client: aiomqtt.Client) -> None:
        while True:
            while self._told.waiting:
                recorded = self._told.waiting[0]
                kind = type(recorded.event).__name__
                text = {
                    "seq": recorded.seq,
                    "at": recorded.at.isoformat(),
                    "kind": kind,
                    "text": describe(recorded.event),
                }
                await client.publish(f"{self._settings.root}/event/{kind}", json.dumps(text), qos=1)
                # Only now: what a broken link swallowed is told again.
                if self._told.waiting and self._told.waiting[0] is recorded:
                    self._told.waiting.popleft()
            await self._publish_state(client)
            self._told.something.clear()
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._told.something.wait()
            except TimeoutError:
                continue

    async def _publish_state(self, client: aiomqtt.Client) -> None:
        engine = self._engine
        view = views.status(engine.state, engine.market, self._clock.now(), engine.policy.automation)
        for name, state in self._states(view).items():
            text = json.dumps(state)
            if self._published.get(name) != text:
                await client.publish(f"{self._settings.root}/state/{name}", text, qos=1, retain=True)
                self._published[name] = text

    def _states(self, view: dict[str, Any]) -> dict[str, Any]:
        return {
            "trading": {
                "trading": view["trading"],
                "reconciled": view["reconciled"],
                "differences": view["differences"],
                "latched": self._latched(),
            },
            "exposure": {name: view[name] for name in ("delta_xbt", "unhedged_xbt")},
            "positions": view["positions"],
            "basis": view["basis"],
            "tickets": view["open_tickets"],
            "links": view["links"],
        }

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if self._gate is None:
                continue
            payload = message.payload if isinstance(message.payload, bytes) else b""
            try:
                command = self._gate.admit(payload, self._clock.now(), retained=message.retain)
            except Unacceptable as error:
                log.warning(f"mqtt: a command on {message.topic} was not obeyed: {error}")
                await self._answer(client, error.nonce, f"not obeyed: {error}")
                continue
            by = f"{command.by} (mqtt)"
            log.warning(f"mqtt: {command.command} by {by}: {command.reason}")
            await self._engine.command(SetTradingState(TradingState.HALTED, by, command.reason))
            await self._answer(client, command.nonce, f"done: {command.command}")

    async def _answer(self, client: aiomqtt.Client, nonce: str, text: str) -> None:
        await client.publish(
            f"{self._settings.root}/event/command", json.dumps({"nonce": nonce, "text": text}), qos=1
        )
