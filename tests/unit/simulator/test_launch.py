"""The simulators as a process of their own."""

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "adapters.simulator.launch"]
ROOT = Path(__file__).parents[3]


@contextmanager
def launched(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> dict[str, int]:
    if process.stdout is None:
        raise RuntimeError("no pipe")
    answer: dict[str, int] = json.loads(process.stdout.readline())
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_its_ports_and_stops_when_told(number: signal.Signals) -> None:
    with launched() as process:
        listening = ready(process)
        assert listening.keys() == {"bitmex_port", "tws_port", "pid"}
        assert listening["pid"] == process.pid
        for name in ("bitmex_port", "tws_port"):
            with socket.create_connection(("127.0.0.1", listening[name]), timeout=90):
                pass
        process.send_signal(number)
        assert process.communicate(timeout=90) == ("", "")
        assert process.returncode == 0


def test_it_ends_with_its_parent_if_asked() -> None:
    with launched("--exit-with-parent", "--seed", "4") as process:
        ready(process)
        assert process.communicate(timeout=90) == ("", "")
        assert process.returncode == 0


def test_the_referee_tells_the_exchanges_own_books_and_ends_the_faults(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        "[inverse]\nwallet = 2.5\n[inverse.faults]\nlost = 0.5\n[linear.faults]\ncorrected = 1\n"
    )
    with launched("--scenario", str(scenario), "--referee-port=0") as process:
        address = f"http://127.0.0.1:{ready(process)['referee_port']}"
        with urllib.request.urlopen(f"{address}/books", timeout=90) as answer:
            told = json.loads(answer.read())
        assert told["venues"]["bitmex"]["wallet"] == 250_000_000
        assert told["venues"]["bitmex"]["faults"] == {"lost": 0}
        assert told["venues"]["cme"]["faults"] == {"corrected": 0}
        assert told["venues"]["cme"]["executions"] == told["venues"]["cme"]["orders"] == []
        with urllib.request.urlopen(f"{address}/faults", b'{"enabled": false}', timeout=90) as answer:
            assert json.loads(answer.read())["bitmex"] == {"lost": 0}
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"{address}/faults", b'{"enabled": 0}', timeout=90)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=90)
        assert json.loads(out) == {"faults": {"bitmex": {"lost": 0}, "cme": {"corrected": 0}}}
        assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("flag", ["--bitmex-port", "--tws-port", "--referee-port"])
def test_a_port_in_use_is_said_in_one_line(flag: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, flag, port], capture_output=True, text=True, timeout=90, cwd=ROOT)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--tws-port", "65536"], "argument --tws-port: not a port (0 to 65535): '65536'"),
        (["--seed", "-1"], "argument --seed: not a seed (a whole number from 0): '-1'"),
        (
            ["--scenario", "/nowhere.toml"],
            "scenario /nowhere.toml: cannot be read: No such file or directory",
        ),
        (["--data", "/nowhere.csv"], "/nowhere.csv: cannot be read: No such file or directory"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(arguments: list[str], complaint: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=90, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint + "\n")
