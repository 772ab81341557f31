"""What every client goes through, and how its script tells the runner: a line of JSON a step.

The scripts run in environments of their own: nothing but the standard library may be imported here.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from time import monotonic, sleep

CONNECT = "connect"
INSTRUMENTS = "instruments"
QUOTES = "quotes"
PLACE = "place"
AMEND = "amend"
CANCEL = "cancel"
REFUSED = "refused"
TAKE = "fill at once"
REST = "fill at rest"
TRADES = "trades"
POSITIONS = "positions"
BALANCE = "balance"
STEPS = (
    CONNECT,
    INSTRUMENTS,
    QUOTES,
    PLACE,
    AMEND,
    CANCEL,
    REFUSED,
    TAKE,
    REST,
    TRADES,
    POSITIONS,
    BALANCE,
)

HOST = "127.0.0.1"
PATIENCE = 10.0
"""Seconds an answer may take."""

ATTEMPTS = 30
"""How often an order that rests is moved to the best price again before it counts as never filled."""


class StepFailed(Exception):
    """What a client shows is not what it should."""


class Note:
    """What a step has seen, in a few words."""

    def __init__(self) -> None:
        self.text = ""


@contextmanager
def step(name: str) -> Iterator[Note]:
    """Carry out one step and report it; the first that fails ends the script."""
    note = Note()
    try:
        yield note
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what went wrong
        _tell(name, ok=False, text=f"{type(error).__name__}: {error}")
        sys.exit(1)
    _tell(name, ok=True, text=note.text)


def expect(actual: object, expected: object, what: str) -> None:
    """Raise StepFailed unless the two are equal."""
    if actual != expected:
        raise StepFailed(f"{what} is {actual!r}, not {expected!r}")


def hold(condition: object, what: str) -> None:
    """Raise StepFailed unless ``condition`` holds."""
    if not condition:
        raise StepFailed(what)


def wait(condition: Callable[[], object], what: str, pause: Callable[[float], object] = sleep) -> None:
    """Wait until ``condition`` holds; raise StepFailed if it does not in time."""
    end = monotonic() + PATIENCE
    while not condition():
        hold(monotonic() < end, f"waited in vain for {what}")
        pause(0.02)


def installed(package: str, expected: str) -> str:
    """Return the package's name and version. Raises StepFailed if it is another version."""
    found = version(package)
    expect(found, expected, f"the version of {package}")
    return f"{package} {found}"


def arguments() -> argparse.Namespace:
    """Read what the runner hands a script."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--secret", default="")
    return parser.parse_args()


def _tell(name: str, *, ok: bool, text: str) -> None:
    sys.stdout.write(json.dumps({"step": name, "ok": ok, "text": text}) + "\n")
    sys.stdout.flush()
