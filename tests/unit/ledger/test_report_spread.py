"""The report of whole spreads, held against figures computed by hand."""

import io
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from beancount import loader
from hypothesis import given

from bot.ledger.amounts import NOTHING, Amounts
from bot.ledger.export.beancount_file import write_beancount
from bot.ledger.export.extract import Period, extract
from bot.ledger.report import Summary, summarise
from bot.model.events import (
    AccountOpened,
    Adopted,
    AdoptedPosition,
    Event,
    FillBooked,
    InstrumentLoaded,
    PlanFinished,
    PlanProposed,
    Reconciled,
    TicketRaised,
    TrancheFinished,
)
from bot.model.ids import Role
from bot.model.plans import PlanKind, PlanSpec, PlanStatus
from bot.model.tickets import Circumstances, Material, Ticket
from risk.direction import Direction
from risk.instruments import Instrument
from risk.money import Currency
from risk.orders import CashFlowKind, Side
from risk.terms import Kind
from tests.unit.ledger.histories import histories
from tests.unit.ledger.story import BTC, T0, XBTUSD, Chain, at, cash, fill, leg, usd, xbt

D = Decimal
COIN = 10**8


def plan(plan_id: str, kind: PlanKind) -> PlanProposed:
    return PlanProposed(
        PlanSpec(plan_id, kind, Direction.LONG_INVERSE, XBTUSD.id, BTC.id, D(25), 1, True, "anna")
    )


def quoted(
    plan_id: str,
    tranche: int,
    role: Role,
    of: Instrument,
    side: Side,
    inverse: str | None,
    linear: str | None,
) -> TicketRaised:
    """A ticket whose quotes have ``inverse`` and ``linear`` on the side the legs take, and nonsense on the other."""

    def book(kind: Kind, price: str | None) -> tuple[Decimal | None, Decimal | None]:
        taken, other = None if price is None else D(price), D(1)
        buys = side is Side.BUY if of.terms.kind is kind else side is Side.SELL
        return (other, taken) if buys else (taken, other)

    shown = Circumstances(
        *(*book(Kind.INVERSE, inverse), 0.1, *book(Kind.LINEAR, linear), 0.1),
        *(None, D(0), D(0), None, None, None),
    )
    material = Material(leg(role, tranche, plan_id), of.id, side, False, D(1), D(1), D(99_999), None, None)
    return TicketRaised(Ticket(material, 1, "", shown, T0, at(600), 900.0))


def first_spread() -> Chain:
    """DOMAIN.md's first spread, with 5 XBT of collateral hedged at 10,000, taken down when both are at 8,000.

    Fees: 25 XBT × 0.05 % a side at the inverse venue, 10 USD a contract at CME. Two fundings of 0.0025 XBT paid.
    """
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(BTC),
        AccountOpened("bitmex", xbt(5 * COIN)),
        AccountOpened("ibkr", usd("100000")),
        plan("open1", PlanKind.OPEN),
        quoted("open1", 1, Role.SINGLE, BTC, Side.SELL, "8000", "10000"),
        fill("s", BTC, Side.SELL, 1, "10000", order="open1-01s-001", fee=usd("10")),
        quoted("open1", 2, Role.WORKING, BTC, Side.SELL, "8000", "10000"),
        quoted("open1", 2, Role.HEDGE, XBTUSD, Side.BUY, "8000", "10000"),
    )
    chain.add(fill("w", BTC, Side.SELL, 5, "10000", order="open1-02w-001", fee=usd("50"), seconds=10), 10)
    chain.add(
        fill("h", XBTUSD, Side.BUY, 200_000, "8000", order="open1-02h-001", fee=xbt(1_250_000), seconds=11),
        11,
    )
    chain.add(TrancheFinished("open1", 2, "0"), 12)
    chain.add(PlanFinished("open1", PlanStatus.DONE, "every tranche is done"), 12)
    chain.add(cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-250_000), XBTUSD), 20)
    chain.add(cash("f2", "bitmex", CashFlowKind.FUNDING, xbt(-250_000), XBTUSD), 30)
    return chain


