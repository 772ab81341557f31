"""Commands that do not trade load no library that takes long to load. (Held by what is loaded: a clock would lie.)"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bot.orders.market import Market
from bot.orders.state import BotState
from bot.surfaces import views
from tests.unit.bot.views import NOTHING_AHEAD

HEAVY = (
    "pydantic",
    "sqlmodel",
    "sqlalchemy",
    "ccxt",
    "ib_async",
    "fastapi",
    "uvicorn",
    "aiohttp",
    "structlog",
    "asyncio",
)
STATUS: dict[str, Any] = {
    **views.status(BotState(), Market(), datetime(2026, 11, 22, tzinfo=UTC)),
    "instance": "demo",
    "mode": "simulated",
    "shadow": False,
    "pid": 1,
    "latched": None,
    "outlook": NOTHING_AHEAD,
    "alerts": [],
    "reconciliation": {"missing": [], "problem": None, "next_try_seconds": None},
}
LIGHT = [
    "--help",
    "status",
    "tickets",
    "plan list",
    "plan cancel x",
    "reject x --reason no",
    "halt",
    "transfer list",
    "calc guides",
    "scenario",
]


class Answers(BaseHTTPRequestHandler):
    """A bot at which nothing happens."""

    def do_GET(self) -> None:
        answer: Any = STATUS if self.path == "/status" else []
        if self.path.startswith("/transfers"):
            answer = {"transfers": [], "spot": {}, "unexplained": []}
        self._say(answer)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({"done": "done"})

    def _say(self, answer: Any) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The data of a bot that answers."""
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "demo").mkdir()
        endpoint = {"url": f"http://127.0.0.1:{server.server_port}", "token": "x"}
        (tmp_path / "demo" / "daemon.json").write_text(json.dumps(endpoint))
        yield tmp_path
        server.shutdown()
        thread.join()


def loaded_after(command: str, home: Path) -> set[str]:
    """Run a command to its end, and return the heavy packages it has loaded."""
    script = (
        "import sys\n"
        f"sys.argv = ['basisbot', *{command.split()!r}]\n"
        "from bot.cli import main\n"
        "code = None\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    code = end.code\n"
        "print('LOADED', code, *sys.modules, file=sys.stderr)\n"
    )
    env = {**os.environ, "BASISBOT_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    _, code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done
    return {module.split(".")[0] for module in modules} & set(HEAVY)


@pytest.mark.parametrize("command", LIGHT)
def test_a_light_command_loads_nothing_heavy(command: str, home: Path) -> None:
    assert loaded_after(command, home) == set()


def test_what_is_heavy_is_noticed(home: Path) -> None:
    assert "pydantic" in loaded_after("config show", home)
