"""A client library takes most of a second to import: who does not trade, does not import one."""

import subprocess
import sys

import pytest

HEAVY = ("ccxt", "ib_async", "sqlmodel", "fastapi")


def imported(statement: str) -> set[str]:
    """Return which of the heavy libraries a fresh interpreter holds after ``statement``."""
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90
    )
    return set(done.stdout.split("\n")[-2].split())


@pytest.mark.parametrize("arguments", ["--help", "status --help", "scenario --help", "tickets --help"])
def test_commands_that_do_not_trade_import_no_client_library(arguments: str) -> None:
    statement = (
        "from bot.cli import main\n"
        f"sys.argv = ['basisbot', *{arguments.split()!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert imported(statement) == set()


def test_the_inverse_venue_imports_its_transport_when_it_connects() -> None:
    assert "ccxt" not in imported("import adapters.bitmex.venue")