def taken_down(chain: Chain) -> Chain:
    chain.add(plan("close1", PlanKind.CLOSE), 40)
    chain.add(quoted("close1", 1, Role.WORKING, BTC, Side.BUY, "8000", "8000"), 40)
    chain.add(quoted("close1", 1, Role.HEDGE, XBTUSD, Side.SELL, "8000", "8000"), 40)
    chain.add(fill("w2", BTC, Side.BUY, 5, "8000", order="close1-01w-001", fee=usd("50"), seconds=50), 50)
    chain.add(
        fill(
            "h2", XBTUSD, Side.SELL, 200_000, "8000", order="close1-01h-001", fee=xbt(1_250_000), seconds=52
        ),
        52,
    )
    chain.add(TrancheFinished("close1", 1, "0"), 52)
    chain.add(quoted("close1", 2, Role.SINGLE, BTC, Side.BUY, "8000", "8000"), 53)
    chain.add(fill("s2", BTC, Side.BUY, 1, "8000", order="close1-02s-001", fee=usd("10"), seconds=54), 54)
    chain.add(PlanFinished("close1", PlanStatus.DONE, "every tranche is done"), 55)
    chain.add(Reconciled(()), 60)
    return chain


def lines(summary: Summary) -> dict[str, Amounts]:
    return {line.name: line.amounts for line in (*summary.earned, *summary.from_outside)}


def held(summary: Summary) -> dict[str, Amounts]:
    return {line.name: line.amounts for line in summary.held}


def test_the_first_spread_captures_fifty_thousand_dollars() -> None:
    summary = summarise(taken_down(first_spread()).recorded)
    assert lines(summary) == {
        "spreads": Amounts(D(0), D(50_000)),
        "collateral hedge": Amounts(D(0), D(10_000)),
        "fees bitmex": Amounts(D("-0.025"), D(0)),
        "fees ibkr": Amounts(D(0), D(-120)),
        "funding bitmex": Amounts(D("-0.005"), D(0)),
        "opening balances": Amounts(D(5), D(100_000)),
    }
    assert held(summary) == {
        "bitmex cash": Amounts(D("4.97"), D(0)),
        "ibkr cash": Amounts(D(0), D("159880")),
    }
    assert summary.result == summary.pnl == Amounts(D("-0.03"), D("59880"))
    assert summary.in_positions == summary.residual == NOTHING
    # 59,880 − 0.03 × 8,000.
    assert summary.pnl_usd == D(59_640)
    assert summary.reconciled == (at(60), ())
    assert (summary.adoptions, summary.longest_naked_seconds) == (0, D(2))


def test_the_first_spread_plan_by_plan() -> None:
    opened, closed = summarise(taken_down(first_spread()).recorded).plans
    assert opened.basis == Amounts(D(0), D(50_000))
    assert opened.collateral == Amounts(D(-5), D(50_000))
    assert opened.fees == (("bitmex", Amounts(D("0.0125"), D(0))), ("ibkr", Amounts(D(0), D(60))))
    assert opened.funding == Amounts(D("-0.005"), D(0))
    assert opened.result == Amounts(D("-5.0175"), D("99940"))
    assert opened.pair is not None
    assert (opened.pair.quoted, opened.pair.filled, opened.pair.captured) == (D(2_000), D(2_000), D(1))
    assert closed.basis == NOTHING
    assert closed.collateral == Amounts(D(5), D(-40_000))
    assert closed.funding == NOTHING
    assert closed.pair is not None
    assert (closed.pair.quoted, closed.pair.filled, closed.pair.captured) == (D(0), D(0), None)
    for result in (opened, closed):
        assert result.pair is not None
        assert result.pair.slippage is not None
        assert (result.pair.slippage.usd, result.pair.slippage.bp) == (D(0), D(0))
    # 25 XBT for a second, and for two.
    assert [result.exposure.naked_xbt_seconds for result in (opened, closed)] == [25, 50]
    assert [result.exposure.longest_naked_seconds for result in (opened, closed)] == [1, 2]
    assert (opened.tranches_filled, closed.tranches_filled) == (1, 1)


