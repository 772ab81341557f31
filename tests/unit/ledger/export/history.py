"""A small history over three days, with texts no spreadsheet may run, and what it leaves on each account."""

from bot.model.events import AccountOpened, TicketRaised, TicketRejected, TicketVoided
from bot.model.ids import Role
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
    leg,
    plan_proposed,
    sell_mbt,
    ticket,
    usd,
    xbt,
)

DAY = 86_400
FORMULA = '=HYPERLINK("http://example.org";"Δ")'
QUOTED = '\'already\nquoted, "twice"'


def history() -> Chain:
    """Opened and hedged on the 2nd of November, funding and a fee on the 3rd, a deposit on the 5th."""
    chain = approved_pair()
    chain.add(AccountOpened("bitmex", xbt(500_000_000)))
    chain.add(AccountOpened("ibkr", usd("60000")))
    chain.add(sell_mbt(), 20)
    chain.add(fill("c1", MBT, Side.SELL, 1, "10000", order="plan1-01w-001", seconds=20), 21)
    chain.add(buy_xbtusd(), 21)
    chain.add(
        fill("b1", XBTUSD, Side.BUY, 800, "8000", order="plan1-01h-001", fee=xbt(5_000), seconds=21), 22
    )
    chain.add(cash("f1", "bitmex", CashFlowKind.FUNDING, xbt(-1_000), XBTUSD, seconds=DAY), DAY)
    chain.add(commission("c1", MBT, usd("2.37000001")), DAY + 1)
    chain.add(plan_proposed("plan2"), 2 * DAY)
    working, hedge = leg(Role.WORKING, plan_id="plan2"), leg(Role.HEDGE, plan_id="plan2")
    chain.add(TicketRaised(ticket(working, MBT, Side.SELL, "1", "9000", "11000")), 2 * DAY)
    chain.add(TicketRaised(ticket(hedge, XBTUSD, Side.BUY, "0.11", "7000", "9000")), 2 * DAY)
    chain.add(TicketRejected(working, "@anna", FORMULA), 2 * DAY)
    chain.add(TicketVoided(hedge, QUOTED), 2 * DAY)
    chain.add(cash("d1", "bitmex", CashFlowKind.DEPOSIT, xbt(10_000_000), seconds=3 * DAY), 3 * DAY)
    return chain


AT_THE_END = {
    # 5 XBT − 0.00005 fee − 0.00001 funding + 0.1; 60,000 USD − 2.37000001.
    ("assets:bitmex:cash", "XBT"): "5.09994000",
    ("assets:bitmex:XBTUSD", "XBT"): "0.10000000",
    ("assets:bitmex:XBTUSD", "USD"): "-800.00000000",
    ("assets:ibkr:cash", "USD"): "59997.62999999",
    ("assets:ibkr:MBT", "XBT"): "-0.10000000",
    ("assets:ibkr:MBT", "USD"): "1000.00000000",
}
