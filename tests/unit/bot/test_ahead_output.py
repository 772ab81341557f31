"""What lies ahead, on a terminal: the first line is the thing to do."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bot.cli import ahead_output, output
from bot.model.inputs import Compared
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.surfaces import views
from bot.surfaces.outlook import outlook
from risk.direction import Direction
from tests.unit.bot.automation import test_margin
from tests.unit.bot.desk import Desk
from tests.unit.bot.views import NOTHING_AHEAD

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def shown(table: Any) -> list[str]:
    out = Console(file=StringIO(), width=80, highlight=False)
    out.print(table)
    assert isinstance(out.file, StringIO)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]


def status(ahead: dict[str, Any]) -> list[str]:
    about = {
        "instance": "demo",
        "mode": "simulated",
        "shadow": False,
        "pid": 1,
        "latched": None,
        "alerts": [],
    }
    view = {**views.status(BotState(), Market(reconciled=True), NOW), **about, "outlook": ahead}
    return shown(output.status_grid(view))


def ahead_of(at: Desk) -> dict[str, Any]:
    return outlook(at.state, at.market, at.policy, at.now)


def test_the_first_line_is_the_thing_to_do() -> None:
    at = test_margin.desk(Direction.LONG_INVERSE)
    test_margin.prices(at, "7300", "9000")
    first, *others = status(ahead_of(at))
    assert " ".join(first.split()) == "to do now: deposit 2.7530 XBT from your own wallet to bitmex, it takes"
    assert any(line.strip().startswith("otherwise: at 6,697.25 (8.3% away)") for line in others)
    assert "ahead" not in {line.split(" ")[0] for line in others if "deposit" in line}  # not said twice


def test_a_ticket_says_by_when_and_the_commands() -> None:
    at = Desk.ready()
    at.give(Compared(()))
    at.propose()
    at.now += timedelta(seconds=60)
    text = " ".join(" ".join(status(ahead_of(at))).split())
    assert "in 4 min: basisbot approve" in text
    assert text.index("to do") < text.index("instance")


def test_nothing_to_do_is_said_with_what_comes_next() -> None:
    assert status(NOTHING_AHEAD)[0] == "to do        nothing"
    wire = {
        "at": "2026-11-22T02:30:00+00:00",
        "seconds_left": 9000.0,
        "price": None,
        "do": None,
        "what": "cme closes",
        "answered": "nothing is asked",
        "unanswered": "nothing new is started",
        "cost": None,
    }
    assert status({**NOTHING_AHEAD, "deadlines": [wire]})[0] == (
        "to do        nothing; next: 11-22 02:30Z, in 2 h 30 min cme closes"
    )
    assert [
        line.split("  ")[0] for line in shown(ahead_output.in_full({**NOTHING_AHEAD, "deadlines": [wire]}))
    ] == [
        "to do",
        "",
        "when",
        "what",
        "then",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3599, "59 min"),
        (3660, "1 h 01 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_that_is_left_is_as_coarse_as_it_is_long(seconds: float, said: str) -> None:
    assert ahead_output.span(seconds) == said


@pytest.mark.parametrize(
    ("percent", "said"),
    [("8.04", "8.0 % away"), ("148.39", "148.4 % away"), ("1742.89", "over 10 times the price away")],
)
def test_what_is_very_far_needs_no_figure(percent: str, said: str) -> None:
    assert ahead_output.away(percent) == said
