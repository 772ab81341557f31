"""The linear leg goes into the next month over sockets: profile, command line, tickets, books, and the way out."""

from datetime import UTC, date, datetime
from pathlib import Path

from tests.e2e.bench import home

CODES = "FGHJKMNQUVXZ"


def months() -> tuple[date, date]:
    """The next month but one, which has weeks to live whatever day it is, and the third after it."""
    today = datetime.now(UTC).date()
    numbers = [today.year * 12 + today.month - 1 + ahead for ahead in (2, 5)]
    first, second = (date(number // 12, number % 12 + 1, 1) for number in numbers)
    return first, second


def test_a_spread_is_rolled_and_flattened(tmp_path: Path) -> None:
    old, new = months()
    symbol = f"MBT{CODES[new.month - 1]}{new:%y}"
    with home(tmp_path) as it:
        sim = it.sim(f'[linear]\nmonths = ["{old:%Y-%m}", "{new:%Y-%m}"]\n')
        profile = it.profile("rolls", sim.bitmex, sim.tws)
        text = profile.read_text("utf-8") + (
            f'\n[linear.next_contract]\nsymbol = "{symbol}"\nib_symbol = "MBT"\ntrading_class = "MBT"\n'
            f'expiry = "{new:%Y%m}"\nmultiplier = 0.1\nmin_tick = 5\n'
        )
        profile.write_text(text, "utf-8")
        bot = it.bot(profile)
        bot.trade()
        assert bot.approve_all(bot.open("0.6")) == "done"
        assert positions(bot.get("/status"))["cme:MBT"] == -6
        it.basisbot("doctor", "--profile", profile).said(0, "next month", f"cme:{symbol}: last trade")

        told = it.basisbot("plan", "roll", "--tranches", "2", "--profile", profile).said(0, "taken on")
        assert "Traceback" not in told.err
        working = bot.tickets()["working"]
        assert (working["instrument"], working["side"], working["reduce_only"]) == ("cme:MBT", "buy", True)
        it.basisbot("tickets", "--profile", profile).said(
            0, "old month quote", "new month quote", "calendar spread"
        )
        plan = bot.get("/plans")[-1]["plan"]
        assert bot.approve_all(plan) == "done"
        held = positions(bot.get("/status"))
        assert (held.get("cme:MBT", 0), held[f"cme:{symbol}"]) == (0, -6)
        it.basisbot("plan", "list", "--profile", profile).said(
            0, f"roll everything of cme:MBT into cme:{symbol}"
        )

        # Again there is nothing to roll, and the bot knows which month its pair is in.
        it.basisbot("plan", "roll", "--profile", profile).said(1, f"all of it is in cme:{symbol} already")
        assert bot.get("/basis")["linear"]["instrument"] == f"cme:{symbol}"

        it.basisbot("flatten", "--yes", "--profile", profile).said(0)
        it.basisbot("ledger", "verify", "--profile", profile).said(0, "verified")


def positions(status: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return {str(one["instrument"]): one["contracts"] for one in status["positions"]}
