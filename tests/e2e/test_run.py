"""The daemon: what its venues refuse, its API, its end, and a ledger somebody has been at."""

import json
import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.bench import Bot, Home, home, until

PLAN = {"kind": "open", "direction": "long-inverse", "size_xbt": "0.3", "collateral": False, "by": "tester"}


def test_what_the_venues_refuse(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        first = it.bot(it.profile("first", sim.bitmex, sim.tws))
        cases: dict[str, tuple[dict[str, object], int, str]] = {
            "secret": ({"inverse.api_secret": '"wrong"'}, 2, "Signature not valid"),
            "account": ({"linear.account": '"DU999"', "linear.client_id": 21}, 2, "no account DU999"),
            "login": ({}, 2, "client id 11 is in use"),
            "multiplier": (
                {"linear.contract.multiplier": 5, "linear.client_id": 23},
                2,
                "multiplier is 0.1",
            ),
        }
        started = {
            name: it.spawn("run", "--profile", it.profile(name, sim.bitmex, sim.tws, changes))
            for name, (changes, _, _) in cases.items()
        }
        for name, (_, code, words) in cases.items():
            done = started[name].end().said(code, words)
            assert len(done.err.strip().splitlines()) == 1, done
            assert not (it.data / name / "daemon.json").exists()
        # The one that was there first has noticed nothing.
        assert first.get("/status")["links"] == {"bitmex": "up", "cme": "up"}


def test_the_api_and_the_end(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("api", sim.bitmex, sim.tws, {"limits.approve_by_seconds": 3})
        bot = it.bot(profile)
        _guarded(bot, it, profile)
        _documented(bot)
        _console(bot)
        _bad_bodies(bot)
        bot.trade()
        _refused(bot)
        _expired(bot, it, profile)
        _looked_at(bot, it, profile)

        # Ctrl-C: everything is released, and said in one line.
        os.killpg(bot.process.pid, signal.SIGINT)
        bot.process.end().said(0, "stopped; the ledger is written and closed")
        assert not (it.instance(profile) / "daemon.json").exists()
        it.basisbot("ledger", "verify", "--profile", profile).said(0, "verified")

        # A second life, ended as the system ends it.
        again = it.bot(profile)
        assert again.get("/status")["trading"] == "active"
        again.process.send(signal.SIGTERM)
        again.process.end().said(0, "stopped")

        _tampered(it, profile)
        sim.process.send(signal.SIGINT)
        assert sim.process.end().said(0).err == ""


def test_a_shadow_sends_nothing(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("half", sim.bitmex, sim.tws)
        process = it.spawn("run", "--shadow", "--profile", profile)
        process.line("a shadow that sends nothing", 60)
        it.basisbot("enable", "--profile", profile).said(0)
        bot = Bot(process, it.data / "half-shadow" / "daemon.json")
        it.basisbot("status", "--profile", profile).said(0, "it sends nothing", "half-shadow")
        plan = bot.open("0.3")
        bot.approve(bot.tickets()["working"])
        bot.approve(bot.tickets()["hedge"])
        until("the ids are spent", lambda: bot.plan(plan)["status"] == "stopped")
        told = [event["text"] for event in bot.get("/events")]
        assert any("would have been sent: sell 3 cme:MBT" in text for text in told)
        positions = [one["contracts"] for one in bot.get("/status")["positions"]]
        assert positions == []
        process.send(signal.SIGTERM)
        process.end().said(0)
        assert not it.instance(profile).exists()
        # The venue has seen none of it: it has no fill and no order to tell of to a bot that asks.
        it.bot(profile).trade()


def _guarded(bot: Bot, it: Home, profile: Path) -> None:
    assert bot.ask("GET", "/livez", token="")[:2] == (200, {"status": "alive", "instance": profile.stem})
    for method, path in (
        ("GET", "/status"),
        ("GET", "/tickets"),
        ("GET", "/plans"),
        ("GET", "/events"),
        ("GET", "/readyz"),
        ("GET", "/overview"),
        ("GET", "/metrics"),
        ("GET", "/stream"),
        ("GET", "/basis"),
        ("GET", "/plans/x"),
        ("POST", "/plans"),
        ("POST", "/trading"),
        ("POST", "/reconcile"),
        ("POST", "/tickets/x/approve"),
    ):
        for token in ("", "wrong", bot.token[:-1], bot.token + "x"):
            assert bot.ask(method, path, {}, token=token)[0] == 401, (method, path, token)
    assert bot.get("/readyz") == {"status": "ready"}
    endpoint = it.instance(profile) / "daemon.json"
    assert endpoint.stat().st_mode & 0o077 == 0
    assert bot.host == "127.0.0.1"
    log = (it.instance(profile) / "basisbot.log").read_text(encoding="utf-8")
    assert bot.token not in log + bot.process.out + bot.process.err
    assert "sim-secret" not in log + bot.process.out + bot.process.err


def _documented(bot: Bot) -> None:
    """The page of the API loads nothing from elsewhere, and what it loads is there."""
    status, page, headers = bot.ask("GET", "/docs", token="")
    assert status == 200
    assert headers.get_content_type() == "text/html"
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", page)
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert bot.ask("GET", path, token="")[0] == 200, path
    schema = bot.ask("GET", "/openapi.json", token="")[1]
    assert {"/status", "/tickets/{ticket_id}/approve", "/trading"} <= schema["paths"].keys()


def _console(bot: Bot) -> None:
    """The page needs no token and holds none; no other site may ask, whatever it sends along."""
    status, page, headers = bot.ask("GET", "/", token="")
    assert status == 200
    assert "<title>basisbot</title>" in page
    assert bot.token not in page
    assert "frame-ancestors 'none'" in str(headers["Content-Security-Policy"])
    for name, value in (("Host", "evil.example"), ("Origin", "http://evil.example")):
        status, answer, _ = bot.ask("POST", "/trading", {}, headers={name: value})
        assert status == 403, answer


def _looked_at(bot: Bot, it: Home, profile: Path) -> None:
    """What people see: the whole picture, as a stream, the basis, the plan nobody answered."""
    view = bot.get("/overview")
    assert view["status"]["trading"] == "active"
    assert view["basis"]["directions"][0]["direction"] == "long-inverse"
    assert view["standing"] == []
    assert view["status"]["delta_venues_at"] is not None
    [stopped] = bot.get("/plans")
    shown = it.basisbot("plan", "show", stopped["plan"], "--profile", profile).said(0, "in time", "expired")
    assert "tranche 1" in shown.out
    figures = bot.ask("GET", "/metrics")[1]
    for line in (
        'basisbot_info{instance="api",mode="simulated"} 1.0',
        'basisbot_trading_state{state="active"} 1.0',
        'basisbot_trading_state{state="halted"} 0.0',
        'basisbot_link_up{venue="cme"} 1.0',
        "basisbot_reconciled 1.0",
        "basisbot_naked_xbt 0.0",
        "basisbot_ledger_queue_events 0.0",
        'basisbot_orders{state="unknown"} 0.0',
        "basisbot_hedge_seconds_count 0.0",
    ):
        assert line in figures, figures
    assert (it.instance(profile) / "token").read_text() == bot.token
    it.basisbot("plan", "show", "nope", "--profile", profile).refused(1, "no plan nope")
    it.basisbot("basis", "--profile", profile).said(0, "long-inverse", "crossing both books out")
    it.basisbot("watch", "--once", "--profile", profile).said(0, "active", "after costs")
    watching = it.spawn("watch", "--json", "--profile", profile)
    told = json.loads(watching.line('"state"'))
    assert told["status"]["instance"] == view["status"]["instance"]
    watching.send(signal.SIGINT)
    assert watching.end().err == ""


def _bad_bodies(bot: Bot) -> None:
    for path, body in (
        ("/plans", {}),
        ("/plans", b"{not json"),
        ("/plans", [1, 2]),
        ("/plans", {**PLAN, "size_xbt": "0"}),
        ("/plans", {**PLAN, "size_xbt": "-1"}),
        ("/plans", {**PLAN, "size_xbt": "NaN"}),
        ("/plans", {**PLAN, "size_xbt": "1e400"}),
        ("/plans", {**PLAN, "size_xbt": "0.123456789"}),
        ("/plans", {**PLAN, "direction": "up"}),
        ("/plans", {**PLAN, "tranches": 0}),
        ("/plans", {**PLAN, "by": ""}),
        ("/plans", {**PLAN, "by": "a\nb"}),
        ("/plans", {**PLAN, "leverage": 5}),
        ("/plans", {**PLAN, "min_basis": "10", "max_basis": "5"}),
        ("/trading", {"state": "on", "by": "tester", "reason": "test"}),
        ("/trading", {"state": "active", "by": "tester"}),
        ("/trading", {"state": "active", "by": "tester", "reason": "x" * 201}),
        ("/tickets/x/approve", {"hash": "short", "by": "tester"}),
        ("/tickets/x/approve", {"by": "tester"}),
        ("/tickets/x/reject", {"by": "tester"}),
    ):
        status, answer, _ = bot.ask("POST", path, body)
        assert status == 422, (path, body, answer)
        assert answer["detail"], (path, body)
    assert bot.ask("GET", "/events?after=-1")[0] == 422
    assert bot.ask("GET", "/nothing")[0] == 404
    assert bot.ask("POST", "/status", {})[0] == 405
    assert bot.get("/status")["trading"] == "disabled"
    assert bot.get("/plans") == []


def _refused(bot: Bot) -> None:
    for path, body, code in (
        ("/plans", {**PLAN, "size_xbt": "5.1"}, "PLAN_REFUSED"),
        ("/plans", {**PLAN, "size_xbt": "0.05"}, "PLAN_REFUSED"),
        ("/plans", {**PLAN, "size_xbt": "0.3", "tranches": 4}, "PLAN_REFUSED"),
        ("/plans", {**PLAN, "kind": "close", "size_xbt": None}, "PLAN_REFUSED"),
        ("/plans/nope/cancel", {"by": "tester"}, "PLAN_UNKNOWN"),
        ("/tickets/nope/approve", {"hash": "0" * 16, "by": "tester"}, "TICKET_UNKNOWN"),
        ("/tickets/nope/reject", {"by": "tester", "reason": "no"}, "TICKET_UNKNOWN"),
    ):
        status, answer, _ = bot.ask("POST", path, body)
        assert status == 409, (path, body, answer)
        assert answer["detail"]["code"] == code, (path, body, answer)
    assert bot.get("/plans") == []


def _expired(bot: Bot, it: Home, profile: Path) -> None:
    """Nobody answers a ticket in its three seconds: it dies, and its plan with it."""
    plan = bot.open("0.3")
    ticket = bot.tickets()["working"]
    assert ticket["seconds_left"] <= 3
    until("the plan stopped", lambda: bot.plan(plan)["status"] == "stopped")
    assert "in time" in bot.plan(plan)["reason"]
    answer = bot.ask("POST", f"/tickets/{ticket['id']}/approve", {"hash": ticket["hash"], "by": "tester"})
    assert answer[0] == 409
    it.basisbot("approve", ticket["id"], "--profile", profile).refused(1, "TICKET_CLOSED", "expired")
    kinds = [event["kind"] for event in bot.get("/events")]
    assert "TicketExpired" in kinds
    assert "OrderIntended" not in kinds


def _tampered(it: Home, profile: Path) -> None:
    """Somebody has been at the books: one figure of one event."""
    ledger = it.instance(profile) / "ledger.sqlite3"
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("DROP TRIGGER event_no_update")
        changed = connection.execute(
            "UPDATE event SET payload = replace(payload, '0.3', '0.4') WHERE kind = 'PlanProposed'"
        ).rowcount
        connection.commit()
    assert changed == 1
    it.basisbot("ledger", "verify", "--profile", profile).said(4, "DAMAGED", "PlanProposed")
    it.basisbot("run", "--profile", profile).said(4, "PlanProposed", "not what was written")
