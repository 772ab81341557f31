"""Contract details and market data over real sockets."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from ib_async import Contract, Future, Ticker
from ib_async.util import parseIBDatetime

from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from adapters.simulator.tws.hours import HoursStyle, hours_text
from tests import patient
from tests.integration.tws_server_bench import bench, mbt, order, until


def test_contract_details_of_mbt_and_btc() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            near, far = await ib.reqContractDetailsAsync(Future("MBT", exchange="CME"))
            assert near.contract is not None
            assert far.contract is not None
            assert (near.contract.lastTradeDateOrContractMonth, near.contractMonth) == ("20300628", "203006")
            assert near.lastTradeTime == "10:00:00"
            assert (far.contract.localSymbol, far.contractMonth) == ("MBTN0", "203007")
            assert near.contract.conId != far.contract.conId
            assert (near.minTick, near.contract.multiplier, near.timeZoneId) == (5, "0.1", "US/Central")
            assert near.tradingHours == near.liquidHours != ""
            assert (near.contract.exchange, near.contract.currency) == ("CME", "USD")
            (large,) = await ib.reqContractDetailsAsync(Future("BRR", exchange="CME", tradingClass="BTC"))
            assert large.contract is not None
            assert (large.contract.multiplier, large.contract.localSymbol) == ("5", "BTCM0")
            (by_id,) = await ib.reqContractDetailsAsync(Contract(conId=far.contract.conId))
            assert by_id.contract == far.contract
            (by_name,) = await ib.reqContractDetailsAsync(Future(localSymbol="MBTM0", exchange="CME"))
            assert by_name.contract == near.contract
            (qualified,) = await ib.qualifyContractsAsync(Future("MBT", "20300628", "CME", multiplier="0.1"))
            assert isinstance(qualified, Contract)
            assert qualified.conId == near.contract.conId
            (rule,) = await ib.reqMarketRuleAsync(int(near.marketRuleIds)) or []
            assert (rule.lowEdge, rule.increment) == (0, 5)

    patient.run(main())


@pytest.mark.parametrize(
    "wanted",
    [
        Future("BTC", exchange="CME"),
        Future("MBT", "203012", "CME"),
        Future("MBT", exchange="GLOBEX"),
        Future("MBT", exchange="CME", currency="EUR"),
        Future("MBT", exchange="CME", multiplier="5"),
        Future(exchange="CME"),
        Contract(conId=1),
    ],
    ids=str,
)
def test_nothing_matches(wanted: Contract) -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            codes: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: codes.append(code)
            assert await ib.reqContractDetailsAsync(wanted) == []
            assert codes == [200]

    patient.run(main())


def test_ticks_follow_the_book_and_are_held_back() -> None:
    """Of changes within one interval only the last is told; a size alone comes as a size."""

    async def main() -> None:
        async with bench(tick_interval_ms=100) as b:
            ib = await b.client()
            contract = await mbt(ib)
            ib.reqMarketDataType(3)
            ticker = ib.reqMktData(contract)
            await until(lambda: ticker.ask == 20_005)
            assert (ticker.bid, ticker.bidSize, ticker.askSize) == (19_995, 100, 100)
            assert ticker.marketDataType == 1
            assert ticker.minTick == 5
            asks: list[float] = []

            def note(changed: Ticker) -> None:
                asks.append(changed.ask)

            ticker.updateEvent += note
            for step in range(1, 11):
                b.market([(19_995, 100 + step)], [(20_005 + 5 * step, 7)])
                await asyncio.sleep(0.001)
            await until(lambda: ticker.ask == 20_055)
            assert asks == [20_055]
            assert (ticker.bid, ticker.bidSize, ticker.askSize) == (19_995, 110, 7)
            b.market([], [(20_055, 7)])
            await until(lambda: ticker.bidSize == 0)
            assert ticker.bid == -1
            b.market([(20_000, 1)], [(20_055, 7)])
            await until(lambda: ticker.bid == 20_000)
            trade = ib.placeOrder(contract, order("BUY", 1, 20_055))
            await until(lambda: trade.isDone() and ticker.last == 20_055)
            assert ib.cancelMktData(contract)
            await asyncio.sleep(0.02)
            b.market([(20_100, 1)], [(20_105, 7)])
            await asyncio.sleep(0.15)
            assert ticker.bid == 20_000

    patient.run(main())


def test_a_snapshot_ends_by_itself() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            (ticker,) = await asyncio.wait_for(ib.reqTickersAsync(await mbt(ib)), 2)
            assert (ticker.bid, ticker.ask) == (19_995, 20_005)

    patient.run(main())


def test_market_depth_keeps_its_rows() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.market([(19_995, 1), (19_990, 2), (19_985, 3)], [(20_005, 4)])
            ticker = ib.reqMktDepth(contract, 2)
            await until(lambda: len(ticker.domBids) == 2 and len(ticker.domAsks) == 1)
            b.market([(19_990, 5)], [(20_000, 1), (20_010, 2)])
            await until(lambda: len(ticker.domBids) == 1)
            assert [(level.price, level.size) for level in ticker.domBids] == [(19_990, 5)]
            assert [(level.price, level.size) for level in ticker.domAsks] == [(20_000, 1), (20_010, 2)]
            ib.cancelMktDepth(contract)

    patient.run(main())


CHICAGO = ZoneInfo("America/Chicago")


def chicago(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=CHICAGO).astimezone(UTC)


def test_hours_are_written_as_the_broker_writes_them() -> None:
    """The week from Wednesday 25 November 2026: sessions of 17:00 to 16:00, closed on Saturday."""
    week = Sessions.of(
        Session(chicago(opens, 17), chicago(closes, 16))
        for opens, closes in ((24, 25), (25, 26), (26, 27), (29, 30))
    )
    assert hours_text(week, chicago(25, 9)) == (
        "20261124:1700-20261125:1600;20261125:1700-20261126:1600;20261126:1700-20261127:1600;"
        "20261128:CLOSED;20261129:1700-20261130:1600;20261201:CLOSED"
    )
    assert hours_text(ALWAYS_OPEN, chicago(25, 9)).startswith("20261125:0000-20261126:0000;20261126:0000-")
    assert parseIBDatetime("20261125 16:00:00 US/Central") == datetime(2026, 11, 25, 22, tzinfo=UTC)


def test_hours_in_the_older_style_stand_under_the_day_they_close() -> None:
    """The same week; then two breaks in a day, and 60 hours from Saturday 04:00 to Monday 16:00 cut at midnights."""
    older = HoursStyle.BY_TRADE_DATE
    week = Sessions.of(
        Session(chicago(opens, 17), chicago(closes, 16))
        for opens, closes in ((24, 25), (25, 26), (26, 27), (29, 30))
    )
    assert hours_text(week, chicago(25, 9), older) == (
        "20261125:1700-1600;20261126:1700-1600;20261127:1700-1600;20261128:CLOSED;20261129:CLOSED;"
        "20261130:1700-1600;20261201:CLOSED"
    )
    breaks = Sessions.of(
        [Session(chicago(24, 17), chicago(25, 15)), Session(chicago(25, 16), chicago(25, 18))]
    )
    assert hours_text(breaks, chicago(25, 9), older).startswith(
        "20261125:1700-1500,1600-1800;20261126:CLOSED;"
    )
    long = Sessions.of([Session(chicago(28, 4), chicago(30, 16))])
    assert hours_text(long, chicago(28, 1), older).startswith(
        "20261128:CLOSED;20261129:0400-0000;20261130:0000-0000,0000-1600;20261201:CLOSED"
    )
    assert hours_text(ALWAYS_OPEN, chicago(25, 9), older).startswith("20261125:0000-0000;20261126:0000-0000;")


def test_hours_come_in_the_style_the_server_is_told() -> None:
    async def main() -> None:
        async with bench(hours_style=HoursStyle.BY_TRADE_DATE) as b:
            ib = await b.client()
            (details, *_) = await ib.reqContractDetailsAsync(Future("MBT", exchange="CME"))
            days = details.tradingHours.split(";")
            assert len(days) == 7
            assert {day.partition(":")[2] for day in days} == {"0000-0000"}
            assert details.liquidHours == details.tradingHours

    patient.run(main())
