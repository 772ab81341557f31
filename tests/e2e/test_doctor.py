"""``basisbot doctor``: all well, beside a bot and without one, and everything that may be wrong."""

import re
from pathlib import Path
from typing import Any

from tests.e2e.bench import Ran, home


def graded(ran: Ran, grade: str) -> dict[tuple[str, str], str]:
    """Return what was found, by subject and name."""
    found: list[dict[str, Any]] = ran.json["findings"]
    return {(one["subject"], one["name"]): one["text"] for one in found if one["grade"] == grade}


def test_all_is_well_with_a_bot_and_without(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim()
        profile = it.profile("well", sim.bitmex, sim.tws)
        alone = it.basisbot("doctor", "--json", "--profile", profile).said(0)
        well = graded(alone, "ok")
        assert graded(alone, "fail") == {}
        assert "none yet" in well["ledger", "books"]
        assert "lot 100, tick 0.1, multiplier 1" in well["bitmex", "contract"]
        assert "lot 1, tick 5, multiplier 0.1" in well["cme", "contract"]
        assert "last trade 20" in well["cme", "month"]
        assert "agrees with ours" in well["bitmex", "clock"]
        assert "agrees with ours" in well["cme", "clock"]
        assert "wallet 1.00000000 XBT" in well["bitmex", "account"]
        assert "wallet 2,000,000.00 USD" in well["cme", "account"]
        # A lot is 0.1 XBT near 80,000; the broker asks half of it for a long.
        more = re.search(r"needs ([\d,]+)\.\d\d USD more", well["cme", "what-if"])
        assert more is not None
        assert 3_000 < int(more[1].replace(",", "")) < 5_500
        assert "sim-secret" not in alone.out
        assert not (it.instance(profile) / "ledger.sqlite3").exists()

        bot = it.bot(profile)
        beside = it.basisbot("doctor", "--profile", profile).said(0, "held by another bot", "events verified")
        assert "fail" not in beside.out.lower()
        assert bot.get("/status")["links"] == {"bitmex": "up", "cme": "up"}


def test_what_is_wrong_is_named_and_has_its_exit_code(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim("[inverse]\nclock_ahead_seconds = -4\n")

        def doctor(
            name: str, code: int, changes: dict[str, object], **ports: int
        ) -> dict[tuple[str, str], str]:
            where = {"bitmex": sim.bitmex, "tws": sim.tws} | ports
            profile = it.profile(name, where["bitmex"], where["tws"], changes)
            ran = it.basisbot("doctor", "--json", "--profile", profile).said(code)
            return graded(ran, "fail")

        wrong = doctor("key", 2, {"inverse.api_secret": '"wrong"'})
        assert "Signature not valid" in wrong["bitmex", "link"]
        down = doctor("down", 3, {}, tws=1)
        assert "127.0.0.1:1" in down["cme", "link"]
        full = doctor(
            "full", 1, {"ledger.min_free_megabytes": 2_000_000_000, "limits.max_clock_skew_seconds": 9}
        )
        assert set(full) == {("disk", "room")}
        skewed = doctor("skewed", 1, {"limits.max_clock_skew_seconds": 2})
        assert set(skewed) == {("bitmex", "clock")}
        assert re.search(r"[234]\.\d s apart at least", skewed["bitmex", "clock"])


def test_a_key_that_may_withdraw_fails(tmp_path: Path) -> None:
    with home(tmp_path) as it:
        sim = it.sim("[inverse]\nmay_withdraw = true\n")
        profile = it.profile("rich", sim.bitmex, sim.tws)
        done = it.basisbot("doctor", "--profile", profile).said(2, "the API key may withdraw")
        assert "cme" in done.out  # the other venue is looked at all the same
