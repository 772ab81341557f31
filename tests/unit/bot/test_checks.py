"""The rules at work: what waits, what is refused, and what a plan says of it; the question about margin."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.venue import ClockSeen, FundingAnnounced, LinkState
from bot.model.actions import Action, AskMargin
from bot.model.ids import Role
from bot.model.inputs import ApproveTicket, Input, MarginAnswer, MeetAccount, ProposePlan
from bot.model.plans import PlanKind
from bot.orders.decide import decide
from bot.orders.turn import Turn
from risk.approval import Denied, Purpose
from risk.money import Currency, Money
from risk.orders import OrderRequest
from risk.portfolio import Funding, MarginImpact, Skew
from tests.unit.bot.desk import LONG, MBT, POLICY, SHORT, XBTUSD, D, Desk, account, spec, xbt


def waiting(desk: Desk) -> str:
    return desk.market.waiting.get("plan1", "")


def skew(desk: Desk, venue: str, seconds: float) -> None:
    told = Skew(timedelta(seconds=seconds), timedelta(seconds=seconds + 1))
    desk.give(ClockSeen(venue, told))


def funding(desk: Desk, seconds: float, rate: str = "0.0001") -> None:
    desk.give(FundingAnnounced(XBTUSD.id, Funding(desk.now + timedelta(seconds=seconds), D(rate))))


# --- proposed


def test_a_clock_that_is_wrong_keeps_tickets_back_and_is_told() -> None:
    desk = Desk.ready()
    skew(desk, "bitmex", 2.5)
    assert desk.alerts == ["CLOCK_SKEW"]
    desk.propose()
    assert desk.tickets == {}
    assert waiting(desk).startswith("CLOCK_SKEW: limit at most 2 s")
    skew(desk, "bitmex", 0.1)
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}
    assert waiting(desk) == ""


def test_funding_that_would_be_paid_is_let_pass() -> None:
    desk = Desk.ready()
    funding(desk, 30)
    desk.propose()
    assert desk.tickets == {}
    assert waiting(desk).startswith("FUNDING_NEAR")
    desk.now += timedelta(seconds=31)
    desk.quotes()
    assert set(desk.tickets) == {Role.WORKING, Role.HEDGE}


def test_funding_that_would_be_received_is_welcome() -> None:
    desk = Desk.ready()
    funding(desk, 30, "-0.0001")
    desk.propose()
    assert desk.tickets


def test_delta_too_far_off_its_target_ends_the_plan_before_anybody_is_asked() -> None:
    # Short-inverse buys CME first: 0.3 XBT on top of the wallet's 1, against a limit of 1.2.
    desk = Desk.ready(replace(POLICY, max_delta_after=D("1.2")))
    desk.propose(direction=SHORT)
    desk.wait(0.1)
    assert (desk.tickets, desk.status) == ({}, "stopped")
    assert desk.plan.reason == "DELTA_AFTER: limit within 1.2 XBT of its target, given 1.3000 XBT off"
    # Long-inverse sells first, which brings it nearer.
    other = Desk.ready(replace(POLICY, max_delta_after=D("1.2")))
    other.propose(direction=LONG)
    assert other.tickets


def test_a_plan_larger_than_the_profile_is_refused() -> None:
    desk = Desk.ready()
    answer = desk.give(ProposePlan(spec(size_xbt=D("5.1"))))
    assert isinstance(answer, Denied)
    assert "5.1 XBT is more than the limit of 5 XBT" in answer.limit


# --- approved


def test_an_approval_is_refused_for_what_will_not_pass() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.give(MeetAccount(replace(account("bitmex"), initial_margin=xbt("0.598"))))
    hedge = desk.tickets[Role.HEDGE]
    answer = desk.give(ApproveTicket(hedge.ticket_id, hedge.material.content_hash(), "anna"))
    assert isinstance(answer, Denied)
    assert answer.code == "MARGIN_AFTER"
    assert Role.HEDGE in desk.tickets


def test_an_approval_is_taken_while_a_quote_is_old_and_nothing_is_sent() -> None:
    desk = Desk.ready()
    desk.propose()
    desk.wait(6)
    desk.approve()
    assert desk.sent == []
    assert waiting(desk).startswith("QUOTE_OLD")
    desk.quotes()
    assert len(desk.sent) == 1


# --- sent


@pytest.mark.parametrize("venue", ["bitmex", "cme"])
def test_working_orders_wait_while_a_clock_is_wrong_and_hedges_go(venue: str) -> None:
    desk = Desk.ready().armed(size_xbt=D(1))
    skew(desk, venue, -9)
    desk.trade()
    assert len(desk.of(Purpose.HEDGE)) == 1
    desk.trade()
    desk.wait(1)
    desk.quotes()
    assert len(desk.of(Purpose.WORK)) == 1
    assert waiting(desk).startswith("CLOCK_SKEW")
    skew(desk, venue, 0)
    assert len(desk.of(Purpose.WORK)) == 2


def test_working_orders_leave_the_reserve_of_the_rate_limit_and_hedges_use_it() -> None:
    desk = Desk.ready().armed(size_xbt=D(1))
    desk.market.rates_left = {"bitmex": D("0.1"), "cme": D("0.1")}
    desk.trade()
    assert len(desk.of(Purpose.HEDGE)) == 1
    desk.trade()
    desk.wait(1)
    desk.quotes()
    assert len(desk.of(Purpose.WORK)) == 1
    assert waiting(desk) == "10% of the rate limit of bitmex is left, 20% is for hedges"
    desk.market.rates_left["bitmex"] = D(1)
    desk.wait(0.1)
    assert waiting(desk) == "RATE_BUDGET: limit 20% of the rate limit kept, given 10% left at cme"
    desk.market.rates_left["cme"] = D("0.2")
    desk.wait(0.1)
    assert len(desk.of(Purpose.WORK)) == 2


def test_an_order_worth_too_much_ends_the_plan() -> None:
    # 3 × 0.1 XBT at 80,690 are 24,207 USD.
    desk = Desk.ready(replace(POLICY, max_order_notional=D(24_206))).armed()
    assert desk.sent == []
    assert desk.status == "stopped"
    assert "ORDER_NOTIONAL: limit at most 24,206 USD, given 24,207 USD" in desk.plan.reason
    assert desk.alerts == ["ORDER_DENIED"]
    enough = Desk.ready(replace(POLICY, max_order_notional=D(24_207))).armed()
    assert len(enough.sent) == 1


def test_a_plan_says_which_quote_it_waits_for() -> None:
    desk = Desk.ready()
    desk.quote(MBT, "80700", None)
    desk.propose()
    assert waiting(desk) == "QUOTE_ONE_SIDED: limit a fresh two-sided quote, given no ask of cme:MBT"
    desk.link("bitmex", LinkState.DOWN)
    desk.wait(0.1)
    assert waiting(desk) == ""  # not known to agree any more: the status says so


# --- what margin it would need


class Asking(Desk):
    """A desk whose linear venue can be asked."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.market.what_ifs = frozenset({"cme"})
        self.questions: list[OrderRequest] = []

    def give(self, given: Input) -> object:  # type: ignore[override]
        turn = Turn(self.state, self.market, self.policy, self.now)
        answer = decide(turn, given)
        self.events += [(event, self.now) for event in turn.events]
        rest: list[Action] = []
        for action in turn.actions:
            if isinstance(action, AskMargin):
                self.questions.append(action.request)
            else:
                rest.append(action)
        self._take(rest)
        return answer

    def answer_margin(self, impact: MarginImpact | None) -> None:
        self.give(MarginAnswer(self.questions[-1], impact))


