"""``config new|show|check``."""

import re
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import remember, say
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings, shipped

config = typer.Typer(help="Profiles: the settings of an instance.", no_args_is_help=True)


_HEAD = """# {name}: made from the shipped profile {origin}. Go through it, then hold it up to
#   basisbot config check --profile {file}
# which says everything that is wrong with it. Secrets do not belong in here: name the environment variables, or the
# files (chmod 600), that hold them.

"""


@config.command("new")
def new(
    instance: Annotated[
        str, typer.Argument(metavar="NAME", help="What the instance is called; its data folder too.")
    ],
    origin: Annotated[
        str,
        typer.Option(
            "--from", help="The shipped profile to start from.", metavar="PROFILE", autocompletion=shipped
        ),
    ] = "testnet",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The file to write.  [default: NAME.toml]", metavar="FILE", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a profile of your own, every key with its comment.

    Nothing is asked, and nothing is overwritten.

    Example: basisbot config new paper --from testnet --out paper.toml
    """
    from bot.cli import output
    from config.place import NAME, SHIPPED, find

    if not NAME.fullmatch(instance):
        raise CommandFailed(f"{instance!r} is no name: 1 to 32 of a-z, 0-9 and -, not - first", Exit.USAGE)
    source = find(origin)
    if source.parent != SHIPPED:
        raise CommandFailed("--from takes the name of a shipped profile; copy a file of your own", Exit.USAGE)
    file = out or Path(f"{instance}.toml")
    # What stands above the first key speaks of the shipped file itself.
    _, key, rest = source.read_text(encoding="utf-8").partition("instance = ")
    said = f'"{instance}"'
    body = re.sub(r'^"[^"]*" *', lambda old: f"{said:<{len(old[0])}}", rest, count=1)
    try:
        with file.open("x", encoding="utf-8") as writing:
            writing.write(_HEAD.format(name=instance, origin=origin, file=file) + key + body)
    except FileExistsError as error:
        raise CommandFailed(f"{file} is there already, and is left as it is", Exit.REFUSED) from error
    except OSError as error:
        raise CommandFailed(f"cannot write {file}: {error.strerror}", Exit.USAGE) from error
    if json:
        output.print_json({"file": str(file), "instance": instance, "from": origin})
        return
    remember(str(file) if file.suffix == ".toml" or "/" in str(file) else f"./{file}")
    say(f"{file} written, from {origin}. Edit it; then: basisbot config check")


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
        rests = chosen.rests_on.get(key)
        print(f"{key} = {value}" + (f"  # {rests}" if rests else ""))


@config.command("check")
def check(profile: Profile = DEFAULT_PROFILE, json: Json = False) -> None:
    """Check a profile and its keys; nothing is connected."""
    from bot.cli import output
    from config.secrets import api_keys, mqtt_secrets

    chosen = settings(profile)
    api_keys(chosen)
    mqtt_secrets(chosen)
    if json:
        told = {"ok": True, "profile": str(chosen.source), "mode": chosen.mode.value}
        output.print_json({**told, "rests_on": chosen.rests_on})
        return
    print(f"{chosen.source}: in order ({chosen.mode}, instance {chosen.instance})")
    for key, rests in chosen.rests_on.items():
        print(f"{key}: {rests}")


def _flat(prefix: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        return [(prefix, value)]
    found = []
    for key, inner in value.items():
        found += _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    return found


def register(app: typer.Typer) -> None:
    app.add_typer(config, name="config")
