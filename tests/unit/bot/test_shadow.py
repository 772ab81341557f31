"""A shadow asks and listens, and sends nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import NotSent
from adapters.venue import Venue
from bot.cli.options import SHADOW
from bot.runtime.shadow import SUFFIX, ShadowVenue, settings_of
from config.load import load_profile
from risk.approval import Purpose
from tests.unit.bot.desk import XBTUSD, Desk

SENDS = {"submit", "cancel", "cancel_all", "arm_dead_mans_switch", "disarm_dead_mans_switch"}


class Watched:
    """Stands where the venue is: says by name what was asked of it."""

    name = "bitmex"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)

        async def answer(*_: object) -> str:
            return name

        return answer


def test_what_sends_does_not_reach_the_venue() -> None:
    watched = Watched()
    shadow = ShadowVenue(watched)
    desk = Desk.ready().armed()
    order = desk.sent[-1].order
    assert order.purpose is Purpose.WORK

    async def main() -> None:
        with pytest.raises(NotSent, match="would have been sent: sell 3 cme:MBT at 80690"):
            await shadow.submit(order)
        await shadow.cancel(XBTUSD.id, "plan1-01w-001")
        await shadow.cancel_all()
        await shadow.arm_dead_mans_switch(60_000)
        await shadow.disarm_dead_mans_switch()

    asyncio.run(main())
    assert watched.asked == []


def test_every_way_to_the_venue_is_a_question_or_stopped() -> None:
    """A method the protocol gains must be thought of here: is it a question, or does it send?"""
    known = SENDS | {
        "account", "busts", "capabilities", "cash_flows", "close", "commissions", "complaints", "connect", "fills",
        "instrument", "name", "open_orders", "order", "order_wait", "positions", "rate_left", "what_if",
    }  # fmt: skip
    assert {name for name in dir(Venue) if not name.startswith("_")} <= known


def test_it_has_books_and_a_name_of_its_own(tmp_path: Path) -> None:
    real = load_profile("sim", environ={"BASISBOT_HOME": str(tmp_path)})
    shadow = settings_of(real)
    assert shadow.instance == "sim-shadow"
    assert shadow.ledger_path == tmp_path / "sim-shadow" / "ledger.sqlite3"
    assert shadow.source == real.source
    elsewhere = load_profile(
        "sim", {"ledger.path": str(tmp_path / "x.sqlite3")}, {"BASISBOT_HOME": str(tmp_path)}
    )
    assert settings_of(elsewhere).ledger_path == tmp_path / "x-shadow.sqlite3"
    assert SHADOW == SUFFIX
