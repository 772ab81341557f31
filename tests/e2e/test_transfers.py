"""A person moves money and says so at the command line; the venues' own books are the referee's."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beancount import loader

from tests.e2e.bench import Home, home, until

ROOT = Path(__file__).parents[2]


@contextmanager
def venues(it: Home) -> Iterator[dict[str, int]]:
    """Run the simulated venues with a referee; return their ports."""
    with (it.folder / "simulators.err").open("w") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "adapters.simulator.launch", "--exit-with-parent"),
                *("--bitmex-port=0", "--tws-port=0", "--referee-port=0"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def referee(port: int, path: str, body: object = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", content, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def test_transfers_by_hand(tmp_path: Path) -> None:
    with home(tmp_path) as it, venues(it) as ports:
        profile = it.profile("moves", ports["bitmex_port"], ports["tws_port"])
        it.bot(profile)

        def type_(*words: str) -> Any:
            return it.basisbot(*words, "--profile", profile)

        def asked(*words: str) -> Any:
            return type_(*words, "--json").said(0).json

        def delta() -> float:
            return float(asked("status")["delta_xbt"])

        began = delta()
        type_("transfer", "list").said(0, "nothing is on its way")
        record = ("transfer", "record", "--currency", "XBT", "--to", "bitmex", "--reason", "topped up")
        type_(*record, "--amount", "0").said(2, "more than 0")
        type_(*record, "--amount", "0.5", "--from", "moon").refused(1, "no place 'moon'", "spot, bitmex, cme")
        first = asked(*record, "--amount", "0.5")["transfer"]
        assert delta() == began + 0.5
        type_("status").said(0, first, "0.5 XBT outside → bitmex", "just now")
        type_("transfer", "done", first).refused(1, "told no deposit", "--final")

        # It arrives, a network's fee short; the bot sees it, and a person says that was the fee.
        referee(ports["referee_port"], "/cash", {"venue": "bitmex", "units": 49_990_000})
        until("the deposit was matched", lambda: asked("transfer", "list")["transfers"][0]["flows"])
        assert delta() == began + 0.5
        type_("transfer", "list").said(0, "0.0001 still missing")
        type_("transfer", "done", first).said(0, "is done", "0.00010000 XBT were lost")
        type_("transfer", "list").said(0, "nothing is on its way")
        type_("transfer", "list", "--all").said(0, first, "done")

        # One that nobody spoke of is named, and can be told late without being counted twice.
        referee(ports["referee_port"], "/cash", {"venue": "bitmex", "units": 30_000_000})
        late = until("the deposit was told", lambda: asked("transfer", "list")["unexplained"])[0]["flow"]
        assert round(delta() - began, 8) == 0.7999
        type_(*record, "--amount", "0.3").refused(1, f"--flow {late}")
        type_(*record, "--amount", "0.3", "--flow", late).said(0, "is done")
        assert round(delta() - began, 8) == 0.7999

        # Dollars go the long way from the broker, which tells nothing, and become XBT.
        wire = ("transfer", "record", "--currency", "USD", "--from", "cme", "--to", "spot")
        referee(ports["referee_port"], "/cash", {"venue": "cme", "units": -40_000 * 10**8})
        wired = asked(*wire, "--amount", "40000", "--reason", "to buy XBT")["transfer"]
        type_("transfer", "convert", "--sell-usd", "39990", "--buy-xbt", "0.5").refused(1, wired)
        type_("transfer", "done", wired, "--arrived", "39990").said(0, "is done", "10.00 USD were lost")
        type_("transfer", "convert", "--sell-usd", "39990").refused(2, "--buy-xbt")
        type_("transfer", "convert", "--sell-usd", "39990", "--buy-xbt", "0.5").said(0, "at 79,980.00 USD")
        assert round(delta() - began, 8) == 1.2999
        type_("status").said(0, "spot", "0.5 XBT")
        second = asked(*record, "--amount", "0.5", "--from", "spot")["transfer"]
        type_("transfer", "cancel", second, "--reason", "not today").said(0, "is cancelled")
        type_("transfer", "done", "nobody").refused(1, "no transfer nobody")

        # Ledger and venues agree, and nobody adopted anything; the books prove and explain it.
        until("reconciled", lambda: type_("reconcile").code == 0)
        wallets = {
            name: book["wallet"] for name, book in referee(ports["referee_port"], "/books")["venues"].items()
        }
        type_("ledger", "verify").said(0, "verified")
        report = asked("ledger", "report")
        held = {line["name"]: line["amounts"] for line in report["held"]}
        assert float(held["bitmex cash"]["xbt"]) * 10**8 == wallets["bitmex"]
        assert float(held["cme cash"]["usd"]) * 10**8 == wallets["cme"]
        assert (held["beside the venues"]["xbt"], report["adopted"], report["explained"]) == ("0.5", 0, True)
        earned = {line["name"]: line["amounts"] for line in report["earned"]}
        assert earned["fees transfers"] == {"xbt": "-0.0001", "usd": "-10"}
        assert earned["conversions"] == {"xbt": "0.5", "usd": "-39990"}
        out = tmp_path / "books.beancount"
        type_("ledger", "export", "--format", "beancount", "--out", str(out)).said(0)
        assert "Assets:Spot" in out.read_text()
        assert loader.load_file(str(out))[1] == []
