"""A ticket reads like a card on a terminal of 80 columns."""

import pytest

from bot.cli import output
from bot.model.plans import ApprovalMode
from bot.surfaces import views
from tests.unit.bot.desk import D, Desk


def card(desk: Desk, capsys: pytest.CaptureFixture[str]) -> list[str]:
    for view in views.tickets(desk.state, desk.market, desk.policy, desk.now):
        output.ticket(view)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_the_card_of_the_working_leg(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    desk = Desk.ready()
    desk.propose(approval=ApprovalMode.SEQUENTIAL)
    # What it shows is of now, not of when it was raised.
    desk.wait(2)
    desk.quote(desk.linear, "80800", "80805")
    lines = card(desk, capsys)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for words in (
        "SELL 3 contracts of cme:MBT",
        "basis at least 620 USD; price 76,670 to 84,735",
        "79,999.9 / 80,000  2.0 s old",
        "80,800 / 80,805  0.0 s old",
        "800 USD as quoted",
        "1 → 0.7 XBT by this leg; with both 0.99875019",
        # Sold at 80,790 at worst, taken back at 80,805 and 0.5 %, 81,209.025: 419.025 USD on each of 0.3 XBT.
        "about 125.71 USD to take 0.3 XBT back",
        "at most 0.3 XBT for 40 s",
        "plan1-01h is asked for, when this leg has filled",
        "298 s to approve, then 300 s to execute",
    ):
        assert words in text, (words, text)


def test_the_card_of_a_hedge_that_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    desk = Desk.ready()
    desk.propose(approval=ApprovalMode.SEQUENTIAL)
    desk.approve()
    desk.trade(quantity=2)
    lines = card(desk, capsys)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "-0.2 XBT, unwound when the time is over" in text
    assert "30 s to approve" in text
    assert desk.plan.unhedged == D("-0.2")