def test_in_the_middle_of_it_what_is_not_realised_is_in_the_positions() -> None:
    summary = summarise(first_spread().recorded)
    assert held(summary) == {
        "bitmex cash": Amounts(D("4.9825"), D(0)),
        "ibkr cash": Amounts(D(0), D(99_940)),
        "bitmex:XBTUSD position": Amounts(D(25), D(-200_000)),
        "ibkr:BTC position": Amounts(D(-30), D(300_000)),
    }
    assert summary.in_positions == Amounts(D(-5), D(100_000))
    assert summary.pnl == Amounts(D("-0.0175"), D(-60))
    assert summary.result == Amounts(D("-5.0175"), D(99_940))
    assert summary.residual == NOTHING
    # At 8,000, where the collateral is hedged by 5 XBT: 10,000 locked by that hedge and 50,000 by the pair.
    assert summary.in_positions.valued(D(8_000)) == D(60_000)


def test_the_first_spread_at_twice_the_price() -> None:
    """DOMAIN.md's table at 16,000, the spread alone: +12.5 XBT, −150,000 USD, together 50,000 USD."""
    chain = Chain(InstrumentLoaded(XBTUSD), InstrumentLoaded(BTC))
    for plan_id, action, inverse, linear in (("o", 1, "8000", "10000"), ("c", -1, "16000", "16000")):
        buy, sell = (Side.BUY, Side.SELL) if action > 0 else (Side.SELL, Side.BUY)
        chain.add(fill(f"{plan_id}w", BTC, sell, 5, linear, order=f"{plan_id}-01w-001"))
        chain.add(fill(f"{plan_id}h", XBTUSD, buy, 200_000, inverse, order=f"{plan_id}-01h-001"))
    summary = summarise(chain.recorded)
    assert lines(summary) == {"spreads": Amounts(D("12.5"), D(-150_000))}
    assert summary.pnl == Amounts(D("12.5"), D(-150_000))
    assert summary.pnl_usd == D(50_000)
    # Without tickets there is nothing to hold it against.
    assert [result.pair and result.pair.slippage for result in summary.plans] == [None, None]
    assert [result.pair and result.pair.filled for result in summary.plans] == [2_000, 0]


def test_slippage_is_against_the_tickets_quotes() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(BTC),
        plan("p", PlanKind.OPEN),
        quoted("p", 1, Role.WORKING, BTC, Side.SELL, "8000", "10000"),
        quoted("p", 1, Role.HEDGE, XBTUSD, Side.BUY, "8000", "10000"),
        # Sold 10 XBT 20 USD below the bid: 200 USD. Bought 80,080 USD of XBT 8 USD above the ask: 10 XBT × 8 = 80.
        fill("w", BTC, Side.SELL, 2, "9980", order="p-01w-001"),
        fill("h", XBTUSD, Side.BUY, 80_000, "8008", order="p-01h-001"),
        quoted("p", 2, Role.WORKING, BTC, Side.SELL, "8100", "10100"),
        quoted("p", 2, Role.HEDGE, XBTUSD, Side.BUY, "8100", "10100"),
        # Better than quoted by 5 on 5 XBT: −25 USD. And the hedge exactly as quoted, 5 XBT.
        fill("w2", BTC, Side.SELL, 1, "10105", order="p-02w-001"),
        fill("h2", XBTUSD, Side.BUY, 40_500, "8100", order="p-02h-001"),
    )
    [result] = summarise(chain.recorded).plans
    linear, inverse, pair = result.linear, result.inverse, result.pair
    assert linear is not None
    assert linear.slippage is not None
    assert linear.slippage.usd == 175
    assert linear.slippage.usd_per_xbt == round(D(175) / 15, 8)
    assert linear.slippage.bp == round(D(175) / 150_500 * 10_000, 4)
    assert linear.quoted == round(D(150_500) / 15, 8)
    assert linear.filled == round(D(150_325) / 15, 8)
    assert inverse is not None
    assert inverse.slippage is not None
    # 80,000 at 8,008 are 800 lots of 1,248,751 satoshi, worth 79,920.064 at 8,000; 40,500 at 8,100 are 405 lots of
    # 1,234,568, 40 satoshi more than 5 XBT, which is worth 0.00324.
    assert inverse.slippage.usd == D("79.93276")
    assert inverse.exchanged == Amounts(D("14.9900084"), D(-120_500))
    assert pair is not None
    assert pair.slippage is not None
    assert pair.slippage.usd == D("254.93276")
    assert pair.slippage.bp == round(D("254.93276") / 150_500 * 10_000, 4)
    assert pair.exchanged == result.basis == Amounts(D("-0.0099916"), D("29825"))


