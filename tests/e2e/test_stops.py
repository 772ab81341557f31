"""Protective stops over sockets: they fill at the venue while the bot is dead, and flatten meets the bot's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import books
from tests.e2e.bench import Home, home, until
from tests.simulation.day import Venues, launched

# From these, near its end, a margin watch would do more than is looked at here.
QUIET = {"automation.margin.last_percent": 1, "automation.margin.top_up_percent": 2}


class Scene:
    """Two XBT of spread and its collateral's hedge on 0.6 XBT, and the ladder the bot has approved and rests."""

    def __init__(self, it: Home, venues: Venues, profile: Path) -> None:
        self.home, self.venues, self.profile = it, venues, profile
        self.ledger = it.instance(profile) / "ledger.sqlite3"
        self.bot = it.bot(profile)

    def protect(self) -> list[dict[str, Any]]:
        """Return the stops that rest."""
        self.bot.trade()
        assert self.bot.approve_all(self.bot.open("2", 2, collateral=True)) == "done"

        def rest() -> list[dict[str, Any]] | None:
            self.approve()
            return self.stops if len(self.stops) == 5 else None

        return until("the ladder rests", rest)

    def approve(self) -> None:
        for ticket in self.bot.get("/tickets"):
            # One that is void by now is asked for anew.
            self.bot.ask("POST", f"/tickets/{ticket['id']}/approve", {"hash": ticket["hash"], "by": "tester"})

    def book(self, venue: str) -> Any:
        """What the exchange's own books say."""
        return self.venues.books()["venues"][venue]

    @property
    def stops(self) -> list[dict[str, Any]]:
        """The stops that rest."""
        return [one for one in self.book("bitmex")["orders"] if one["stop"] and one["live"]]

    @property
    def held(self) -> tuple[int, int]:
        inverse, linear = (sum(self.book(venue)["positions"].values()) for venue in ("bitmex", "cme"))
        return inverse, linear

    @property
    def is_at_rest(self) -> bool:
        """Whether books and venues agree, and nothing but stops is out."""
        status = self.bot.get("/status")
        stops = {one["client_order_id"] for one in self.stops}
        return bool(status["reconciled"]) and {one["id"] for one in status["orders_in_flight"]} <= stops

    def told(self, code: str) -> list[str]:
        return [one["text"] for one in self.bot.get("/status")["alerts"] if one["code"] == code]

    def verified(self) -> None:
        ledger = books.caught_up(self.ledger, self.bot)
        assert not any(fill["foreign"] for fill in books.rows(ledger, "fill"))
        self.home.basisbot("ledger", "verify", "--file", ledger).said(0, "verified")


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    now = datetime.now(UTC).replace(microsecond=0)
    closes, opens = now + timedelta(hours=4), now + timedelta(hours=52)
    week = [(now - timedelta(days=1), closes), (opens, opens + timedelta(days=5))]
    sessions = ", ".join(f"[{begin:%FT%TZ}, {end:%FT%TZ}]" for begin, end in week)
    calm = f"[market]\nvolatility = 0.02\n[inverse]\nwallet = 0.6\n[linear]\nsessions = [{sessions}]\n"
    with home(folder) as it, launched(it, calm) as venues:
        yield Scene(it, venues, it.profile("stops", venues.bitmex, venues.tws, QUIET))


@pytest.mark.timeout(300)
def test_a_stop_fills_while_the_bot_is_dead_and_is_answered_when_it_is_back(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        rungs = sorted((one["stop"] / 100, one["quantity"], one["client_order_id"]) for one in it.protect())
        held = it.held
        assert sum(size for _, size, _ in rungs) == held[0]
        it.bot.process.kill()
        # Just below the highest of them, and above the next.
        first = rungs[-1]
        it.venues.gap(round(((first[0] + rungs[-2][0]) / 2 / 80_000 - 1) * 1_000_000))
        until("the venue has filled it", lambda: len(it.stops) < len(rungs), 30)
        gone = [name for _, _, name in rungs if name not in {one["client_order_id"] for one in it.stops}]
        assert first[2] in gone
        left = sum(one["quantity"] for one in it.stops)
        assert it.held == (left, held[1])

        it.bot = it.home.bot(it.profile)
        until("the fill is booked as the stop's", lambda: it.told("STOP_FILLED"))
        assert not it.told("FOREIGN_FILL")
        assert it.bot.get("/status")["trading"] == "reducing"

        def answered() -> bool:
            it.approve()
            return it.is_at_rest and abs(float(it.bot.get("/status")["delta_xbt"])) < 0.1

        until("Δ is answered", answered)
        plans = {plan["cause"]: plan for plan in it.bot.get("/plans")}
        assert plans["orphan"]["status"] == "done"
        # Whatever else came off since: never do more stops rest than contracts are held.
        assert sum(one["quantity"] for one in it.stops) <= it.held[0]
        it.verified()


@pytest.mark.timeout(300)
def test_flatten_closes_the_position_and_the_bots_own_stops_go_with_it(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        rungs = {one["client_order_id"] for one in it.protect()}
        done = it.home.basisbot("--profile", it.profile, "flatten", "--yes", "--watch", "2", "--json")
        done.said(0)
        assert it.held == (0, 0)
        assert it.stops == []
        until("the bot knows", lambda: it.bot.get("/status")["trading"] == "halted" and it.is_at_rest)
        # Not one of them has filled, none is missed, and nothing is left to answer.
        assert not {one["client_order_id"] for one in it.book("bitmex")["executions"]} & rungs
        for code in ("STOP_LOST", "STOP_FILLED", "ORPHANED_LEG", "FOREIGN_FILL"):
            assert not it.told(code)
        assert all(plan["status"] != "active" for plan in it.bot.get("/plans"))
        it.verified()
