"""``config show|check``."""

import typer

from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

config = typer.Typer(help="Profiles: the settings of an instance.", no_args_is_help=True)


@config.command("show")
def show(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Show a profile as it is understood, secrets masked."""
    from bot.cli import output

    chosen = settings(profile)
    view = chosen.redacted()
    if json:
        output.print_json(view)
        return
    print(f"# {chosen.source}")
    for key, value in _flat("", view):
        print(f"{key} = {value}")


@config.command("check")
def check(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Check a profile and its keys; nothing is connected."""
    from bot.cli import output
    from config.secrets import api_keys, mqtt_secrets

    chosen = settings(profile)
    api_keys(chosen)
    mqtt_secrets(chosen)
    if json:
        output.print_json({"ok": True, "profile": str(chosen.source), "mode": chosen.mode.value})
    else:
        print(f"{chosen.source}: in order ({chosen.mode}, instance {chosen.instance})")


def _flat(prefix: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        return [(prefix, value)]
    found = []
    for key, inner in value.items():
        found += _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    return found


def register(app: typer.Typer) -> None:
    app.add_typer(config, name="config")
