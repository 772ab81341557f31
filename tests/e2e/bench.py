"""One test's own world: a data folder, profiles, and real processes on free ports, all gone when it ends."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PROFILES = Path(__file__).parents[2] / "config"
PATIENCE = 90.0
"""Seconds to wait for what must come: what is slow is the machine, what hangs is found all the same."""
T = TypeVar("T")


def until(what: str, check: Callable[[], T | None], within: float = PATIENCE) -> T:
    """Return the first thing true that ``check`` returns; fail, saying ``what``, if it never does."""
    deadline = time.monotonic() + within
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last seen: {found!r})")
        time.sleep(0.05)


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def said(self, code: int, *words: str) -> "Ran":
        """Hold it against an exit code and words of its message; no failure may show a traceback."""
        assert "Traceback" not in self.out + self.err, self
        assert self.code == code, self
        for word in words:
            assert word in self.out + self.err, (word, self)
        return self

    def refused(self, code: int, *words: str) -> "Ran":
        """As ``said``, and the whole message is one line on standard error."""
        self.said(code, *words)
        assert len(self.err.strip().splitlines()) == 1, self
        return self


class Process:
    """A command that runs. What it says goes to files, so that it can never hang on a full pipe.

    ``deaf``: its standard error goes to a pipe that nobody reads from any more. ``under``: the command that runs it.
    """

    def __init__(
        self,
        home: "Home",
        name: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        deaf: bool = False,
        under: Sequence[str] = (),
    ) -> None:
        self._out, self._err = home.folder / f"{name}.out", home.folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            nobody, pipe = os.pipe()
            os.close(nobody)
            self._popen = subprocess.Popen(
                [*under, sys.executable, "-m", "bot", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=pipe if deaf else err,
                env=env,
                start_new_session=True,
            )
            os.close(pipe)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def line(self, word: str, within: float = PATIENCE) -> str:
        """Return the first line of its output that holds ``word``."""

        def look() -> str | None:
            text = self.out
            for line in (text + self.err).splitlines():
                if word in line:
                    return line
            assert self._popen.poll() is None, f"it ended ({self._popen.returncode}): {text}{self.err}"
            return None

        return until(f"{word!r} said", look, within)

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative: the signal it died of. None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would: no last words."""
        self._popen.kill()
        self._popen.wait(10)

    def kill_group(self) -> None:
        """End it and whatever runs it, as a crash would."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)

    def end(self, within: float = PATIENCE) -> Ran:
        """Wait for its end."""
        self._popen.wait(within)
        return Ran(self._popen.returncode, self.out, self.err)

    def stop(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.terminate()
            try:
                self._popen.wait(15)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait(10)


class Bot:
    """A running daemon, as a client of its API sees it."""

    def __init__(self, process: Process, endpoint: Path) -> None:
        self.process = process
        told = json.loads(endpoint.read_text(encoding="utf-8"))
        self.token: str = told["token"]
        self.host, port = told["url"].removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", **(headers or {})}
        if token != "":
            headers["Authorization"] = f"Bearer {token or self.token}"
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text, answer.headers

    def get(self, path: str) -> Any:
        status, answer, _ = self.ask("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def post(self, path: str, body: Any) -> Any:
        status, answer, _ = self.ask("POST", path, body)
        assert status == 200, (path, status, answer)
        return answer

    def trade(self, state: str = "active") -> None:
        body = {"state": state, "by": "tester", "reason": "test"}

        def asked() -> tuple[int, Any] | None:
            status, answer, _ = self.ask("POST", "/trading", body)
            # A link that has just come up is compared anew first: the bot says so, and a person asks again.
            waits = status == 409 and answer["detail"]["code"] == "NOT_RECONCILED"
            return None if waits else (status, answer)

        status, answer = until("ledger and venues compared", asked)
        assert status == 200, (status, answer)

    def open(self, size: str, tranches: int = 1, *, collateral: bool = False) -> str:
        """Propose a spread; return the plan's id."""
        plan: str = self.post(
            "/plans",
            {
                "kind": "open",
                "direction": "long-inverse",
                "size_xbt": size,
                "tranches": tranches,
                "collateral": collateral,
                "by": "tester",
            },
        )["plan"]
        return plan

    def tickets(self) -> dict[str, Any]:
        """Return the open tickets by the role of their leg, once there are some."""
        found = until("tickets raised", lambda: self.get("/tickets"))
        return {ticket["role"]: ticket for ticket in found}

    def approve(self, ticket: Mapping[str, Any]) -> str:
        answer = self.post(f"/tickets/{ticket['id']}/approve", {"hash": ticket["hash"], "by": "tester"})
        done: str = answer["done"]
        return done

    def approve_all(self, plan: str, within: float = PATIENCE) -> str:
        """Approve what comes until the plan has ended; return how."""

        def look() -> str | None:
            for ticket in self.get("/tickets"):
                self.approve(ticket)
            status: str = self.plan(plan)["status"]
            return None if status == "active" else status

        return until(f"plan {plan} ended", look, within)

    def plan(self, plan: str) -> Any:
        return next(view for view in self.get("/plans") if view["plan"] == plan)


