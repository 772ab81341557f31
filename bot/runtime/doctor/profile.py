"""The profile, its secrets, and the MQTT broker it may name."""

import asyncio
from collections.abc import Iterator

from bot.runtime.broker import mqtt_settings
from bot.runtime.doctor.finding import About, Finding, Trouble
from config.errors import ConfigError
from config.secrets import api_keys
from config.settings import Settings

_WITHIN = 5.0


def profile(settings: Settings) -> Iterator[Finding]:
    about = About("profile")
    yield about.ok("settings", f"{settings.source} (mode {settings.mode}, instance {settings.instance})")
    try:
        keys = api_keys(settings)
    except ConfigError as error:
        todo = "set what the profile names, or name what is there"
        yield about.fail("keys", str(error), todo, Trouble.SETTINGS)
    else:
        name = keys.key.get_secret_value()
        # Enough to tell one key from another; of the secret, only that there is one.
        yield about.ok("keys", f"key {name[:4]}… ({len(name)} characters), and a secret")


async def broker(settings: Settings) -> list[Finding]:
    """Connect to the MQTT broker, where the profile names one, and leave again."""
    about = About("mqtt")
    try:
        told = mqtt_settings(settings)
    except ConfigError as error:
        return [about.fail("secrets", str(error), "set what the profile names", Trouble.SETTINGS)]
    if told is None:
        return [about.ok("broker", "none in the profile")]
    import ssl

    import aiomqtt

    client = aiomqtt.Client(
        told.host,
        told.port,
        username=told.username,
        password=told.password,
        tls_context=ssl.create_default_context() if told.encrypted else None,
        timeout=_WITHIN,
    )
    where = f"{told.host}:{told.port}"
    try:
        async with asyncio.timeout(2 * _WITHIN), client:
            pass
    except (aiomqtt.MqttError, OSError, TimeoutError) as error:
        todo = "the bot trades without it, but nothing is published"
        return [about.warn("broker", f"no connection to {where}: {error or 'no answer'}", todo)]
    return [about.ok("broker", f"{where} takes us")]
