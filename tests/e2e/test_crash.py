"""The bot is killed in the middle of a tranche, or its venues are: nothing twice, nothing lost, nothing naked."""

import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e import books, venue_view
from tests.e2e.bench import Bot, Home, Ran, home, until

# A hedge is on its way this long: who kills the bot at a fill finds it there.
SLOW_HEDGES = "[inverse]\nlatency_milliseconds = 150\n"


def _await_words(log: Path, words: str, times: int = 1) -> None:
    """Return as soon as the log has said ``words`` so often."""
    deadline = time.monotonic() + 20
    while log.read_text(encoding="utf-8").count(words) < times:
        assert time.monotonic() < deadline, f"{words!r} not {times} times in {log}"
        time.sleep(0.002)


def _unhedged(ledger: Path) -> float:
    """Return the XBT of the spread's legs that nothing answers, by the ledger's fills."""
    naked = 0.0
    for fill in books.rows(ledger, "fill"):
        size = fill["quantity"] / 10 if fill["venue"] == "cme" else fill["quantity"] / float(fill["price"])
        naked += size if fill["side"] == "buy" else -size
    return naked


def test_killed_in_the_middle_of_a_tranche(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim(SLOW_HEDGES)
        profile = it.profile("crash", sim.bitmex, sim.tws, {"limits.clip_pause_seconds": 0.7})
        folder = it.instance(profile)
        ledger, log = folder / "ledger.sqlite3", folder / "basisbot.log"
        bot = it.bot(profile)
        bot.trade()
        plan = bot.open("2")
        for ticket in bot.tickets().values():
            bot.approve(ticket)

        # The first death: the hedge has reached the venue and is done there, and the bot never hears of it.
        _await_words(log, "hedge order")
        time.sleep(0.05)  # written to the socket by now; its answer takes three times as long
        bot.process.send(signal.SIGSTOP)
        until("the hedge done", lambda: venue_view.bitmex(sim.bitmex).traded)
        bot.process.kill()
        cuts = [books.events(ledger)[-1].seq]
        it.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")
        it.basisbot("status", "--profile", profile).refused(3, "does not answer", "basisbot run")

        # The second: at a fill of its second life, the hedge barely on its way.
        bot = it.bot(profile)
        _await_words(log, "working fill", log.read_text(encoding="utf-8").count("working fill") + 1)
        bot.process.kill()
        cuts.append(books.events(ledger)[-1].seq)

        bot = it.bot(profile)
        until("the plan done", lambda: bot.plan(plan)["status"] == "done", 30)
        assert bot.get("/status")["reconciled"]

        books.caught_up(ledger, bot)
        _nothing_new_before_the_naked_part_is_hedged(ledger, cuts)
        ids = Counter(order["client_order_id"] for order in books.rows(ledger, "order"))
        assert set(ids.values()) == {1}
        executions = Counter(fill["execution_id"] for fill in books.rows(ledger, "fill"))
        assert set(executions.values()) == {1}
        assert not any(fill["foreign"] for fill in books.rows(ledger, "fill"))

        # The venues know the same executions, each from an order of this ledger, and no position beside them.
        inverse, linear = venue_view.bitmex(sim.bitmex), venue_view.broker(sim.tws)
        traded = [*inverse.traded, *linear.traded]
        assert {trade.execution_id for trade in traded} == set(executions)
        assert {trade.client_order_id for trade in traded} <= set(ids)
        assert books.positions(ledger) == {"bitmex": inverse.contracts, "cme": linear.contracts}
        assert linear.contracts == -20
        assert not inverse.open_orders
        assert not linear.open_orders
        # 2 XBT are hedged to less than a lot.
        assert abs(_unhedged(ledger)) < 150 / 80_000 * 2
        it.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")


def _nothing_new_before_the_naked_part_is_hedged(ledger: Path, cuts: list[int]) -> None:
    """After each restart the first orders are hedges, until what had filled is answered."""
    naked = 0.0
    restarts = 0
    lives = [*cuts, 10**9]
    for event in books.events(ledger):
        if event.kind == "FillBooked":
            fill = event.payload["fill"]
            size = fill["quantity"] / 10
            if fill["instrument"]["venue"] == "bitmex":
                size = fill["quantity"] / float(fill["price"])
            naked += size if fill["side"] == "buy" else -size
        if event.seq > lives[restarts]:
            restarts += 1
        if event.kind == "OrderIntended" and event.payload["purpose"] == "work":
            assert abs(naked) < 0.004, f"event {event.seq} works on while {naked:+.4f} XBT are naked"
    assert restarts == len(cuts)


def test_the_venues_die_and_come_back_empty(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("alone", sim.bitmex, sim.tws)
        ledger = it.instance(profile) / "ledger.sqlite3"
        # Nobody reads what it says, as when the other end of its pipe has gone: it goes on.
        bot = it.bot(profile, deaf=True)
        bot.trade()
        assert bot.approve_all(bot.open("0.3")) == "done"
        held = books.positions(books.caught_up(ledger, bot))

        plan = bot.open("0.3")
        tickets = bot.tickets()
        sim.process.kill()
        until("links down", lambda: _links(bot) == {"bitmex": "down", "cme": "down"})
        assert not bot.get("/status")["reconciled"]
        orders = sum(1 for _ in books.rows(ledger, "order"))
        for ticket in tickets.values():
            bot.approve(ticket)
        it.basisbot("status", "--profile", profile).said(0, "bitmex down", "cme down", "not reconciled")
        it.basisbot("reconcile", "--profile", profile).refused(3)
        it.basisbot("enable", "--profile", profile).refused(1, "must agree first")

        # The same ports, another world: what the ledger holds is not there.
        again = it.sim(bitmex=sim.bitmex, tws=sim.tws)
        until("links up", lambda: _links(bot) == {"bitmex": "up", "cme": "up"}, 40)
        view = until("the mismatch told", lambda: _mismatch(bot), 30)
        told = " ".join(view["differences"])
        assert f"the venue holds 0 contracts, the ledger {held['bitmex']}" in told
        assert f"the venue holds 0 contracts, the ledger {held['cme']}" in told
        assert any(alert["code"] == "RECONCILE_MISMATCH" for alert in view["alerts"])
        it.basisbot("reconcile", "--profile", profile).said(
            4, "bitmex:XBTUSD position", "+0 contracts", "hash"
        )
        it.basisbot("enable", "--profile", profile).refused(1, "must agree first")

        assert bot.plan(plan)["status"] == "active"
        books.caught_up(ledger, bot)
        assert sum(1 for _ in books.rows(ledger, "order")) == orders
        assert venue_view.bitmex(again.bitmex).untouched
        assert venue_view.broker(again.tws).untouched
        assert books.positions(ledger) == held
        _adopted(it, profile, bot)


def _adopted(it: Home, profile: Path, bot: Bot) -> None:
    """A person takes the new world over: what was shown, and nothing else; then trading is enabled again."""

    def reconcile(*arguments: str) -> Ran:
        return it.basisbot("reconcile", *arguments, "--profile", profile)

    reconcile("--adopt").refused(2, "--reason")
    reconcile("--adopt", "--reason", "a new world").said(2, "no terminal", "nothing was adopted")
    reconcile("--adopt", "--reason", "a new world", "--hash", "0" * 16).said(1, "ADOPT_ALTERED")
    shown = reconcile("--json").said(4).json
    assert {item["subject"] for item in shown["items"]} >= {"bitmex:XBTUSD position", "cme:MBT position"}
    done = reconcile("--adopt", "--reason", "a new world", "--hash", shown["hash"])
    done.said(0, f"{len(shown['items'])} differences adopted; trading is halted", "agree", "basisbot enable")
    reconcile("--adopt", "--reason", "again", "--yes").said(0, "ledger and venues agree")
    view = bot.get("/status")
    assert view["reconciled"]
    assert view["positions"] == []
    it.basisbot("ledger", "verify", "--profile", profile).said(0, "verified", "adopted", "a new world")
    it.basisbot("enable", "--profile", profile).said(0, "trading is active")


def _links(bot: Bot) -> object:
    return bot.get("/status")["links"]


def _mismatch(bot: Bot) -> dict[str, Any] | None:
    view: dict[str, Any] = bot.get("/status")
    # One venue may be back a moment before the other: what it says is told already.
    return view if {line.split(":")[0] for line in view["differences"]} == {"bitmex", "cme"} else None
