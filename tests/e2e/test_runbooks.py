"""What the runbooks tell a person to type is typed, in the situation it is meant for.

Every ``basisbot …`` a page quotes must have been typed when its test ends: a command that is added to a page fails here
until it is thought of.
"""

import signal
from pathlib import Path

from tests.e2e.bench import Bot, Home, home, until
from tests.unit.project.test_pages import RUNBOOKS, commands

# How commands end that do not end with 0: nothing is pending that could be called off.
ENDS = {"flatten --call-off": 1}


class Page:
    """A page at a person's side: what it quotes, and what of that has been typed."""

    def __init__(self, it: Home, name: str, profile: Path) -> None:
        self._it, self._profile = it, profile
        self._quoted = {
            " ".join(words[2:]) for words in commands(RUNBOOKS / f"{name}.md") if "PROFILE" in words
        }
        assert self._quoted
        self._typed: set[str] = set()

    def type(self, command: str, *said: str, beside: tuple[str, ...] = ()) -> str:
        """Type a command of the page, ``beside``: what a test must add, for want of a terminal and of time."""
        assert command in self._quoted, (command, self._quoted)
        self._typed.add(command)
        done = self._it.basisbot(*command.split(), "--profile", self._profile, *beside, within=90)
        done.said(ENDS.get(command, 0), *said)
        return done.out + done.err

    def runs(self) -> Bot:
        """Type the page's ``run``, in a terminal of its own."""
        assert "run" in self._quoted
        self._typed.add("run")
        return self._it.bot(self._profile)

    def all_typed(self) -> None:
        assert self._typed == self._quoted


def alerted(bot: Bot, code: str) -> None:
    until(code, lambda: code in {alert["code"] for alert in bot.get("/status")["alerts"]}, 60)


def test_an_order_is_unknown_then_everything_must_go(tmp_path: Path) -> None:
    """The hedge is lost on its way; it is asked about until its absence can be trusted. Then a person wants out."""
    with home(tmp_path) as it:
        sim = it.sim("[inverse.faults]\nlost = 1.0\nat_most = 1\n")
        profile = it.profile("unknown", sim.bitmex, sim.tws)
        bot = it.bot(profile)
        page = Page(it, "order-unknown", profile)
        bot.trade()
        plan = bot.open("0.3")
        assert bot.approve_all(plan, 60) == "done"
        alerted(bot, "ORDER_UNKNOWN")
        page.type("status", "ORDER_UNKNOWN", "runbooks/order-unknown.md")
        assert bot.get("/status")["orders_in_flight"] == []
        page.type("ledger verify", "verified")
        page.all_typed()

        page = Page(it, "emergency-flatten", profile)
        quick = ("--yes", "--watch", "1")
        page.type("status", "MBT")
        page.type("halt", "halted")
        page.type("flatten --dry-run", "nothing was sent")
        assert len(bot.get("/status")["positions"]) == 2
        page.type("flatten", "FLAT", beside=quick)
        page.type("flatten --no-wait", beside=quick)
        page.type("flatten --hold-hedge", beside=quick)
        page.type("flatten --everything", beside=quick)
        page.type("flatten --call-off")
        bot.process.send(signal.SIGTERM)
        bot.process.end().said(0)
        again = page.runs()
        until("ledger and venues agree", lambda: again.get("/status")["reconciled"], 60)
        page.type("ledger verify", "verified")
        page.all_typed()


def test_a_leg_stands_alone(tmp_path: Path) -> None:
    """The inverse venue refuses every hedge: what has filled is taken back, and a person is told."""
    with home(tmp_path) as it:
        sim = it.sim("[inverse.faults]\nrefused = 1.0\n")
        profile = it.profile("legged", sim.bitmex, sim.tws, {"limits.unhedged_seconds": 1})
        bot = it.bot(profile)
        page = Page(it, "legged-position", profile)
        bot.trade()
        bot.open("0.3")
        for ticket in bot.tickets().values():
            bot.approve(ticket)
        alerted(bot, "LEGGED_POSITION")
        page.type("status", "LEGGED_POSITION", "runbooks/legged-position.md")
        page.type("ledger verify", "verified")
        page.all_typed()
        until("taken back", lambda: not bot.get("/status")["positions"], 60)
