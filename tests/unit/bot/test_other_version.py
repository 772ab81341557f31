"""A command line and a bot of two versions, and a command that comes while the bot starts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bot.runtime.files import Files, announced
from bot.runtime.version import version
from bot.surfaces.headers import VERSION
from tests.unit.bot.test_light_start import STATUS

MAIN = "import sys; sys.argv[0] = 'basisbot'; from bot.cli import main; main()"


class Told(BaseHTTPRequestHandler):
    """A bot of a version of its own, whose status lacks what ``without`` names."""

    version: str | None = None
    without = ""

    def do_GET(self) -> None:
        known = self.path == "/status"
        answer: Any = {key: value for key, value in STATUS.items() if key != self.without}
        self.send_response(200 if known else 404)
        if self.version is not None:
            self.send_header(VERSION, self.version)
        self.end_headers()
        self.wfile.write(json.dumps(answer if known else {"detail": "Not Found"}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[tuple[type[Told], Path]]:
    """A bot that answers, and the folder of its data."""

    class This(Told):
        pass

    with HTTPServer(("127.0.0.1", 0), This) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "demo").mkdir()
        endpoint = {"url": f"http://127.0.0.1:{server.server_port}", "token": "x"}
        (tmp_path / "demo" / "daemon.json").write_text(json.dumps(endpoint))
        yield This, tmp_path
        server.shutdown()
        thread.join()


def basisbot(home: Path, *typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *typed],
        env={**os.environ, "BASISBOT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bot_of_the_same_version_is_not_remarked_on(bot: tuple[type[Told], Path]) -> None:
    told, home = bot
    told.version = version()
    done = basisbot(home, "status")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_answer_that_lacks_something_is_put_down_to_the_version(bot: tuple[type[Told], Path]) -> None:
    told, home = bot
    told.version, told.without = "0.0.9+01234567", "positions"
    done = basisbot(home, "status")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    said = f"the bot at work is version 0.0.9+01234567, this command is {version()}: restart the bot"
    assert said in done.stderr


def test_a_bot_that_says_no_version_is_read_as_far_as_it_goes(bot: tuple[type[Told], Path]) -> None:
    _, home = bot
    done = basisbot(home, "status")
    assert done.returncode == 0
    assert "trading" in done.stdout
    assert "the bot at work says no version (it is older), this command is" in done.stderr


def test_a_command_the_bot_does_not_know_says_so(bot: tuple[type[Told], Path]) -> None:
    told, home = bot
    told.version = "9.0.0+76543210"
    done = basisbot(home, "basis")
    assert done.returncode == 1
    assert "the bot at work is version 9.0.0+76543210" in done.stderr


def test_a_bot_that_starts_is_waited_for(bot: tuple[type[Told], Path]) -> None:
    told, home = bot
    told.version = version()
    endpoint = home / "demo" / "daemon.json"
    kept = endpoint.rename(home / "kept.json")
    with (
        announced(Files(home / "demo")),
        subprocess.Popen(
            [sys.executable, "-c", MAIN, "status"],
            env={**os.environ, "BASISBOT_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as asked,
    ):
        assert asked.stderr is not None
        said = asked.stderr.readline()
        kept.rename(endpoint)
        out, _ = asked.communicate()
    assert said == f"the bot of instance 'demo' is starting (pid {os.getpid()}): waiting for it\n"
    assert asked.returncode == 0
    assert "trading" in out


def test_a_bot_that_died_while_it_started_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    # Its number is another process's by now: this one's.
    (tmp_path / "demo" / "starting.json").write_text(json.dumps({"pid": os.getpid()}))
    done = basisbot(tmp_path, "status")
    assert done.returncode == 3
    assert done.stderr.startswith("no bot is running for instance 'demo'")


def test_a_flatten_without_a_profile_asks_which_while_another_instance_starts(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    with announced(Files(tmp_path / "live")):
        done = basisbot(tmp_path, "flatten", "--yes")
    assert done.returncode == 2
    assert "there is a bot of live: say which instance" in done.stderr


@pytest.mark.parametrize(
    ("typed", "code"), [("status", 3), ("run --profile demo", 2), ("ledger verify", 4), ("ledger report", 4)]
)
def test_a_data_folder_that_is_a_file(tmp_path: Path, typed: str, code: int) -> None:
    (tmp_path / "demo").write_text("")
    done = basisbot(tmp_path, *typed.split())
    assert done.returncode == code
    assert str(tmp_path / "demo") in done.stderr
    assert "Traceback" not in done.stderr
    assert "Errno" not in done.stdout + done.stderr
