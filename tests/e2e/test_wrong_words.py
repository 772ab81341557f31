"""What a person may get wrong before anything is connected: one clear line, and an exit code that says whose fault."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bench import Home, home


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("frobnicate", ["no such command 'frobnicate'"]),
        ("plan opn", ["no such command 'opn'", "did you mean 'open'"]),
        ("status --frob", ["no such option: --frob", "basisbot status --help"]),
        ("approve", ["missing argument 'ticket'"]),
        ("demo --seconds -1", ["--seconds", "from 0.1 to 86,400"]),
        ("demo --seconds 0", ["--seconds", "from 0.1 to 86,400"]),
        ("demo --seconds abc", ["--seconds", "must be a number", "not abc"]),
        ("demo --seconds nan", ["--seconds"]),
        ("sim --bitmex-port 99999", ["--bitmex-port", "65535"]),
        ("demo --scenario /nowhere.toml", ["/nowhere.toml", "no such file"]),
        ("demo --scenario weekend", ["closure, deposit, orphan, night"]),
        ("demo --scenario night --auto-approve", ["choose one of the two"]),
        ("plan open --size 0", ["--size", "more than 0"]),
        ("plan open --size nan", ["--size", "'nan'"]),
        ("plan open --size 1,5", ["--size", "'1,5'"]),
        ("plan open --tranches two", ["--tranches", "'two' is not a whole number"]),
        ("plan open --tranches 91", ["--tranches", "must be a whole number from 1 to 90, not 91"]),
        ("plan open --size 1e999999999", ["--size", "1e999999999"]),
        ("plan open --direction up", ["--direction", "long-inverse"]),
        ("run --profile smi", ["did you mean sim?"]),
        ("run --profile nowhere.toml", ["nowhere.toml", "no such file"]),
        ("run --profile live", ["--live", "real money"]),
        ("flatten --profile live --yes", ["--live", "real money"]),
        ("demo --profile testnet", ["needs a simulated profile"]),
        ("flatten --seconds nan", ["--seconds", "86,400"]),
        ("replay x.csv --size much", ["--size", "'much'"]),
        ("flatten --seconds inf", ["--seconds", "86,400"]),
    ],
)
def test_words(it: Home, typed: str, words: list[str]) -> None:
    done = it.basisbot(*typed.split()).refused(2)
    assert not done.out
    for word in words:
        assert word in done.err.lower(), done
    assert not list(it.data.glob("**/ledger*"))


def test_said_nothing(it: Home) -> None:
    """Without a command there is help, and the exit code of wrong usage."""
    for typed in ([], ["plan"], ["ledger"], ["config"]):
        assert "Commands:" in it.basisbot(*typed).said(2).err
    assert "Commands:" in it.basisbot("--help").said(0).out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"linear.prt": 3}, ["linear.prt", "unknown key", "did you mean port?"]),
        ({"linear.client_id": '"eleven"'}, ["linear.client_id", "integer"]),
        ({"api.port": 70000}, ["api.port", "65535"]),
        ({"linear.port": -1}, ["linear.port"]),
        ({"limits.max_plan_xbt": "nan"}, ["limits.max_plan_xbt", "finite"]),
        ({"mode": '"simulatd"'}, ["mode", "simulated"]),
        ({"inverse.base_url": '"https://example.org"'}, ["inverse.base_url", "this machine only"]),
        ({"linear.account": None}, ["linear.account", "is missing"]),
    ],
)
def test_a_profile_that_cannot_be(it: Home, changes: dict[str, object], words: list[str]) -> None:
    profile = it.profile("wrong", changes=changes)
    done = it.basisbot("config", "check", "--profile", profile).refused(2, str(profile), *words)
    assert not done.out


def test_a_file_that_is_no_profile(it: Home) -> None:
    file = it.folder / "odd.toml"
    file.write_bytes(b'instance = "x\n')
    it.basisbot("status", "--profile", file).refused(2, "is not TOML", "line 1")
    file.write_bytes(b"\xff\xfe")
    it.basisbot("status", "--profile", file).refused(2, "is not UTF-8")
    it.basisbot("status", "--profile", f"{it.folder}/").refused(2, "Is a directory")


def test_a_scenario_that_cannot_be(it: Home) -> None:
    for text, word in (("seed = = 1", "not TOML"), ("[market]\nindx = 1", "[market] has no indx")):
        file = it.scenario(text)
        it.basisbot("sim", "--bitmex-port=0", "--tws-port=0", "--scenario", file).refused(2, word)
    it.basisbot("demo", "--auto-approve", "--scenario", file).refused(2, "[market] has no indx")


def test_a_recording_that_is_not_there(it: Home) -> None:
    it.basisbot("replay", str(it.folder / "none.csv")).refused(2, "none.csv", "No such file")


def test_an_option_that_must_be_said_is_asked_for_in_one_line(it: Home) -> None:
    it.basisbot("ledger", "export").refused(2, "missing option '--format': choose from csv, beancount")


def test_nobody_there(it: Home) -> None:
    it.basisbot("status").refused(3, "no bot is running for instance 'demo'", "basisbot run")
    it.basisbot("ledger", "verify").refused(4, "there is no ledger")
    # Ports nobody listens on: told within seconds, and where to find somebody.
    profile = it.profile("lonely")
    it.basisbot("run", "--profile", profile).said(3, "127.0.0.1", "basisbot sim")


def test_a_port_in_use(it: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        it.basisbot("run", "--profile", it.profile("taken", changes={"api.port": port})).refused(
            2, f"127.0.0.1:{port}", "Address already in use", "api.port"
        )
        it.basisbot("sim", "--bitmex-port", str(port), "--tws-port=0").refused(3, str(port), "in use")


def test_a_data_folder_that_cannot_be(it: Home) -> None:
    blocked = it.folder / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    below = blocked / "below"
    it.basisbot("demo", "--auto-approve", data=below).refused(2, str(blocked), "BASISBOT_HOME")
    it.basisbot("run", data=below).refused(2, str(blocked), "BASISBOT_HOME")
    # The emergency command is no place to be strict: it says so, and goes on to the venues if it can.
    profile = it.profile("nowhere")
    it.basisbot("flatten", "--yes", "--seconds", "1", "--profile", profile, data=below).said(3, "NOT FLAT")
    it.basisbot("status", data=below).refused(3)


def test_a_ledger_that_is_none(it: Home) -> None:
    profile = it.profile("odd")
    ledger = it.instance(profile) / "ledger.sqlite3"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"rubbish " * 1000)
    it.basisbot("run", "--profile", profile).said(4, str(ledger), "no ledger")
    it.basisbot("ledger", "verify", "--profile", profile).said(4, "DAMAGED", "no ledger")
    assert ledger.read_bytes() == b"rubbish " * 1000
    ledger.unlink()
    ledger.mkdir()
    it.basisbot("run", "--profile", profile).said(4, str(ledger))


def test_flatten_does_not_guess_between_instances(it: Home) -> None:
    (it.data / "sim").mkdir(parents=True)
    (it.data / "sim" / "daemon.json").write_text("{}")
    it.basisbot("flatten", "--yes").said(2, "there is a bot of sim", "--profile", "nothing was sent")
