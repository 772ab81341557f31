"""Standing approvals at the command line and over HTTP, and the approvals that are refused: replayed, altered, over
budget, too wide."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.e2e import books
from tests.e2e.bench import home, until
from tests.e2e.test_by_hand import Person

GIVE = ("standing", "add", "--for", "open", "--daily", "0.3", "--total", "0.5", "--max-delta", "0.3")


def test_a_standing_approval_and_what_is_refused(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("hand", sim.bitmex, sim.tws)
        bot = it.bot(profile)
        type_ = Person(it, profile)
        type_("enable").said(0)

        def posts(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            info = json.loads((it.instance(profile) / "daemon.json").read_text())
            asked = urllib.request.Request(
                info["url"] + path,
                json.dumps(body).encode(),
                {"Authorization": f"Bearer {info['token']}", "Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(asked) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                return error.code, json.load(error)["detail"]

        # Too wide: longer, more, further than the profile allows. Nothing is recorded.
        type_(*GIVE, "--days", "90", "--yes").refused(1, "STANDING_TOO_WIDE", "limits.standing_days")
        type_(*GIVE, "--price-high", "999999", "--days", "1", "--yes").refused(1, "STANDING_TOO_WIDE")
        type_("standing", "list", "--all").said(0, "no standing approval")

        # Shown before it is recorded; without a terminal and without --yes it is not.
        type_(*GIVE, "--days", "30").refused(2, "--yes")
        card = type_(*GIVE, "--days", "30", "--yes").said(0, "NOT RECORDED YET", "is in force until").out
        for words in (
            "SELL cme:MBT",
            "BUY bitmex:XBTUSD",
            "0.3 XBT a day (UTC), 0.5 XBT in all",
            "(30.0 days)",
        ):
            assert words in card, (words, card)
        (given,) = type_.asks("standing", "list")
        assert (given["status"], given["left_today_xbt"], given["left_xbt"]) == ("in force", "0.3", "0.5")

        # Altered: other content than the draft that was shown; replayed: the same draft twice.
        wanted = {
            "uses": ["close"],
            "direction": "long-inverse",
            "daily_xbt": "0.1",
            "total_xbt": "0.1",
            "max_delta_xbt": "0.1",
            "days": 1,
            "by": "anna",
        }
        _, draft = posts("/standing/draft", wanted)
        code, told = posts("/standing", {**draft["record"], "total_xbt": "0.2"})
        assert (code, told["code"]) == (409, "STANDING_ALTERED")
        assert posts("/standing", draft["record"])[0] == 200
        code, told = posts("/standing", draft["record"])
        assert (code, told["code"]) == (409, "STANDING_REPEATED")

        # It answers a plan within its budget by itself ...
        plan = type_.asks("plan", "open", "--size", "0.3", "--tranches", "1", "--no-collateral")["plan"]
        until("done by itself", lambda: bot.plan(plan)["status"] == "done")
        type_("standing", "list").said(0, "0 XBT today, 0.2 XBT in all")
        # ... and over budget it leaves the next one to a person, saying why.
        second = type_.asks("plan", "open", "--size", "0.2", "--tranches", "1", "--no-collateral")["plan"]
        until("asked", lambda: len(bot.get("/tickets")) == 2)
        type_("status").said(0, "STANDING_DENIED", "STANDING_DAY")
        ticket = bot.tickets()["working"]
        path, right = f"/tickets/{ticket['id']}/approve", {"hash": ticket["hash"], "by": "anna"}
        code, told = posts(path, {**right, "hash": "0" * 16})
        assert (code, told["code"]) == (409, "TICKET_ALTERED")
        assert posts(path, right)[0] == 200
        code, told = posts(path, right)
        assert (code, told["code"]) == (409, "TICKET_CLOSED")
        type_("plan", "cancel", second).said(0)
        hedge = f"{second}-01h"
        type_("approve", hedge).refused(1, "TICKET_CLOSED", "void")

        # A plan of which only the first leg is asked for until it has filled.
        third = type_.asks("plan", "open", "--size", "0.1", "--tranches", "1", "--approval", "sequential")[
            "plan"
        ]
        until("asked again", lambda: bot.get("/tickets") or None)
        type_("plan", "cancel", third).said(0)

        for one in type_.asks("standing", "list"):
            type_("standing", "revoke", one["id"], "--reason", "done").said(0, "is revoked")
        type_("standing", "revoke", given["id"], "--reason", "again").refused(1, "STANDING_CLOSED")
        type_("standing", "revoke", "nobody", "--reason", "x").refused(1, "STANDING_UNKNOWN")
        type_("ledger", "verify").said(0, "verified")
        kinds = [event.kind for event in books.events(it.instance(profile) / "ledger.sqlite3")]
        assert kinds.count("StandingGranted") == kinds.count("StandingRevoked") == 2
