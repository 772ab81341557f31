"""``basisbot watchdog`` beside a bot: one that hangs, one that only cannot be heard. The venues say what rests."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import books, venue_view
from tests.e2e.bench import Bot, Home, Process, Sim, home, until
from tests.e2e.test_one_venue_down import Gate, gate

CALM = '[market]\nvolatility = 0.02\nbasis_deviation = 0.0001\n[linear]\nmonth = "2026-12"\n'
SILENCE = 5


class Scene:
    """A bot with an order that rests, and its watchdog, which hears it through a gate."""

    def __init__(self, it: Home, sim: Sim, bot: Bot, profile: Path, dog: Path, link: Gate) -> None:
        self.home, self.sim, self.bot, self.link = it, sim, bot, link
        self.folder = it.instance(profile)
        self.ledger = self.folder / "ledger.sqlite3"
        self.profile, self.dog = profile, dog

    def watch(self) -> Process:
        process = self.home.spawn("watchdog", "--watch", "2", "--profile", self.dog)
        process.line("watchdog of watched")
        return process

    @property
    def resting(self) -> list[str]:
        return list(venue_view.bitmex(self.sim.bitmex).open_orders)

    def open(self) -> str:
        """Have a plan at work whose order rests well below the market, until the basis is wider."""
        plan: str = self.bot.post(
            "/plans",
            {
                "kind": "open",
                "direction": "long-inverse",
                "size_xbt": "0.2",
                "collateral": False,
                "min_basis": "900",
                "legging": {"working": "inverse", "style": "edge"},
                "by": "tester",
            },
        )["plan"]
        for ticket in self.bot.tickets().values():
            self.bot.approve(ticket)
        until("an order rests", lambda: self.resting)
        return plan

    def alerts(self, code: str) -> list[str]:
        found: list[Any] = self.bot.get("/status")["alerts"]
        return [alert["text"] for alert in found if alert["code"] == code]


@contextmanager
def scene(folder: Path, allowed: str = "") -> Iterator[Scene]:
    with home(folder) as it:
        sim = it.sim(CALM)
        # The venue's own switch would take the order too: later than this test lasts.
        profile = it.profile("watched", sim.bitmex, sim.tws, {"limits.switch_seconds": 60})
        bot = it.bot(profile)
        with gate(bot.port) as link:
            link.open()
            heard = {"instance": '"watched"', "watchdog.silence_seconds": SILENCE}
            heard["watchdog.url"] = f'"http://127.0.0.1:{link.port}"'
            dog = it.profile("dog", sim.bitmex, sim.tws, heard)
            with dog.open("a", encoding="utf-8") as file:
                file.write(allowed)
            bot.trade()
            yield Scene(it, sim, bot, profile, dog, link)


@pytest.mark.timeout(300)
def test_a_bot_that_hangs_and_one_that_only_cannot_be_heard(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.home.basisbot("watchdog", "--profile", it.dog, "--check").said(0, "the bot is heard")
        plan = it.open()
        dog = it.watch()
        it.bot.process.send(signal.SIGSTOP)
        names = it.resting
        assert names
        dog.line("are being cancelled")
        until("the venue lists no order of the bot's", lambda: not it.resting, 30)
        assert names[0] in dog.line("BOT_SILENT: cancelled bitmex:XBTUSD")
        it.bot.process.send(signal.SIGCONT)
        dog.line("the bot is heard again")
        until("the bot tells of it", lambda: it.alerts("WATCHDOG_ACTED"))
        assert names[0] in it.alerts("WATCHDOG_ACTED")[0]
        # It goes on: the order rests again, within the approval it has.
        until("an order rests again", lambda: it.resting)
        assert it.bot.get("/status")["trading"] == "active"

        it.link.close()
        until("cancelled once more", lambda: dog.err.count("BOT_SILENT: cancelled") == 2)
        assert it.bot.get("/status")["trading"] == "active"
        it.bot.post(f"/plans/{plan}/cancel", {"by": "tester"})
        until("nothing rests", lambda: not it.resting)
        it.link.open()
        until("heard once more", lambda: dog.err.count("heard again") == 2)
        # Unheard and heard, it works as ever.
        assert it.bot.approve_all(it.bot.open("0.2")) == "done"
        status = it.bot.get("/status")
        assert status["reconciled"]
        assert not status["orders_in_flight"]
        it.home.basisbot("ledger", "verify", "--file", books.caught_up(it.ledger, it.bot)).said(0, "verified")

        # Stopped by a person it says so, and its silence is none.
        silences = dog.err.count("BOT_SILENT")
        it.bot.process.send(signal.SIGTERM)
        it.bot.process.end().said(0)
        assert "on purpose" in dog.line("BOT_STOPPED")
        time.sleep(2 * SILENCE)
        assert dog.err.count("BOT_SILENT") == silences
        dog.send(signal.SIGTERM)
        dog.end().said(0)


ALLOWED = """
[watchdog.neutral]
approved_by = "tester"
until = 2100-01-01
max_xbt = 0.3
band_xbt = 0.05
target_delta_xbt = 0.8
after_seconds = 10
"""


@pytest.mark.timeout(300)
def test_what_a_person_allowed_is_reduced_and_the_bot_takes_it_over_when_it_is_back(tmp_path: Path) -> None:
    with scene(tmp_path, ALLOWED) as it:
        assert it.bot.approve_all(it.bot.open("0.5")) == "done"
        before = venue_view.bitmex_contracts(it.sim.bitmex)
        dog = it.watch()
        it.bot.process.send(signal.SIGSTOP)
        # The wallet's 1 XBT is not hedged: 0.2 more than the target, 0.2 XBT of some 40,000 contracts at 80,000.
        dog.line("reduced from")
        after = venue_view.bitmex_contracts(it.sim.bitmex)
        assert 15_000 < before - after < 17_000
        assert venue_view.broker(it.sim.tws).contracts == -5
        it.bot.process.send(signal.SIGCONT)
        dog.line("the bot is heard again")

        def adopted() -> bool:
            view = it.bot.get("/status")
            held = {one["instrument"]: one["contracts"] for one in view["positions"]}
            return bool(view["reconciled"] and held.get("bitmex:XBTUSD") == after)

        until("ledger and venues agree", adopted, 60)
        assert it.bot.get("/status")["trading"] == "halted"
        assert "as tester allowed" in " ".join(it.alerts("WATCHDOG_ACTED"))
        ledger = books.caught_up(it.ledger, it.bot)
        assert not any(fill["foreign"] for fill in books.rows(ledger, "fill"))
        it.home.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")
        it.home.basisbot("enable", "--profile", it.profile).said(0)


@pytest.mark.parametrize("change", [None, '"http://127.0.0.1:1"'])
def test_what_is_wrong_is_said(tmp_path: Path, change: str | None) -> None:
    with home(tmp_path) as it:
        profile = it.profile("alone", changes={"watchdog.url": change or '"http://10.0.0.1:8460"'})
        if change is None:
            it.basisbot("watchdog", "--profile", profile).refused(2, "watchdog.url", "this machine only")
        else:
            it.basisbot("watchdog", "--profile", profile, "--check").refused(3, "127.0.0.1:1")
