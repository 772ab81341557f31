"""Run other people's clients against the simulators: ``make clients``.

Each client is a process of its own in an environment of its own (``.venv-clients/``), against a simulation
of its own, all at once. Prints a table of clients and steps, and a line a client; exits with 0 if every step of every
client went well.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.clients.steps import STEPS

ROOT = Path(__file__).parents[2]
SCENARIO = Path(__file__).with_name("scenario.toml")
START_UP, PATIENCE = 30.0, 150.0
"""Seconds the simulation may take to listen, and a client for all of its steps."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A client: its environment, its script, and the simulator it talks to."""

    name: str
    environment: str
    script: str
    port: str

    @property
    def python(self) -> Path:
        return ROOT / ".venv-clients" / self.environment / "bin" / "python"


CLIENTS = (
    Foreign("ib_insync", "ib_insync", "tests.clients.ib_insync_client", "tws_port"),
    Foreign("ibapi", "ibapi", "tests.clients.ibapi_client", "tws_port"),
    Foreign("ccxt REST", "ccxt", "tests.clients.ccxt_rest_client", "bitmex_port"),
    Foreign("ccxt pro", "ccxt", "tests.clients.ccxt_pro_client", "bitmex_port"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one client did. ``seen``: words by step; ``failed``: the step that went wrong, None if none did."""

    client: Foreign
    seen: dict[str, str]
    failed: str | None
    words: str = ""


class NoSimulation(Exception):
    """The simulators did not start; ``str(error)`` says why."""


@contextmanager
def simulation() -> Iterator[dict[str, Any]]:
    """Run both simulators in a process of their own; hand out their ports. Raises NoSimulation."""
    command = [sys.executable, "-m", "adapters.simulator.launch", "--scenario", str(SCENARIO)]
    with subprocess.Popen(
        [*command, "--exit-with-parent"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line:
                words = process.communicate(timeout=START_UP)[1].strip()
                raise NoSimulation(words or "the simulators ended before they listened")
            yield json.loads(line)
        finally:
            process.terminate()


def run(client: Foreign) -> Outcome:
    """Take one client through every step. Raises NoSimulation."""
    settings = tomllib.loads(SCENARIO.read_text())
    inverse, linear = settings["inverse"], settings["linear"]
    with simulation() as listening:
        command = [str(client.python), "-m", client.script, "--port", str(listening[client.port])]
        command += ["--account", linear["account"]]
        command += ["--key", inverse["api_key"], "--secret", inverse["api_secret"]]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired as late:
            output = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
            return outcome(client, output, f"no end within {PATIENCE:.0f} s")
    return outcome(client, done.stdout, done.stderr.strip() if done.returncode else "")


def outcome(client: Foreign, output: str, trouble: str) -> Outcome:
    """Read what a script has told: every step must be there, each of them well."""
    seen: dict[str, str] = {}
    for line in output.splitlines():
        told = json.loads(line)
        if not told["ok"]:
            return Outcome(client, seen, told["step"], told["text"])
        seen[told["step"]] = told["text"]
    missing = next((name for name in STEPS if name not in seen), None)
    if missing is None and trouble:
        missing = STEPS[-1]
    return Outcome(client, seen, missing, trouble[-500:] or "the script ended early" if missing else "")


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table("step", *(o.client.name for o in outcomes), title="Foreign clients on the simulators")
    for name in STEPS:
        table.add_row(name, *(_cell(o, name) for o in outcomes))
    console.print(table)
    for done in outcomes:
        console.print(line(done), markup=False, highlight=False, soft_wrap=True)
    for done in outcomes:
        if done.failed is not None:
            console.print(f"{done.client.name}: {done.failed}: {done.words}", style="red", markup=False)


def line(done: Outcome) -> str:
    """Return what a client has seen, in one line."""
    seen = ", ".join(f"{name}: {words}" for name, words in done.seen.items())
    count = f"{len(done.seen)} of {len(STEPS)} steps"
    return f"{done.client.name}: {count}{'; ' if seen else ''}{seen}"


def _cell(done: Outcome, name: str) -> str:
    if done.failed == name:
        return "FAILED"
    return f"OK  {done.seen[name]}" if name in done.seen else "-"


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 160)
    absent = [client.environment for client in CLIENTS if not client.python.exists()]
    if absent:
        console.print(f"no environment for {', '.join(sorted(set(absent)))}: say `make clients`")
        return 2
    try:
        with ThreadPoolExecutor(len(CLIENTS)) as side_by_side:
            outcomes = list(side_by_side.map(run, CLIENTS))
    except NoSimulation as error:
        console.print(f"the simulators cannot be started: {error}", style="red", markup=False)
        return 1
    show(outcomes, console)
    return int(any(done.failed is not None for done in outcomes))


if __name__ == "__main__":
    sys.exit(main())