def impact(before: str, after: str, equity: str = "1999996.25") -> MarginImpact:
    def usd(text: str) -> Money:
        return Money.of(Currency.USD, Decimal(text))

    return MarginImpact(
        usd(before), usd(after), usd(before), usd(after), usd("2000000"), usd(equity), usd("3.75")
    )


def test_the_broker_is_asked_before_a_ticket_and_the_ticket_shows_its_answer() -> None:
    desk = Asking.ready()
    assert isinstance(desk, Asking)
    desk.propose()
    assert desk.tickets == {}
    assert "asked what margin" in waiting(desk)
    asked = desk.questions[0]
    assert (asked.instrument, str(asked.side), asked.quantity) == (MBT.id, "sell", 3)
    desk.answer_margin(impact("0", "24210", "1999996.25"))
    shown = desk.tickets[Role.WORKING].circumstances
    assert (shown.initial_after, shown.equity_after) == (D(24_210), D("1999996.25"))
    assert shown.commission == D("3.75")
    assert shown.margin_after == D("0.0121")  # 24,210 of 1,999,996.25
    assert len(desk.questions) == 1
    inverse = desk.tickets[Role.HEDGE].circumstances
    assert inverse.initial_after is None


def test_too_much_margin_by_the_brokers_own_word_ends_the_plan() -> None:
    # 90 per cent of 1,999,996.25 are 1,799,996.63.
    desk = Asking.ready()
    assert isinstance(desk, Asking)
    desk.propose()
    desk.answer_margin(impact("0", "1800000"))
    desk.wait(0.1)
    assert (desk.tickets, desk.status) == ({}, "stopped")
    assert "MARGIN_AFTER: limit at most 90%, given 90.0% of equity at cme" in desk.plan.reason


@pytest.mark.parametrize("strict", [False, True])
def test_no_answer_in_time_is_not_known_or_waits_and_asks_again(strict: bool) -> None:
    desk = Asking.ready(replace(POLICY, refuse_unknown_margin=strict))
    assert isinstance(desk, Asking)
    desk.propose()
    desk.wait(2.9)
    assert desk.tickets == {}
    desk.wait(0.2)
    if not strict:
        assert desk.tickets[Role.WORKING].circumstances.initial_after is None
        return
    assert desk.tickets == {}
    assert waiting(desk).startswith("MARGIN_UNKNOWN")
    desk.wait(31, ticks=31)
    desk.quotes()
    desk.wait(0.1)
    assert len(desk.questions) == 2
    desk.answer_margin(impact("0", "24210"))
    assert desk.tickets[Role.WORKING].circumstances.initial_after == D(24_210)


def test_what_only_reduces_is_not_asked_about() -> None:
    desk = Asking.ready(wallet="1")
    assert isinstance(desk, Asking)
    desk.hold(24_000, -3)
    desk.propose(kind=PlanKind.CLOSE, size_xbt=None)
    assert desk.questions == []
    assert desk.tickets
