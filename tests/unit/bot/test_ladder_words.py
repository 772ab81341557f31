"""Ladders and exits as people write them, on the command line and over HTTP."""

from decimal import Decimal

import pytest
import typer

from bot.cli.laddering import exit_body, ladder_body, ladder_size
from bot.model.exits import Exit
from bot.model.ladders import BasisRange, Rung
from bot.model.plans import PlanKind
from bot.surfaces.plans_api import NewExit, NewRung, even
from tests.unit.bot.desk import LONG, MBT, XBTUSD, D, Desk

PAIR = (XBTUSD.id, MBT.id)


@pytest.mark.parametrize(
    ("text", "size", "least", "most"),
    [
        ("6@400:", "6", "400", None),
        ("6@:40", "6", None, "40"),
        ("0.5@400:1,500.5", "0.5", "400", "1500.5"),
        ("2@-60:-40", "2", "-60", "-40"),
        ("3", "3", None, None),
        ("3@:", "3", None, None),
    ],
)
def test_a_tranche(text: str, size: str, least: str | None, most: str | None) -> None:
    body = ladder_body([text], None)
    assert body == {"ladder": [{"size_xbt": size, "min_basis": least, "max_basis": most}]}
    ends = (None if end is None else Decimal(end) for end in (least, most))
    assert NewRung(**body["ladder"][0]).settled() == Rung(Decimal(size), BasisRange(*ends))


@pytest.mark.parametrize(
    "text", ["", "6@400", "@400:", "0@400:", "-6@400:", "6@500:400", "6@x:", "nan", "6 @ 4:"]
)
def test_no_tranche(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        ladder_body([text], None)


def test_what_tranches_come_to() -> None:
    assert ladder_size(ladder_body(["6@400:", "0.5@500:"], None)) == "6.5"
    assert ladder_size(ladder_body(None, "400..600")) is None
    assert ladder_size(ladder_body(None, None)) is None


def test_a_ladder_by_its_ends() -> None:
    assert ladder_body(None, "400..600") == {"ladder_from": "400", "ladder_to": "600"}
    assert ladder_body(None, "-10..-40") == {"ladder_from": "-10", "ladder_to": "-40"}
    with pytest.raises(typer.BadParameter, match=r"write FROM\.\.TO"):
        ladder_body(None, "400-600")
    with pytest.raises(typer.BadParameter, match="one of them"):
        ladder_body(["6"], "400..600")


def test_equal_tranches_of_a_size_or_of_all_that_is_held() -> None:
    desk = Desk.ready()
    desk.hold(96_000, -22)
    ends = (D(100), D(0))
    rungs = even(desk.state, desk.market, PAIR, LONG, PlanKind.CLOSE, None, 2, ends)
    assert [(rung.xbt, rung.basis.most) for rung in rungs] == [(D("0.6"), D(100)), (D("0.6"), D(0))]
    rungs = even(desk.state, desk.market, PAIR, LONG, PlanKind.OPEN, D("0.5"), 2, (D(400), D(500)))
    assert [(rung.xbt, rung.basis.least) for rung in rungs] == [(D("0.3"), D(400)), (D("0.2"), D(500))]
    with pytest.raises(ValueError, match="no pair of positions"):
        even(Desk.ready().state, desk.market, PAIR, LONG, PlanKind.CLOSE, None, 2, ends)
    with pytest.raises(ValueError, match="a quote"):
        even(desk.state, Desk().market, PAIR, LONG, PlanKind.OPEN, D(1), 2, ends)


def test_an_exit() -> None:
    assert exit_body(None, None, False, None) is None
    body = exit_body(D(800), D("50.5"), True, None)
    assert body is not None
    assert NewExit(**body).settled() == Exit(stop=D(800), trail=D("50.5"), inversion=True)
    with pytest.raises(ValueError, match="needs a rule"):
        NewExit().settled()
