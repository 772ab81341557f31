"""Entries worked out by hand, and the first spread of the domain's table to the satoshi and the cent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.ledger.balances import balances
from bot.ledger.errors import Unbookable
from bot.ledger.journal import Journal, Posting
from bot.model.events import AccountOpened, Adopted, AdoptedCash, AdoptedPosition, InstrumentLoaded, Recorded
from bot.orders.fold import folded
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlowKind, Cause, Side
from risk.terms import Kind, Terms
from tests.unit.ledger.story import (
    BTC,
    MBT,
    XBTUSD,
    Chain,
    at,
    cash,
    commission,
    fill,
    usd,
    xbt,
)

D = Decimal
XBT, USD = Currency.XBT, Currency.USD
CENT = 1_000_000  # units


def entries(chain: Chain) -> list[list[tuple[str, Currency, int]]]:
    journal = Journal()
    found = []
    for recorded in chain.recorded:
        postings = journal.post(recorded)
        assert all(posting.seq == recorded.seq for posting in postings)
        found.append([(posting.account, posting.currency, posting.units) for posting in postings])
    return found


def test_inverse_trade_is_an_exchange_of_dollars_for_satoshi() -> None:
    chain = Chain(InstrumentLoaded(XBTUSD), fill("e1", XBTUSD, Side.BUY, 200_000, "8000"))
    # 1e10 / 8000 = 1,250,000 satoshi a lot, 2,000 lots.
    assert entries(chain)[1] == [
        ("assets:bitmex:XBTUSD", XBT, 2_500_000_000),
        ("equity:exchange", XBT, -2_500_000_000),
        ("assets:bitmex:XBTUSD", USD, -200_000 * 100_000_000),
        ("equity:exchange", USD, 200_000 * 100_000_000),
    ]


def test_linear_trade_is_an_exchange_the_other_way_round() -> None:
    chain = Chain(InstrumentLoaded(BTC), fill("e1", BTC, Side.SELL, 5, "10000"))
    # 5 contracts of 5 XBT at 10,000: 25 XBT owed, 250,000 USD due.
    assert entries(chain)[1] == [
        ("assets:ibkr:BTC", USD, 250_000 * 100_000_000),
        ("equity:exchange", USD, -250_000 * 100_000_000),
        ("assets:ibkr:BTC", XBT, -2_500_000_000),
        ("equity:exchange", XBT, 2_500_000_000),
    ]


def test_reduction_moves_its_result_at_average_cost_to_cash() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        fill("e1", XBTUSD, Side.BUY, 100, "8000.5"),
        fill("e2", XBTUSD, Side.BUY, 200, "8100"),
        fill("e3", XBTUSD, Side.SELL, 200, "9000.5", fee=xbt(1_111)),
    )
    # Per lot: 1e10/8000.5 -> 1,249,922; 1e10/8100 -> 1,234,568; 1e10/9000.5 -> 1,111,049.
    # Cost 1,249,922 + 2 × 1,234,568 = 3,719,058; two thirds of it 2,479,372; received 2,222,098.
    assert entries(chain)[3] == [
        ("assets:bitmex:XBTUSD", XBT, -2_222_098),
        ("equity:exchange", XBT, 2_222_098),
        ("assets:bitmex:XBTUSD", USD, 200 * 100_000_000),
        ("equity:exchange", USD, -200 * 100_000_000),
        ("assets:bitmex:cash", XBT, 257_274),
        ("assets:bitmex:XBTUSD", XBT, -257_274),
        ("expenses:fees:bitmex", XBT, 1_111),
        ("assets:bitmex:cash", XBT, -1_111),
    ]
    assert balances(chain.recorded).costs == {XBTUSD.id: xbt(3_719_058 - 2_479_372)}


def test_an_odd_satoshi_stays_in_the_cost_until_the_last_contract() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        fill("e1", XBTUSD, Side.SELL, 100, "8000.5"),  # 1,249,922
        fill("e2", XBTUSD, Side.SELL, 200, "8100.5"),  # 1e10/8100.5 -> 1,234,492 a lot; cost 3,718,906
        fill("e3", XBTUSD, Side.BUY, 100, "8000"),  # a third is 1,239,635.33: released 1,239,635
    )
    held = balances(chain.recorded)
    assert held.cash["bitmex", XBT].units == 1_250_000 - 1_239_635
    assert held.costs == {XBTUSD.id: xbt(-(3_718_906 - 1_239_635))}
    chain.add(fill("e4", XBTUSD, Side.BUY, 200, "8000"))
    held = balances(chain.recorded)
    assert held.cash["bitmex", XBT].units == 3 * 1_250_000 - 3_718_906
    assert held.positions == {}
    assert held.total("assets:bitmex:XBTUSD", XBT) == held.total("assets:bitmex:XBTUSD", USD) == 0


def test_a_fill_through_zero_closes_and_opens() -> None:
    chain = Chain(
        InstrumentLoaded(BTC),
        fill("e1", BTC, Side.BUY, 2, "10000"),
        fill("e2", BTC, Side.SELL, 3, "10100"),
    )
    held = balances(chain.recorded)
    assert held.cash["ibkr", USD] == usd("1000")  # 2 × 5 × 100
    assert held.positions == {BTC.id: -1}
    assert held.costs == {BTC.id: usd("-50500")}  # a short of 5 XBT at 10,100


@pytest.mark.parametrize(
    ("spot", "inverse_xbt", "linear_usd", "hedge_usd"),
    [
        ("4000", "-25", "150000", "30000"),
        ("8000", "0", "50000", "10000"),
        ("16000", "12.5", "-150000", "-30000"),
    ],
)
def test_first_spread_of_the_domains_table(
    spot: str, inverse_xbt: str, linear_usd: str, hedge_usd: str
) -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        InstrumentLoaded(BTC),
        AccountOpened("bitmex", xbt(500_000_000)),
        AccountOpened("ibkr", usd("60000")),
        fill("b1", XBTUSD, Side.BUY, 200_000, "8000"),
        fill("c1", BTC, Side.SELL, 5, "10000"),
    )
    spread = balances(chain.recorded)
    assert spread.delta_xbt == D(5)  # 5 of wallet + 25 long − 25 short
    chain.add(fill("c2", BTC, Side.SELL, 1, "10000"))
    assert balances(chain.recorded).delta_xbt == D(0)

    chain.add(fill("b2", XBTUSD, Side.SELL, 200_000, spot))
    chain.add(fill("c3", BTC, Side.BUY, 5, spot))
    spread = balances(chain.recorded)
    assert spread.cash["bitmex", XBT].amount == 5 + D(inverse_xbt)
    # The sixth contract is still open at its cost; the cash holds the spread's result alone.
    assert spread.cash["ibkr", USD].amount == 60_000 + D(linear_usd)
    chain.add(fill("c4", BTC, Side.BUY, 1, spot))
    closed = balances(chain.recorded)
    assert closed.cash["ibkr", USD].amount == 60_000 + D(linear_usd) + D(hedge_usd)
    assert closed.positions == {}
    # What is left naked is the wallet.
    assert closed.delta_xbt == 5 + D(inverse_xbt)
    total = D(inverse_xbt) * D(spot) + D(linear_usd)
    assert total == 50_000
    # With the collateral hedge: what the five XBT lost is in the sixth contract.
    assert (5 + D(inverse_xbt)) * D(spot) + D(linear_usd) + D(hedge_usd) == 5 * 8_000 + 60_000


@pytest.mark.parametrize(
    ("side", "contracts", "entry", "exit_", "result"),
    [
        (Side.BUY, 10_000, "20000", "21000", 2_381_000),  # 0.02381 XBT
        (Side.SELL, 10_000, "20000", "19000", 2_631_600),  # 0.026316 XBT
        (Side.SELL, 25_000, "25000", "24000", 4_166_750),  # 0.0416675 XBT
        (Side.BUY, 1_000, "8000", "8500", 735_290),  # 0.0073529 XBT
        (Side.BUY, 1_000, "8000", "7500", -833_330),  # −0.0083333 XBT
    ],
)
def test_worked_figures_of_the_guides(
    side: Side, contracts: int, entry: str, exit_: str, result: int
) -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        fill("e1", XBTUSD, side, contracts, entry),
        fill("e2", XBTUSD, side.opposite, contracts, exit_),
    )
    assert balances(chain.recorded).cash == {("bitmex", XBT): xbt(result)}


def test_fees_and_two_fundings_leave_the_guides_net_result() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        fill("e1", XBTUSD, Side.BUY, 10_000, "20000", fee=xbt(37_500)),
        cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-5_000), XBTUSD),
        cash("f2", "bitmex", CashFlowKind.FUNDING, xbt(-5_000), XBTUSD),
        fill("e2", XBTUSD, Side.SELL, 10_000, "21000", fee=xbt(35_714)),
    )
    held = balances(chain.recorded)
    assert held.cash["bitmex", XBT] == xbt(2_297_786)  # 0.022978 XBT
    assert held.accounts["expenses:fees:bitmex", XBT] == 73_214
    assert held.accounts["income:funding:bitmex", XBT] == 10_000


def test_a_commission_told_later_is_booked_once() -> None:
    chain = Chain(
        InstrumentLoaded(BTC),
        fill("e1", BTC, Side.BUY, 1, "10000"),
        commission("e1", BTC, usd("6.02")),
        commission("e1", BTC, usd("6.02")),
    )
    assert entries(chain)[2:] == [
        [("expenses:fees:ibkr", USD, 602 * CENT), ("assets:ibkr:cash", USD, -602 * CENT)],
        [],
    ]


def test_whatever_is_told_twice_is_booked_once() -> None:
    bought = fill("e1", XBTUSD, Side.BUY, 100, "8000", fee=xbt(625))
    deposit = cash("d1", "bitmex", CashFlowKind.DEPOSIT, xbt(7))
    opened = AccountOpened("bitmex", xbt(100))
    chain = Chain(InstrumentLoaded(XBTUSD), opened, bought, deposit)
    once = balances(chain.recorded)
    for event in (opened, bought, commission("e1", XBTUSD, xbt(625)), deposit):
        chain.add(event)
    assert balances(chain.recorded) == once
    # The same number at another venue is another execution.
    other = replace(XBTUSD, id=InstrumentId("other", "XBTUSD"))
    chain.add(InstrumentLoaded(other))
    chain.add(fill("e1", other, Side.BUY, 100, "8000"))
    assert balances(chain.recorded).positions == {XBTUSD.id: 100, other.id: 100}


def test_flows_have_their_own_accounts() -> None:
    chain = Chain(
        AccountOpened("bitmex", xbt(100)),
        cash("1", "bitmex", CashFlowKind.DEPOSIT, xbt(40)),
        cash("2", "bitmex", CashFlowKind.WITHDRAWAL, xbt(-15)),
        cash("3", "bitmex", CashFlowKind.FUNDING, xbt(3)),
        cash("4", "bitmex", CashFlowKind.ADJUSTMENT, xbt(-2)),
        cash("5", "bitmex", CashFlowKind.SETTLEMENT, xbt(1)),
    )
    assert balances(chain.recorded).accounts == {
        ("assets:bitmex:cash", XBT): 127,
        ("equity:opening", XBT): -100,
        ("equity:deposits", XBT): -25,
        ("income:funding:bitmex", XBT): -3,
        ("equity:adjustments", XBT): 2,
        ("income:settlement:bitmex", XBT): -1,
    }


def test_a_daily_settlement_is_cash_ahead_of_the_close() -> None:
    chain = Chain(
        InstrumentLoaded(BTC),
        fill("e1", BTC, Side.SELL, 1, "10000"),
        cash("s1", "ibkr", CashFlowKind.SETTLEMENT, usd("2500"), BTC),
    )
    held = balances(chain.recorded)
    assert held.cash["ibkr", USD] == usd("2500")
    assert held.delta_xbt == D(-5)
    chain.add(fill("e2", BTC, Side.BUY, 1, "9000"))
    held = balances(chain.recorded)
    assert held.cash["ibkr", USD] == usd("5000")
    assert held.total("assets:ibkr:BTC", USD) == held.total("assets:ibkr:BTC", XBT) == 0


def test_settlement_at_expiry_ends_the_position() -> None:
    dated = replace(XBTUSD, terms=replace(XBTUSD.terms, expiry=at(100)))
    chain = Chain(InstrumentLoaded(dated), fill("e1", dated, Side.SELL, 25_000, "25000"))
    ended = fill("s1", dated, Side.BUY, 25_000, "24000", fee=xbt(0))
    chain.add(replace(ended, fill=replace(ended.fill, cause=Cause.SETTLEMENT)))
    held = balances(chain.recorded)
    assert held.cash == {("bitmex", XBT): xbt(4_166_750)}
    assert held.positions == {}
    assert folded(chain.recorded).delta() == held.delta_xbt == D("0.04166750")
    assert held.total("assets:bitmex:XBTUSD", XBT) == held.total("assets:bitmex:XBTUSD", USD) == 0
    # As if it had been bought back at 24,000: 1 XBT sold for 25,000 USD, 1.0416675 bought for as many.
    assert held.accounts["equity:exchange", XBT] == -4_166_750
    assert held.accounts["equity:exchange", USD] == 0


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (fill("e1", MBT, Side.BUY, 1, "10000"), "ibkr:MBT was traded, but its terms were never loaded"),
        (
            InstrumentLoaded(replace(XBTUSD, terms=replace(XBTUSD.terms, multiplier=D(10)))),
            "changed its multiplier from 1 to 10",
        ),
        (
            InstrumentLoaded(replace(XBTUSD, terms=Terms(Kind.LINEAR, 1, D(5), D(1)))),
            "changed its kind from inverse to linear",
        ),
        (
            cash("s", "bitmex", CashFlowKind.SETTLEMENT, usd("1"), XBTUSD),
            "bitmex:XBTUSD settles in XBT, not in USD",
        ),
    ],
)
def test_what_cannot_be_booked_is_refused_and_changes_nothing(event: InstrumentLoaded, reason: str) -> None:
    chain = Chain(InstrumentLoaded(XBTUSD), fill("e1", XBTUSD, Side.BUY, 100, "8000"))
    journal = Journal()
    for recorded in chain.recorded:
        journal.post(recorded)
    before = journal.positions[XBTUSD.id].settled
    with pytest.raises(Unbookable, match=reason):
        journal.post(Recorded(3, at(0), event, ""))
    assert journal.positions[XBTUSD.id].settled == before
    assert journal.instruments == {XBTUSD.id: XBTUSD}


def test_new_margins_or_fees_are_the_same_contract() -> None:
    journal = Journal()
    dearer = replace(XBTUSD, terms=replace(XBTUSD.terms, taker_fee=D("0.00075")))
    chain = Chain(InstrumentLoaded(XBTUSD), InstrumentLoaded(dearer))
    assert [journal.post(recorded) for recorded in chain.recorded] == [[], []]
    assert journal.instruments[XBTUSD.id] == dearer


def test_a_posting_says_all_of_itself() -> None:
    chain = Chain(AccountOpened("bitmex", xbt(5)))
    assert Journal().post(chain.recorded[0]) == [
        Posting(1, "assets:bitmex:cash", XBT, 5),
        Posting(1, "equity:opening", XBT, -5),
    ]


# --- adoption --------------------------------------------------------------------------------------------


def adoption(
    positions: tuple[AdoptedPosition, ...], before: Money, after: Money, venue: str = "bitmex"
) -> Adopted:
    cash_change = (AdoptedCash(venue, before, after, at(0)),)
    return Adopted("0" * 16, "anna", "seen there", ("a line",), positions, cash_change, (), (), (), ())


def test_an_adopted_inverse_position_is_booked_at_the_venues_cost() -> None:
    """100 bought at 8,000 are 1,250,000 satoshi; the venue shows 300 that cost 3,703,704, and 900 less cash."""
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        AccountOpened("bitmex", xbt(10_000_000)),
        fill("e1", XBTUSD, Side.BUY, 100, "8000"),
        adoption(
            (AdoptedPosition(XBTUSD.id, 100, 300, cost=xbt(3_703_704)),),
            xbt(10_000_000 + 1_250_000),
            xbt(10_000_000 - 900 + 3_703_704),
        ),
    )
    assert entries(chain)[3] == [
        ("assets:bitmex:XBTUSD", XBT, 2_453_704),
        ("equity:adjustments", XBT, -2_453_704),
        ("assets:bitmex:XBTUSD", USD, -200 * 100_000_000),
        ("equity:adjustments", USD, 200 * 100_000_000),
        ("assets:bitmex:cash", XBT, -900),
        ("equity:adjustments", XBT, 900),
    ]
    held = balances(chain.recorded)
    assert held.positions == {XBTUSD.id: 300}
    assert held.costs == {XBTUSD.id: xbt(3_703_704)}
    assert held.cash["bitmex", XBT] == xbt(10_000_000 - 900)


def test_an_adopted_linear_position_without_a_cost_moves_as_a_trade_at_its_price_would() -> None:
    """Long 3 at 10,000; the venue holds 1: two sold at 10,100 realise 2 × 5 × 100 = 1,000 USD."""
    chain = Chain(
        InstrumentLoaded(BTC),
        AccountOpened("ibkr", usd("500000")),
        fill("e1", BTC, Side.BUY, 3, "10000"),
        adoption(
            (AdoptedPosition(BTC.id, 3, 1, price=D("10100")),),
            usd("350000"),  # 500,000 − 3 × 5 × 10,000
            usd("451000"),  # + 2 × 5 × 10,100
            "ibkr",
        ),
    )
    held = balances(chain.recorded)
    assert held.cash["ibkr", USD] == usd("501000")
    assert held.costs == {BTC.id: usd("50000")}
    assert held.positions == {BTC.id: 1}
    assert held.accounts["equity:adjustments", USD] == usd("-101000").units
    assert held.accounts["equity:adjustments", XBT] == 1_000_000_000
    assert held.total("assets:ibkr:BTC", XBT) == 500_000_000


def test_an_adoption_from_what_the_books_do_not_hold_is_refused() -> None:
    chain = Chain(
        InstrumentLoaded(XBTUSD),
        adoption((AdoptedPosition(XBTUSD.id, 100, 0, cost=xbt(0)),), xbt(0), xbt(0)),
    )
    with pytest.raises(Unbookable, match="100 contracts adopted from, the books hold 0"):
        entries(chain)
