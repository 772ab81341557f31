"""A person at the command line: a spread opened ticket by ticket, a ticket rejected, a halt, and flat again."""

import re
import time
from pathlib import Path
from typing import Any

from tests.e2e import books, venue_view
from tests.e2e.bench import Home, Ran, home, until


class Person:
    """Types commands for one profile."""

    def __init__(self, it: Home, profile: Path) -> None:
        self._home = it
        self._profile = profile

    def __call__(self, *arguments: str) -> Ran:
        return self._home.basisbot(*arguments, "--profile", self._profile)

    def asks(self, *arguments: str) -> Any:
        return self(*arguments, "--json").said(0).json


def test_by_hand(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("hand", sim.bitmex, sim.tws)
        bot = it.bot(profile)
        type_ = Person(it, profile)

        def at_the_venues() -> tuple[venue_view.View, venue_view.View]:
            return venue_view.bitmex(sim.bitmex), venue_view.broker(sim.tws)

        type_("status").said(0, "disabled", "ledger and venues agree", "bitmex up", "cme up", "none waiting")
        type_("tickets").said(0, "no ticket waits for you")

        # While disabled a plan is taken on, and nothing is asked of anybody; the bot says why.
        plan = type_.asks("plan", "open", "--size", "0.8", "--tranches", "2", "--no-collateral")["plan"]
        type_("tickets").said(0, "no ticket waits", "trading is disabled", "basisbot enable")
        type_("plan", "open", "--size", "0.8").refused(1, "PLAN_REFUSED", plan)
        type_("enable").said(0, "trading is active")

        working, hedge = (bot.tickets()[role] for role in ("working", "hedge"))
        assert (working["side"], working["instrument"], working["contracts"]) == ("sell", "cme:MBT", 4)
        assert (hedge["side"], hedge["instrument"]) == ("buy", "bitmex:XBTUSD")
        # 0.4 XBT, in lots of 100 contracts at about the price shown: the quotes are those of now.
        assert abs(hedge["contracts"] - 0.4 * float(hedge["inverse_bid"])) < 200
        for shown, ticket in zip(type_.asks("tickets"), (working, hedge), strict=True):
            # Quotes, Δ and margin are those of the moment it is looked at; what is approved stays as it was.
            assert {shown[key] for key in ("id", "hash", "at_most", "price_low", "min_basis")} == {
                ticket[key] for key in ("id", "hash", "at_most", "price_low", "min_basis")
            }
        card = type_("tickets").said(0, working["id"], hedge["id"]).out
        for words in (
            r"SELL 4 contracts of cme:MBT",
            rf"BUY about {hedge['contracts']:,} contracts, at most 0\.4\d* XBT of bitmex:XBTUSD",
            r"basis at least [\d,.]+ USD; price [\d,.]+ to [\d,.]+",
            r"inverse quote +[\d,.]+ / [\d,.]+ +[\d.]+ s old",
            r"linear quote +[\d,.]+ / [\d,.]+ +[\d.]+ s old",
            r"Δ +1 → 0\.6 XBT by this leg; with both [\d.]+",
            r"naked +at most 0\.4 XBT for 10 s",
            r"margin used +0\.0%",
            r"if the other leg fails +about [\d,.]+ USD",
            rf"armed with +{hedge['id']}",
            r"time left +\d+ s to approve, then 300 s to execute",
        ):
            assert re.search(words, card), (words, card)

        # One leg alone arms nothing.
        type_("approve", working["id"]).said(0, "SELL 4 contracts", f"before {hedge['id']} is approved too")
        quiet_until = time.monotonic() + 1
        while time.monotonic() < quiet_until:
            seen = bot.get("/status")
            assert seen["positions"] == [] == seen["orders_in_flight"]
        assert all(venue.untouched for venue in at_the_venues())
        type_("approve", hedge["id"], "--hash", "0" * 16).refused(1, "TICKET_ALTERED", hedge["hash"])
        type_("approve", "nobody-01w").refused(1, "TICKET_UNKNOWN", "no ticket nobody-01w")
        type_("approve", "a/../b?c").refused(1, "nothing of that name")
        type_("approve", working["id"]).refused(1, "TICKET_CLOSED", "approved")
        type_("approve", hedge["id"], "--hash", hedge["hash"]).said(0, "tranche 1 is armed")

        until("tranche 1 done", lambda: bot.plan(plan)["tranches_done"] == 1)
        inverse, linear = at_the_venues()
        assert linear.contracts == -4
        # Hedged: what was bought covers the 0.4 XBT sold to less than a lot.
        price = float(hedge["inverse_bid"])
        assert abs(inverse.contracts / price - 0.4) < 150 / price
        assert not inverse.open_orders
        assert not linear.open_orders
        ledger = it.instance(profile) / "ledger.sqlite3"
        assert books.positions(books.caught_up(ledger, bot)) == {"bitmex": inverse.contracts, "cme": -4}

        # The second tranche is rejected: its plan stops, its partner is void.
        later = bot.tickets()
        type_("reject", later["hedge"]["id"]).refused(2, "--reason")
        type_("reject", later["hedge"]["id"], "--reason", "not at this price").said(0, "sends nothing more")
        type_("plan", "list").said(0, "1 of 2 tranches", "stopped", "not at this price")
        type_("approve", later["hedge"]["id"]).refused(1, "rejected")
        type_("approve", later["working"]["id"]).refused(1, "void")
        type_("plan", "cancel", plan).refused(1, "PLAN_CLOSED", "stopped")
        assert at_the_venues() == (inverse, linear)

        # A halt lets a plan wait; enabled, it asks, and takes everything down.
        type_("halt", "--reason", "lunch").said(0, "trading is halted")
        closing = type_.asks("plan", "close", "--tranches", "1", "--collateral")["plan"]
        assert bot.get("/tickets") == []
        type_("enable").said(0)
        for ticket in (tickets := bot.tickets()).values():
            assert ticket["reduce_only"]
            type_("approve", ticket["id"]).said(0)
        # As many as the inverse side still matches at the price of now, of the four.
        assert tickets["working"]["contracts"] in (3, 4)
        assert bot.approve_all(closing) == "done"

        inverse, linear = at_the_venues()
        assert inverse.contracts == linear.contracts == 0
        type_("reconcile").said(0, "agree")
        status = type_.asks("status")
        assert status["positions"] == []
        assert status["trading"] == "active"
        type_("ledger", "verify").said(0, "verified")
        reasons = [event.payload.get("reason") for event in books.events(ledger)]
        assert "lunch" in reasons
        assert "not at this price" in reasons
