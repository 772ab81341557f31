"""``basisbot flatten``: while the bot runs, while it hangs, and when it is gone."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from pathlib import Path

from tests.e2e import books, venue_view
from tests.e2e.bench import Home, Ran, home, until


class Desk:
    """Venues, a bot, and the emergency command for it."""

    def __init__(self, it: Home, *, bot: bool = True) -> None:
        self.home = it
        self.sim = it.sim()
        self.profile = it.profile("flat", self.sim.bitmex, self.sim.tws)
        self.folder = it.instance(self.profile)
        self.ledger, self.latch = self.folder / "ledger.sqlite3", self.folder / "flatten.latch"
        if bot:
            self.bot = it.bot(self.profile)

    def flatten(self, *arguments: str) -> Ran:
        return self.home.basisbot("flatten", "--profile", self.profile, "--watch", "2", *arguments)

    def held(self) -> tuple[int, int]:
        return venue_view.bitmex_contracts(self.sim.bitmex), venue_view.broker(self.sim.tws).contracts

    def opened(self) -> tuple[int, int]:
        """Enable trading, open 0.7 XBT, and return the contracts held."""
        self.bot.trade()
        assert not self.latch.exists()
        assert self.bot.approve_all(self.bot.open("0.7")) == "done"
        inverse, linear = self.held()
        assert inverse > 50_000
        assert linear == -7
        return inverse, linear

    def flat(self) -> int:
        """Flatten for good; return how many orders that took."""
        report = self.flatten("--yes", "--json").said(0).json
        assert report["flat"] is True
        assert report["positions"] == {"bitmex:XBTUSD": 0, "cme:MBT": 0}
        assert report["unanswered"] == report["other_orders"] == []
        # A flat book is not an unexposed one: the wallet is still there.
        assert report["remaining_xbt"] == report["wallet_xbt"]
        assert abs(float(report["wallet_xbt"]) - 1) < 0.01
        assert self.held() == (0, 0)
        assert self.latch.exists()
        return int(report["orders_sent"])

    def adopted(self) -> None:
        """Hold that the ledger has all of it, by orders it knows, and that trading is halted."""

        def agree() -> bool:
            view = self.bot.get("/status")
            return view["reconciled"] and not view["positions"] and not view["orders_in_flight"]

        until("ledger and venues agree", agree, 30)
        assert self.bot.get("/status")["trading"] == "halted"
        fills = list(books.rows(books.caught_up(self.ledger, self.bot), "fill"))
        assert any((fill["client_order_id"] or "").startswith("flat-") for fill in fills)
        assert not any(fill["foreign"] for fill in fills)
        assert set(books.positions(self.ledger).values()) == {0}

    def verified(self) -> None:
        self.home.basisbot("ledger", "verify", "--file", self.ledger).said(0, "verified")


def test_while_the_bot_runs(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        desk = Desk(it)
        before = desk.opened()
        orders = _orders(desk.ledger)

        # Looked at first: nothing is sent, nothing is left behind.
        plan = desk.flatten("--dry-run", "--json").said(0).json
        assert plan["positions"] == {"bitmex:XBTUSD": before[0], "cme:MBT": before[1]}
        desk.flatten().said(2, f"{before[0]:+,} contracts", "-7 contracts", "say --yes", "nothing was sent")
        assert desk.held() == before
        assert not desk.latch.exists()
        assert not list(desk.folder.glob("flatten-*"))

        # Its orders are taken for this ledger's own, and nothing is traded any more.
        assert desk.flat() >= 2
        until("flatten's orders adopted", lambda: _orders(desk.ledger) > orders)
        desk.adopted()
        plan = desk.bot.open("0.3")
        type_ = ("--profile", str(desk.profile))
        it.basisbot("tickets", *type_).said(0, "no ticket waits", "halted", "basisbot enable")

        # Once more, with nothing to send: it stops a plan all the same, and not the next one too.
        desk.bot.trade()
        ticket = desk.bot.tickets()["hedge"]["id"]
        assert desk.flat() == 0
        until("the plan stopped", lambda: desk.bot.plan(plan)["status"] == "stopped")
        desk.adopted()
        it.basisbot("approve", ticket, *type_).said(1, "TICKET_CLOSED")
        desk.opened()
        desk.verified()


def test_while_the_bot_hangs_or_is_gone(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        desk = Desk(it)
        desk.opened()
        # Hung, it holds the ledger's lock.
        desk.bot.process.send(signal.SIGSTOP)
        assert desk.flat() >= 2
        desk.bot.process.send(signal.SIGCONT)
        until("trading halted", lambda: desk.bot.get("/status")["trading"] == "halted")
        desk.adopted()

        desk.opened()
        desk.bot.process.kill()
        assert desk.flat() >= 2
        desk.bot = it.bot(desk.profile)
        desk.adopted()
        assert "basisbot enable" in desk.bot.get("/status")["latched"]
        desk.bot.trade()
        assert not desk.latch.exists()
        assert desk.bot.get("/status")["latched"] is None
        desk.verified()


def _orders(ledger: Path) -> int:
    return sum(1 for _ in books.rows(ledger, "order"))


def test_it_asks_on_a_terminal(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        desk = Desk(it, bot=False)
        for typed, words in (("no\n", "nothing was sent"), ("\x03", "stopped before the end")):
            code, said = _typed(desk, "Type yes:", typed)
            assert code == 1
            assert words in said
            assert "Traceback" not in said
            assert not desk.latch.exists()


def _typed(desk: Desk, question: str, answer: str) -> tuple[int, str]:
    """Run flatten on a terminal of its own and type ``answer`` when it asks; return exit code and screen."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "flatten", "--profile", desk.profile],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=desk.home.env,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    said = b""
    try:
        while chunk := _read(master):
            asked = question.encode() in said
            said += chunk
            if not asked and question.encode() in said:
                os.write(master, answer.encode())
        return process.wait(90), said.decode()
    finally:
        process.kill()
        process.wait(10)
        os.close(master)


def _read(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], 30)
    assert ready, "it neither asks nor ends"
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # the other end is closed: it has ended


def test_with_one_venue_silent(tmp_path: Path) -> None:
    """A venue that does not answer is unknown, never flat."""
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("half", sim.bitmex, tws=1)
        done = it.basisbot("flatten", "--profile", profile, "--yes", "--seconds", "4").said(3, "NOT FLAT")
        assert "cme:MBT: NO ANSWER" in done.err
        assert "exposure that remains: UNKNOWN" in done.out
        assert "cme:MBT: +0" not in done.out
