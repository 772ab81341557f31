"""The summary: counts, how naked the legs were and for how long, and what it earned."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

from rich.console import Console

from bot.cli.report_output import print_plan
from bot.ledger.amounts import Amounts, Tally
from bot.ledger.naked import PlanExposure
from bot.ledger.plan_results import PlanFold
from bot.ledger.report import summarise
from bot.model.events import AccountOpened, InstrumentLoaded, PlanFinished, TrancheFinished
from bot.model.ids import LegKey, Role
from bot.model.plans import Cause, PlanKind, PlanSpec, PlanStatus, Single
from risk.approval import Purpose
from risk.direction import Direction
from risk.money import Currency
from risk.orders import CashFlowKind, Side
from tests.unit.ledger.story import (
    MBT,
    XBTUSD,
    Chain,
    approved_pair,
    buy_xbtusd,
    cash,
    commission,
    fill,
    intended,
    leg,
    plan_proposed,
    sell_mbt,
    usd,
    xbt,
)

D = Decimal


def hedged_tranche() -> Chain:
    """Sold 0.1 XBT at 10,000 at 20 s; bought 400 contracts back at 8,000 half a second later, 400 after another
    1.5 s; finished at 30 s."""
    chain = approved_pair()
    chain.add(AccountOpened("bitmex", xbt(500_000_000)))
    chain.add(AccountOpened("ibkr", usd("60000")))
    chain.add(sell_mbt(), 19)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 20)
    chain.add(buy_xbtusd(), 20)
    chain.add(
        fill("b1", XBTUSD, Side.BUY, 400, "8000", order="plan1-01h-001", fee=xbt(2_500), seconds=20.5), 20.5
    )
    chain.add(
        fill("b2", XBTUSD, Side.BUY, 400, "8000", order="plan1-01h-001", fee=xbt(2_500), seconds=22), 22
    )
    chain.add(commission("c1", MBT, usd("2.50")), 23)
    chain.add(TrancheFinished("plan1", 1, "0"), 24)
    chain.add(PlanFinished("plan1", PlanStatus.DONE, "every tranche is done"), 30)
    return chain


def test_counts_and_exposure_of_a_hedged_tranche() -> None:
    summary = summarise(hedged_tranche().recorded)
    assert (summary.tranches_filled, summary.orders, summary.fills, summary.foreign_fills) == (1, 2, 3, 0)
    # 0.1 XBT for 0.5 s and 0.05 XBT for 1.5 s.
    exposures = [plan.exposure for plan in summary.plans]
    assert exposures == [PlanExposure("plan1", D("0.1"), D("0.125"), D(2))]
    assert summary.longest_naked_seconds == 2
    assert summary.max_naked_delta_xbt == D("0.1")
    assert summary.naked_xbt_seconds == D("0.125")
    # 5 XBT of wallet less the fees, + 0.1 bought, − 0.1 sold.
    assert summary.final_delta_xbt == D("4.99995")
    assert summary.pnl == Amounts(D("-0.00005"), D("-2.50"))
    assert summary.fees == Amounts(D("0.00005"), D("2.50"))


def test_what_is_left_naked_counts_until_the_plan_ends_and_single_legs_never() -> None:
    chain = approved_pair()
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 20)
    chain.add(fill("b1", XBTUSD, Side.BUY, 700, "8000", order="plan1-01h-001", seconds=21), 21)
    chain.add(fill("s1", MBT, Side.SELL, 3, "10000", order="plan1-02s-001", seconds=22), 22)
    chain.add(fill("x1", MBT, Side.SELL, 9, "10000", seconds=23), 23)
    chain.add(PlanFinished("plan1", PlanStatus.STOPPED, "cancelled by anna"), 41)
    chain.add(AccountOpened("bitmex", xbt(1)), 900)
    summary = summarise(chain.recorded)
    # 0.1 for a second, then 0.1 − 0.0875 = 0.0125 for twenty.
    assert summary.naked_xbt_seconds == D("0.1") + D("0.25")
    assert summary.max_naked_delta_xbt == D("0.1")
    assert (summary.fills, summary.foreign_fills) == (3, 1)


def test_an_unfinished_plan_is_naked_up_to_the_last_event() -> None:
    chain = approved_pair()
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 20)
    chain.add(AccountOpened("bitmex", xbt(1)), 50)
    assert summarise(chain.recorded).naked_xbt_seconds == D(3)


def test_a_clock_set_back_takes_no_naked_time_away() -> None:
    chain = approved_pair()
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 20)
    chain.add(fill("b1", XBTUSD, Side.BUY, 400, "8000", order="plan1-01h-001", seconds=10), 10)
    chain.add(PlanFinished("plan1", PlanStatus.DONE, ""), 22)
    assert summarise(chain.recorded).naked_xbt_seconds == D("0.1")


def test_an_unwound_tranche_is_naked_while_it_lasts_and_not_filled() -> None:
    chain = approved_pair()
    chain.add(sell_mbt(), 20)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 20)
    chain.add(intended(leg(Role.WORKING), 2, MBT, Side.BUY, 1, "10050", Purpose.CONTINGENCY), 21)
    chain.add(fill("c2", MBT, Side.BUY, 1, "10050", order="plan1-01w-002", seconds=24), 24)
    chain.add(TrancheFinished("plan1", 1, "0"), 24)
    chain.add(PlanFinished("plan1", PlanStatus.STOPPED, ""), 60)
    summary = summarise(chain.recorded)
    assert summary.tranches_filled == 0
    assert summary.naked_xbt_seconds == D("0.4")
    assert summary.pnl == Amounts(D(0), D(-5))  # 0.1 XBT bought back 50 USD dearer
    assert summary.valuation_price is None
    assert summary.pnl_usd == D(-5)


def test_figures_of_two_plans_are_the_worst_and_the_sum() -> None:
    chain = approved_pair()
    chain.add(plan_proposed("plan2"))
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=0))
    chain.add(fill("c2", MBT, Side.SELL, 3, "10000", order="plan2-01w-001", seconds=0))
    chain.add(PlanFinished("plan1", PlanStatus.DONE, ""), 10)
    chain.add(PlanFinished("plan2", PlanStatus.DONE, ""), 10)
    summary = summarise(chain.recorded)
    assert [plan.plan_id for plan in summary.plans] == ["plan1", "plan2"]
    assert summary.max_naked_delta_xbt == D("0.3")
    assert summary.naked_xbt_seconds == D(4)


def test_money_is_net_of_deposits_and_valued_at_the_last_inverse_fill() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(MBT),
        AccountOpened("bitmex", xbt(500_000_000)),
        cash("d", "bitmex", CashFlowKind.DEPOSIT, xbt(100_000_000)),
        cash("a", "bitmex", CashFlowKind.ADJUSTMENT, xbt(-7)),
        fill("b1", XBTUSD, Side.BUY, 10_000, "20000", fee=xbt(37_500)),
        cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-5_000), XBTUSD),
        cash("f2", "bitmex", CashFlowKind.FUNDING, xbt(-5_000), XBTUSD),
        fill("b2", XBTUSD, Side.SELL, 10_000, "21000", fee=xbt(35_714)),
        fill("c1", MBT, Side.BUY, 1, "30000", fee=usd("2.50")),
        fill("c2", MBT, Side.SELL, 1, "30100", fee=usd("2.50")),
    )
    summary = summarise(chain.recorded)
    assert summary.pnl == Amounts(D("0.02297786"), D("5"))
    assert summary.fees == Amounts(D("0.00073214"), D("5"))
    assert summary.funding == Amounts(D("-0.0001"), D(0))
    assert summary.valuation_price == 21_000
    assert summary.pnl_usd == D("482.53506") + 5  # the guides' 482.54, and the linear contract's 10 less 5
    assert summary.fees_usd == D("15.37494") + 5
    assert summary.funding_usd == D("-2.1")
    assert summary.final_delta_xbt == D("6.02297779")


def test_xbt_without_a_price_has_no_value_in_dollars() -> None:
    chain = Chain(cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(5)))
    summary = summarise(chain.recorded)
    assert summary.funding == Amounts(D("0.00000005"), D(0))
    assert summary.funding_usd is None
    assert summary.fees_usd == 0


def test_nothing_sums_up_to_nothing() -> None:
    summary = summarise([])
    assert summary.plans == ()
    assert (summary.orders, summary.fills, summary.naked_xbt_seconds) == (0, 0, D(0))
    assert summary.pnl == summary.fees == summary.funding == Amounts(D(0), D(0))


def test_a_leg_alone_counts_its_tranches_and_says_what_it_is_and_why() -> None:
    """Sold 39,400 contracts at 78,800, 0.5 XBT: a watch's plan."""
    plan = PlanFold("coll1")
    single = Single(XBTUSD.id, Side.SELL, 39_400, reduce_only=False)
    plan.spec = PlanSpec(
        *("coll1", PlanKind.SINGLE, Direction.LONG_INVERSE, XBTUSD.id, MBT.id, None, 1, False, "basisbot"),
        cause=Cause.COLLATERAL,
        why="Δ is +0.5 XBT off its target",
        single=single,
    )
    exchanged = Tally()
    exchanged.add(Currency.XBT, -50_000_000)
    exchanged.add(Currency.USD, 39_400 * 10**8)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    plan.trade(LegKey("coll1", 1, Role.SINGLE), XBTUSD.id, exchanged, at, None)
    plan.tranche_finished(1)
    plan.finish(at, PlanStatus.DONE, "every tranche is done")
    result = plan.result(None, {MBT.id})
    assert result.tranches_filled == 1
    out = Console(file=StringIO(), width=120, highlight=False)
    print_plan(result, None, out)
    assert isinstance(out.file, StringIO)
    first, second = out.file.getvalue().splitlines()[:2]
    assert first == f"plan coll1  sell 39,400 {XBTUSD.id} alone, 1 of 1 tranches filled, done"
    assert second == "  proposed by the bot (collateral): Δ is +0.5 XBT off its target"
