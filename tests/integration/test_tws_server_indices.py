"""The simulated broker's reference indices, asked for by the real client library."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ib_async import Contract, Index, LimitOrder, Ticker

from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.tws.index_service import IndexService
from tests import patient
from tests.integration.tws_server_bench import MBT, AdvancingClock, Bench, bench, until

BRTI = Index("BRTI", "CME", "USD", conId=460_000_001)
BRR = Index("BRR", "CME", "USD", conId=460_000_002)


def set_index(b: Bench, usd: int) -> None:
    """Move the index alone: the book stays."""
    levels = [BookLevel(price * 100, 100) for price in (19_995, 20_005)]
    b.exchange.set_market(MBT, usd * 100, levels[:1], levels[1:])


@pytest.mark.parametrize("version", [157, 164, 178])
def test_an_index_is_listed_without_the_terms_of_a_future(version: int) -> None:
    async def main() -> None:
        async with bench(server_version=version) as b:
            ib = await b.client()
            (found,) = await ib.reqContractDetailsAsync(Index("BRTI", "CME", "USD"))
            assert found.contract is not None
            assert (found.contract.secType, found.contract.symbol) == ("IND", "BRTI")
            assert (found.contract.lastTradeDateOrContractMonth, found.contract.multiplier) == ("", "")
            assert found.longName == "CME CF Bitcoin Real Time Index"
            (again,) = await ib.reqContractDetailsAsync(Contract(conId=found.contract.conId))
            assert again.contract == found.contract

    patient.run(main())


@pytest.mark.parametrize(
    "wanted",
    [
        Index("BRTX", "CME"),
        Index("BRTI", "CBOE"),
        Index("BRTI", "CME", "EUR"),
        Contract("FUT", symbol="BRTI"),
    ],
    ids=str,
)
def test_what_is_no_index_of_the_exchange_is_not_found(wanted: Contract) -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            assert await ib.reqContractDetailsAsync(wanted) == []

    patient.run(main())


def test_the_index_of_the_moment_has_a_last_price_and_no_book() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            ticker = ib.reqMktData(BRTI)
            await until(lambda: ticker.last == 20_000)
            assert not ticker.bid > 0
            assert not ticker.ask > 0

            def next_one() -> bool:
                set_index(b, 20_100)
                return ticker.last == 20_100

            await until(next_one)

    patient.run(main())


def errors_of(ib: Any) -> list[int]:
    codes: list[int] = []
    ib.errorEvent += lambda request_id, code, text, contract: codes.append(code)
    return codes


@pytest.mark.parametrize(
    ("service", "code"), [(IndexService.UNSUBSCRIBED, 354), (IndexService.UNLISTED, 200)]
)
def test_a_login_without_it_is_told_so(service: IndexService, code: int) -> None:
    async def main() -> None:
        async with bench(index_service=service) as b:
            ib = await b.client()
            codes = errors_of(ib)
            ticker: Ticker = ib.reqMktData(BRTI)
            await until(lambda: code in codes)
            assert not ticker.last > 0
            assert bool(await ib.reqContractDetailsAsync(BRTI)) is (service is IndexService.UNSUBSCRIBED)

    patient.run(main())


def test_nobody_trades_an_index() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            codes = errors_of(ib)
            (found,) = await ib.reqContractDetailsAsync(BRTI)
            assert found.contract is not None
            ib.placeOrder(found.contract, LimitOrder("BUY", 1, 20_000))
            await until(lambda: 200 in codes)
            assert await ib.reqAllOpenOrdersAsync() == []

    patient.run(main())


def test_the_reference_rate_comes_once_a_day() -> None:
    """Half an hour at 20,000, the other half at 20,400: six parts of each, 20,200, of 16:00 London and not of now."""

    async def main() -> None:
        clock, hour = AdvancingClock(), datetime(2030, 6, 26, 14, tzinfo=UTC)
        clock.advance_to(hour)
        async with bench(clock=clock) as b:
            ib = await b.client()
            ticker = ib.reqMktData(BRR)
            for minutes, index in ((0, 20_000), (30, 20_400), (59, 20_400)):
                clock.advance_to(hour + timedelta(minutes=minutes))
                set_index(b, index)
            await asyncio.sleep(0.05)
            assert not ticker.last > 0
            clock.advance_to(hour + timedelta(minutes=60, seconds=1))

            def told() -> bool:
                set_index(b, 20_500)
                return ticker.last == 20_200

            await until(told)

    patient.run(main())
