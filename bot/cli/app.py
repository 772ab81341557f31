"""Which command is where. Each module imports what it needs only when it runs."""

import typer

from bot.cli import (
    afar,
    books,
    deciding,
    emergency,
    examining,
    guarding,
    looking,
    planning,
    profiles,
    recorded,
    replaying,
    running,
    scenario,
    showing,
    sizing,
    standing,
    transferring,
    watching,
)

app = typer.Typer(
    name="basisbot",
    help="Holds the bitcoin basis between an inverse venue and CME. Nothing is sent that a person did not approve.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for register in (
    running.register,
    examining.register,
    replaying.register,
    looking.register,
    watching.register,
    deciding.register,
    planning.register,
    standing.register,
    showing.register,
    transferring.register,
    emergency.register,
    guarding.register,
    books.register,
    profiles.register,
    scenario.register,
    recorded.register,
    sizing.register,
    afar.register,
):
    register(app)