def test_what_was_taken_back_costs_the_difference() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(BTC),
        plan("p", PlanKind.OPEN),
        quoted("p", 1, Role.WORKING, BTC, Side.SELL, "8000", "10000"),
        fill("w", BTC, Side.SELL, 1, "9995", order="p-01w-001"),
        fill("w2", BTC, Side.BUY, 1, "10050", order="p-01w-002"),
    )
    [result] = summarise(chain.recorded).plans
    assert result.linear is not None
    assert result.linear.slippage is not None
    assert result.linear.slippage.usd == 5 * 55
    assert (result.linear.filled, result.linear.slippage.bp, result.pair) == (None, None, None)
    assert result.tranches_filled == 0


def test_a_ticket_without_a_quote_gives_no_slippage() -> None:
    chain = Chain(
        InstrumentLoaded(BTC),
        quoted("p", 1, Role.WORKING, BTC, Side.SELL, "8000", "10000"),
        fill("w", BTC, Side.SELL, 1, "9995", order="p-01w-001"),
        quoted("p", 2, Role.WORKING, BTC, Side.SELL, None, None),
        fill("w2", BTC, Side.SELL, 1, "9995", order="p-02w-001"),
    )
    [result] = summarise(chain.recorded).plans
    assert result.linear is not None
    assert (result.linear.slippage, result.linear.quoted, result.linear.filled) == (None, None, D(9_995))


def test_funding_goes_to_the_plans_that_hold_and_the_first_is_closed_first() -> None:
    chain = Chain(InstrumentLoaded(XBTUSD))
    for number, (plan_id, side, contracts) in enumerate(
        [("a", Side.BUY, 200), ("b", Side.BUY, 100), ("c", Side.SELL, 200), ("c", Side.SELL, 300)]
    ):
        chain.add(fill(f"x{number}", XBTUSD, side, contracts, "8000", order=f"{plan_id}-01h-00{number}"))
        chain.add(cash(f"f{number}", "bitmex", CashFlowKind.FUNDING, xbt(-100), XBTUSD))
    summary = summarise(chain.recorded)
    # a alone; a and b two to one, a satoshi left over; b alone; after the turn the closing plan itself is short.
    assert {result.plan_id: result.funding.xbt * COIN for result in summary.plans} == {
        "a": -100 - 67,
        "b": -33 - 100,
        "c": -100,
    }
    assert summary.funding == Amounts(D("-0.000004"), D(0))


