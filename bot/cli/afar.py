"""``mqtt halt``: a signed command through the profile's broker, from wherever the profile and its key are."""

from datetime import timedelta
from typing import Annotated

import typer

from bot.cli.client import who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

mqtt = typer.Typer(help="Signed commands through an MQTT broker, from another machine.", no_args_is_help=True)

_LIFE = timedelta(minutes=2)


@mqtt.callback()
def _group() -> None:
    """Commands from afar."""


@mqtt.command("halt")
def halt(
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")],
    show: Annotated[
        bool, typer.Option("--print", help="Print topic and message for another publisher; send nothing.")
    ] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Halt a bot that cannot be reached directly.

    No new working orders; what has filled is still hedged. The message is signed with the profile's mqtt.command_key,
    is good for two minutes, and once. Waits five seconds for the bot's answer.
    """
    import asyncio

    from adapters.clock import RandomIds, SystemClock
    from bot.cli import output
    from bot.runtime.broker import mqtt_settings
    from bot.surfaces.mqtt_commands import SignedCommand, sign
    from bot.surfaces.mqtt_request import NoAnswer, ask

    chosen = settings(profile)
    broker = mqtt_settings(chosen)
    if broker is None or broker.command_key is None:
        raise CommandFailed(f"{chosen.source}: [mqtt] with a command_key is needed for this", Exit.USAGE)
    now = SystemClock().now()
    nonce = RandomIds().new() + RandomIds().new()
    message = sign(
        broker.command_key,
        SignedCommand("halt", broker.instance, who(), reason, now, now + _LIFE, nonce),
    )
    topic = f"{broker.root}/cmd/halt"
    if show:
        output.print_json({"topic": topic, "message": message}) if json else print(f"{topic}\n{message}")
        return
    try:
        told = asyncio.run(ask(broker, topic, message, nonce))
    except NoAnswer as error:
        raise CommandFailed(str(error), Exit.UNREACHABLE) from error
    output.print_json({"answer": told}) if json else print(told)
    if not told.startswith("done"):
        raise typer.Exit(Exit.REFUSED)


def register(app: typer.Typer) -> None:
    app.add_typer(mqtt, name="mqtt")
