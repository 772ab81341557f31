"""The engine's word over a real broker: status, state, events, a signed halt, and a broker that goes and comes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.clock import SystemClock
from bot.engine import Engine
from bot.model.inputs import SetTradingState
from bot.model.trading_state import TradingState
from bot.orders.state import BotState
from bot.runtime.files import Files
from bot.runtime.watchdog import Outlets
from bot.surfaces.mqtt import Mqtt, MqttSettings, connected
from bot.surfaces.mqtt_commands import SignedCommand, sign
from bot.surfaces.mqtt_request import NoAnswer, ask
from tests.integration.mosquitto import free_port, mosquitto, needed
from tests.simulation.stage import MemoryStore
from tests.unit.bot.desk import POLICY

KEY = b"0123456789abcdef0123456789abcdef"
CLOCK = SystemClock()


def settings(port: int, key: bytes | None = KEY) -> MqttSettings:
    return MqttSettings("127.0.0.1", port, "basisbot", "sim", encrypted=False, command_key=key)


@asynccontextmanager
async def bot(port: int) -> AsyncIterator[Engine]:
    engine = Engine(MemoryStore([]), {}, POLICY, CLOCK, BotState(), lambda: None)
    running = asyncio.create_task(engine.run())
    try:
        async with Mqtt(settings(port), engine, CLOCK, lambda: None).running():
            yield engine
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def looking(port: int) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Lend a function that waits until a topic says something."""
    async with connected(settings(port), "looker") as client:
        await client.subscribe("basisbot/sim/#", qos=1)

        async def until(topic: str, wanted: object = None) -> Any:
            async with asyncio.timeout(15):
                async for message in client.messages:
                    if str(message.topic) != f"basisbot/sim/{topic}" or not isinstance(
                        message.payload, bytes
                    ):
                        continue
                    text = message.payload.decode()
                    told = text if topic == "status" else json.loads(text)
                    if wanted is None or told == wanted:
                        return told
            raise AssertionError(topic)

        yield until


def command(**changes: Any) -> str:
    now = CLOCK.now()
    fields: dict[str, Any] = {
        "command": "halt",
        "instance": "sim",
        "by": "anna",
        "reason": "news",
        "issued": now,
        "expires": now + timedelta(minutes=1),
        "nonce": "n-1",
    }
    return sign(KEY, SignedCommand(**(fields | changes)))


@needed
def test_status_state_events_and_the_end(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        async with looking(port) as until:
            async with bot(port) as engine:
                await until("status", "online")
                assert (await until("state/trading"))["trading"] == "disabled"
                await engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
                event = await until("event/TradingStateChanged")
                assert event["seq"] == 1
                assert "active" in event["text"]
                assert (await until("state/trading"))["trading"] == "active"
            assert await until("status") == "offline"
        # Kept by the broker for whoever comes later.
        async with looking(port) as until:
            assert await until("status") == "offline"
            assert (await until("state/trading"))["trading"] == "active"

    port = free_port()
    with mosquitto(tmp_path, port):
        asyncio.run(main(port))


@needed
def test_a_signed_halt_is_obeyed_once_and_nothing_else_is(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        topic = "basisbot/sim/cmd/halt"
        async with bot(port) as engine:
            async with looking(port) as until:
                await until("status", "online")
            await engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
            async with connected(settings(port), "intruder") as client, looking(port) as until:
                for rubbish in ("halt", "{}", command().replace("anna", "eve")):
                    await client.publish(topic, rubbish, qos=1)
                    assert "not obeyed" in (await until("event/command"))["text"]
            assert engine.state.trading.value == "active"
            assert (await ask(settings(port), topic, command(nonce="n-7"), "n-7")) == "done: halt"
            assert engine.state.trading.value == "halted"
            assert "already" in await ask(settings(port), topic, command(nonce="n-7"), "n-7")

    port = free_port()
    with mosquitto(tmp_path, port):
        asyncio.run(main(port))


@needed
def test_a_broker_that_dies_and_comes_back_is_told_everything(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        async with bot(port) as engine:
            with mosquitto(tmp_path, port):
                async with looking(port) as until:
                    await until("status", "online")
            await engine.command(SetTradingState(TradingState.ACTIVE, "anna", "go"))
            with mosquitto(tmp_path, port):
                async with looking(port) as until:
                    event = await until("event/TradingStateChanged")
                    assert "active" in event["text"]

    asyncio.run(main(free_port()))


@needed
def test_a_bot_that_is_killed_is_said_to_be_offline_by_the_broker(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        async with looking(port) as until:
            engine = Engine(MemoryStore([]), {}, POLICY, CLOCK, BotState(), lambda: None)
            mqtt = Mqtt(settings(port, None), engine, CLOCK, lambda: None)
            async with mqtt._announced() as bots:
                await until("status", "online")
                # The socket goes without a goodbye, as of a process that is gone.
                wire = bots._client.socket()
                assert isinstance(wire, socket.socket)
                wire.shutdown(socket.SHUT_RDWR)
            assert await until("status") == "offline"

    port = free_port()
    with mosquitto(tmp_path, port):
        asyncio.run(main(port))


def test_no_broker_at_all_is_said_in_words() -> None:
    port = free_port()
    with pytest.raises(NoAnswer, match=f"cannot use the MQTT broker at 127.0.0.1:{port}"):
        asyncio.run(ask(settings(port), "basisbot/sim/cmd/halt", command(), "n-1"))


def test_a_broker_that_says_nothing_does_not_hold_up_the_bot() -> None:
    async def main() -> None:
        # The system takes the connection, and nobody ever reads from it.
        with socket.create_server(("127.0.0.1", 0)) as server:
            async with bot(server.getsockname()[1]) as engine:
                await asyncio.sleep(0.2)
                await engine.command(SetTradingState(TradingState.HALTED, "anna", "quiet"))
                assert engine.state.trading.value == "halted"

    asyncio.run(main())


@needed
def test_the_watchdogs_alert_is_published_and_no_broker_ends_nothing(tmp_path: Path) -> None:
    port = free_port()

    async def ring() -> None:
        outlets = Outlets(Files(tmp_path), CLOCK, (), settings(port))
        outlets.alert("BOT_SILENT", "not heard")
        await outlets.finish()

    async def main() -> None:
        async with looking(port) as until:
            await ring()
            told = await until("event/watchdog")
            assert (told["kind"], told["text"]) == ("BOT_SILENT", "not heard")

    with mosquitto(tmp_path, port):
        asyncio.run(main())
    asyncio.run(ring())
