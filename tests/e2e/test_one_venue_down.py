"""The daemon while one venue cannot be reached: it runs, says so, sends nothing new, and goes on when it is back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e import books
from tests.e2e.bench import Bot, home, until


class Gate:
    """A port that leads to another one while it is open. Closed, it refuses connections and drops those there are."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket | None = None
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port: int = found.getsockname()[1]

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def gate(to: int) -> Iterator[Gate]:
    made = Gate(to)
    try:
        yield made
    finally:
        made.close()


def test_the_broker_is_down_at_the_start(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        with gate(sim.tws) as to_broker:
            profile = it.profile("half", sim.bitmex, to_broker.port)
            ledger = it.instance(profile) / "ledger.sqlite3"
            bot = it.bot(profile)
            it.basisbot("status", "--profile", profile).said(
                0, "bitmex up, cme down", "is not in force", "cme not reached since the start", "again in"
            )
            assert bot.ask("GET", "/readyz")[0] == 503
            it.basisbot("reconcile", "--profile", profile).refused(3, "cme", "not reached since the start")
            it.basisbot("enable", "--profile", profile).refused(1, "must agree first")
            it.basisbot("plan", "open", "--size", "0.3", "--profile", profile).refused(1, "is not loaded")

            to_broker.open()
            until("both agree", lambda: bot.get("/status")["reconciled"], 30)
            bot.trade()
            assert bot.approve_all(bot.open("0.3")) == "done"
            waiting = bot.open("0.3")
            bot.tickets()
            held = books.positions(books.caught_up(ledger, bot))
            bot.process.kill()
            to_broker.close()

            # A second life without the broker: active by the ledger, and yet nothing new.
            bot = it.bot(profile)
            view = bot.get("/status")
            assert (view["trading"], view["reconciled"]) == ("active", False)
            assert view["reconciliation"]["missing"][0]["venue"] == "cme"
            orders = sum(1 for _ in books.rows(ledger, "order"))
            # Nobody can see both prices: what was asked before is not approved on old ones.
            tickets = bot.get("/tickets")
            assert tickets
            for ticket in tickets:
                body = {"hash": ticket["hash"], "by": "tester"}
                status, answer, _ = bot.ask("POST", f"/tickets/{ticket['id']}/approve", body)
                assert (status, answer["detail"]["code"]) == (409, "TICKET_STALE")
            until("tried three times", lambda: _tries(bot) >= 3, 30)
            assert sum(1 for _ in books.rows(ledger, "order")) == orders
            assert bot.plan(waiting)["status"] == "active"

            # What can be reached can be got flat; what cannot is said.
            done = it.basisbot("flatten", "--yes", "--seconds", "3", "--profile", profile)
            done.said(
                3,
                "NOT FLAT",
                "cme",
                f"last heard: {held['cme']:+,} contracts",
                "if what was last heard still holds",
            )
            assert held["bitmex"] != 0
            it.basisbot("plan", "cancel", waiting, "--profile", profile).said(1, "already")

            to_broker.open()
            until("both agree again", lambda: bot.get("/status")["reconciled"], 90)
            assert bot.get("/status")["trading"] == "halted", "flatten was the last word"


def _tries(bot: Bot) -> int:
    missing: list[dict[str, Any]] = bot.get("/status")["reconciliation"]["missing"]
    return missing[0]["tries"] if missing else 0