def test_what_was_adopted_is_nobodys_funding_and_a_line_of_its_own() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        fill("a", XBTUSD, Side.BUY, 200, "8000", order="a-01h-001"),
        Adopted(
            *("hash", "anna", "by hand", ("bitmex:XBTUSD: 200 here, 600 there",)),
            positions=(AdoptedPosition(XBTUSD.id, 200, 600, price=D(8_000)),),
            cash=(),
            left_aside=(),
            acknowledged=(),
            written_off=(),
            revived=(),
        ),
        fill("b", XBTUSD, Side.BUY, 200, "8000", order="b-01h-001"),
        cash("f", "bitmex", CashFlowKind.FUNDING, xbt(-800), XBTUSD),
    )
    summary = summarise(chain.recorded)
    # 200 of 800 contracts each; the 400 adopted are of no plan.
    assert [plan.funding.xbt * COIN for plan in summary.plans] == [-200, -200]
    assert lines(summary)["adopted differences"] == Amounts(D("0.05"), D(-400))
    assert lines(summary)["spreads"] == Amounts(D("0.05"), D(-400))
    assert (summary.adoptions, summary.residual) == (1, NOTHING)
    text = io.StringIO()
    write_beancount(extract(chain.recorded, Period()), "adopted", text)
    _, errors, _ = loader.load_string(text.getvalue())
    assert errors == []


def test_what_no_plan_did_has_lines_of_its_own() -> None:
    chain = Chain(
        InstrumentLoaded(BTC),
        fill("x", BTC, Side.BUY, 1, "8000"),
        FillBooked(fill("y", BTC, Side.SELL, 1, "8100", order="flat-abc-001").fill, False, T0),
        cash("a", "ibkr", CashFlowKind.ADJUSTMENT, usd("7")),
    )
    summary = summarise(chain.recorded)
    assert lines(summary) == {
        "emergency command": Amounts(D(-5), D(40_500)),
        "fills of no order here": Amounts(D(5), D(-40_000)),
        "adopted differences": Amounts(D(0), D(7)),
    }
    assert (summary.result, summary.adoptions) == (Amounts(D(0), D(500)), 2)
    assert summary.residual == NOTHING


@given(histories())
def test_whatever_happened_the_lines_add_up_to_what_is_held(events: list[Event]) -> None:
    """The sums are the test's own: from the fills and flows as told, without any double entry."""
    summary = summarise(Chain(*events).recorded)
    expected = _added_up(events)
    for of in ("xbt", "usd"):
        explained = sum(getattr(amounts, of) for amounts in lines(summary).values())
        assert explained == sum(getattr(amounts, of) for amounts in held(summary).values())
        assert explained * COIN == expected[Currency[of.upper()]]
    assert summary.residual == NOTHING
    assert summary.result == summary.pnl + summary.in_positions
    # What the plans brought is part of what everything brought.
    spreads = sum((result.basis for result in summary.plans), NOTHING)
    single = sum((result.collateral for result in summary.plans), NOTHING)
    assert spreads == lines(summary).get("spreads", NOTHING)
    assert single == lines(summary).get("collateral hedge", NOTHING)


def _added_up(events: list[Event]) -> dict[Currency, int]:
    sums: defaultdict[Currency, int] = defaultdict(int)
    known: dict[object, Instrument] = {}
    contracts: defaultdict[object, int] = defaultdict(int)
    seen: set[object] = set()
    for event in events:
        match event:
            case InstrumentLoaded(instrument):
                known[instrument.id] = instrument
            case AccountOpened(_, money):
                sums[money.currency] += money.units
            case FillBooked(fill=one) if one.execution_id not in seen:
                seen.add(one.execution_id)
                signed = one.quantity * (1 if one.side is Side.BUY else -1)
                contracts[one.instrument] += signed
                if known[one.instrument].terms.kind is Kind.INVERSE:
                    sums[Currency.XBT] += round(Fraction(10**10, int(one.price))) * (signed // 100)
                    sums[Currency.USD] -= signed * COIN
                else:
                    sums[Currency.XBT] += signed * COIN // 10
                    sums[Currency.USD] -= signed * int(one.price) * COIN // 10
                if one.fee is not None:
                    sums[one.fee.currency] -= one.fee.units
            case _ if hasattr(event, "report"):
                sums[event.report.fee.currency] -= event.report.fee.units
            case _ if hasattr(event, "flow"):
                flow = event.flow
                # A settlement of an open position only moves what is already there.
                if flow.kind is not CashFlowKind.SETTLEMENT or not contracts[flow.instrument]:
                    sums[flow.amount.currency] += flow.amount.units
    return sums
