"""The other end of a signed command: publish it, and wait for the bot's word."""

import asyncio
import json

import aiomqtt

from bot.surfaces.mqtt import MqttSettings, connected

_WAIT = 5.0


class NoAnswer(Exception):
    """Nobody said what became of the command."""


async def ask(settings: MqttSettings, topic: str, message: str, nonce: str) -> str:
    """Publish ``message`` and return what the bot answers to its ``nonce``. Raises NoAnswer."""
    where = f"{settings.host}:{settings.port}"
    try:
        async with connected(settings, f"basisbot-{settings.instance}-{nonce}") as client:
            await client.subscribe(f"{settings.root}/event/command", qos=1)
            await client.publish(topic, message, qos=1)
            async with asyncio.timeout(_WAIT):
                async for answer in client.messages:
                    told = json.loads(answer.payload if isinstance(answer.payload, bytes) else b"{}")
                    if told.get("nonce") == nonce:
                        return str(told.get("text"))
    except TimeoutError as error:
        raise NoAnswer(
            f"the broker at {where} took the command, and no bot answered within {_WAIT:.0f} s: is "
            f"{settings.instance!r} running, with the same command_key?"
        ) from error
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise NoAnswer(
            f"cannot use the MQTT broker at {where}: {error}; nothing is known to be done"
        ) from error
    raise NoAnswer(f"the broker at {where} ended the connection before the bot answered")
