"""The MQTT broker of a profile, as the surface wants it."""

from bot.surfaces.mqtt import MqttSettings
from config.secrets import mqtt_secrets
from config.settings import Settings


def mqtt_settings(settings: Settings) -> MqttSettings | None:
    """Return where and as whom to publish, None where the profile names no broker. Raises ConfigError."""
    told = settings.mqtt
    if told is None:
        return None
    found = mqtt_secrets(settings)
    return MqttSettings(
        host=told.host,
        port=told.port,
        prefix=told.prefix,
        instance=settings.instance,
        encrypted=told.tls,
        username=told.username,
        password=None if found.password is None else found.password.get_secret_value(),
        command_key=None if found.command_key is None else found.command_key.get_secret_value().encode(),
    )