@dataclass(frozen=True)
class Sim:
    """The simulated venues, in a process of their own."""

    process: Process
    bitmex: int
    tws: int


class Home:
    """A data folder of the test's own, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("BASISBOT")},
            "BASISBOT_HOME": str(self.data),
            "COLUMNS": "100",
        }
        if self.env.pop("PYTHONDONTWRITEBYTECODE", None):
            # Where no bytecode is kept, every process would compile the client libraries anew, for seconds.
            self.env["PYTHONPYCACHEPREFIX"] = f"{tempfile.gettempdir()}/basisbot-bytecode-{os.getuid()}"
        self._processes: list[Process] = []

    def spawn(self, *arguments: str | Path, deaf: bool = False, under: Sequence[str] = ()) -> Process:
        """Start ``basisbot ARGUMENTS``. See ``Process``."""
        name = f"{len(self._processes):02d}-{arguments[0]}"
        process = Process(self, name, [str(argument) for argument in arguments], self.env, deaf, under)
        self._processes.append(process)
        return process

    def basisbot(self, *arguments: str | Path, within: float = PATIENCE, data: Path | None = None) -> Ran:
        """Run ``basisbot ARGUMENTS`` to its end, without a terminal. ``data``: another data folder."""
        env = self.env if data is None else {**self.env, "BASISBOT_HOME": str(data)}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            timeout=within,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def profile(
        self,
        name: str,
        bitmex: int = 1,
        tws: int = 1,
        changes: Mapping[str, object] | None = None,
        shipped: str = "sim",
    ) -> Path:
        """Write a copy of a shipped profile as instance ``name``; ``changes``: dotted key → what stands in TOML.

        A value of None leaves the key out.
        """
        wanted = {
            "instance": f'"{name}"',
            "inverse.base_url": f'"http://127.0.0.1:{bitmex}"',
            "inverse.ws_url": f'"ws://127.0.0.1:{bitmex}/realtime"',
            "linear.port": tws,
            "api.port": 0,
            **(changes or {}),
        }
        lines, section = [], ""
        for line in (PROFILES / f"{shipped}.toml").read_text(encoding="utf-8").splitlines():
            if header := re.match(r"\[([a-z._]+)\]", line):
                lines += _taken(wanted, section)
                section = header[1] + "."
            key = section + line.split("=")[0].strip()
            if "=" in line and key in wanted:
                value = wanted.pop(key)
                line = "" if value is None else f"{key.removeprefix(section)} = {value}"
            lines.append(line)
        lines += _taken(wanted, section)
        assert not wanted, f"no such section: {wanted}"
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def scenario(self, text: str) -> Path:
        path = self.folder / "scenario.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def sim(self, scenario: str = "", bitmex: int = 0, tws: int = 0) -> Sim:
        """Start the simulated venues."""
        file = self.scenario(scenario)
        process = self.spawn("sim", f"--bitmex-port={bitmex}", f"--tws-port={tws}", f"--scenario={file}")
        told = json.loads(process.line("bitmex_port"))
        return Sim(process, told["bitmex_port"], told["tws_port"])

    def bot(self, profile: Path, *, deaf: bool = False) -> Bot:
        """Start the daemon and wait until it serves."""
        process = self.spawn("run", "--profile", profile, deaf=deaf)
        process.line("basisbot runs")
        return Bot(process, self.instance(profile) / "daemon.json")

    def instance(self, profile: Path) -> Path:
        """Return the data folder of a profile ``profile`` wrote."""
        return self.data / profile.stem

    def close(self) -> None:
        # The last started first: a bot before its venues.
        for process in reversed(self._processes):
            process.stop()


def _taken(wanted: dict[str, object], section: str) -> list[str]:
    """Take the keys of ``section`` that the shipped profile leaves out."""
    keys = [key for key in wanted if key.rpartition(".")[0] == section.removesuffix(".")]
    return [f"{key.removeprefix(section)} = {wanted.pop(key)}" for key in keys]


@contextmanager
def home(folder: Path) -> Iterator[Home]:
    """Lend a world of its own; every process started in it is ended."""
    made = Home(folder)
    try:
        yield made
    finally:
        made.close()
