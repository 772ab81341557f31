"""The gateway's lines to the broker: lost and restored, data farms, a competing session. Real ib_async clients."""

import asyncio

import pytest
from ib_async import IB

from adapters.simulator.tws import api_errors
from adapters.simulator.tws.api_errors import ApiError
from tests import patient
from tests.integration.tws_server_bench import ACCOUNT, bench, mbt, order, until


def hear(ib: IB) -> list[tuple[int, int]]:
    """Return a list that takes in request id and code of every error."""
    heard: list[tuple[int, int]] = []
    ib.errorEvent += lambda req_id, code, text, contract: heard.append((req_id, code))
    return heard


def test_while_the_line_is_down_nothing_goes_out_and_nothing_comes_in() -> None:
    """1100: an order waits, a fill is not heard of. 1102: both are made up for, and prices go on."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            ticker = ib.reqMktData(contract)
            await until(lambda: ticker.bid == 19_995)
            resting = ib.placeOrder(contract, order("BUY", 2, 19_990, "GTC"))
            await until(lambda: resting.orderStatus.status == "Submitted")
            heard = hear(ib)
            b.server.uplink.lose()
            b.server.uplink.lose()
            await until(lambda: heard == [(-1, 1100)])
            b.market([(19_980, 100)], [(19_985, 100)])
            assert len(b.exchange.executions(ACCOUNT)) == 1
            waits = ib.placeOrder(contract, order("BUY", 1, 19_985))
            await asyncio.sleep(0.05)
            assert (resting.orderStatus.filled, ticker.bid) == (0, 19_995)
            assert waits.orderStatus.status == "PendingSubmit"
            assert len(b.exchange.orders(ACCOUNT)) == 1
            assert ib.positions() == []
            b.server.uplink.restore(data_kept=True)
            b.server.uplink.restore(data_kept=True)
            await until(lambda: resting.isDone() and waits.isDone())
            assert heard == [(-1, 1100), (-1, 1102)]
            assert [f.execution.shares for f in ib.fills()] == [2, 1]
            await until(lambda: ib.positions() != [] and ib.positions()[0].position == 3)
            await until(lambda: ticker.bid == 19_980)

    patient.run(main())


def test_the_account_stands_still_while_the_line_is_down() -> None:
    """A deposit of 50 USD shows once it is back."""

    async def main() -> None:
        async with bench(account_refresh_s=0.05) as b:
            ib = await b.client()

            def net() -> str:
                return next(v.value for v in ib.accountValues() if v.tag == "NetLiquidation")

            b.server.uplink.lose()
            b.exchange.deposit(ACCOUNT, 50 * 10**8)
            await asyncio.sleep(0.15)
            assert net() == "100000.00"
            b.server.uplink.restore(data_kept=True)
            await until(lambda: net() == "100050.00")

    patient.run(main())


def test_after_data_was_lost_prices_are_to_be_asked_for_again() -> None:
    """1101: the subscription is gone; asked for again it works."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            ticker = ib.reqMktData(contract)
            await until(lambda: ticker.bid == 19_995)
            heard = hear(ib)
            b.server.uplink.lose()
            b.server.uplink.restore(data_kept=False)
            b.market([(20_000, 1)], [(20_005, 1)])
            await until(lambda: (-1, 1101) in heard)
            await asyncio.sleep(0.05)
            assert ticker.bid == 19_995
            ib.cancelMktData(contract)
            await until(lambda: heard[-1][1] == 300)
            again = ib.reqMktData(contract)
            await until(lambda: again.bid == 20_000)

    patient.run(main())


def test_a_client_that_connects_meanwhile_is_told_2110() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.uplink.lose()
            ib = IB()
            b.clients.append(ib)
            heard = hear(ib)
            await ib.connectAsync("127.0.0.1", b.port, 5)
            assert heard == [(-1, 2110)]

    patient.run(main())


@pytest.mark.parametrize(
    ("notice", "code"),
    [
        (api_errors.MARKET_FARM_BROKEN, 2103),
        (api_errors.MARKET_FARM_OK, 2104),
        (api_errors.HISTORY_FARM_BROKEN, 2105),
        (api_errors.HISTORY_FARM_OK, 2106),
        (api_errors.HISTORY_FARM_INACTIVE, 2107),
        (api_errors.MARKET_FARM_INACTIVE, 2108),
    ],
    ids=lambda v: v.code if isinstance(v, ApiError) else None,
)
def test_farms_are_told_to_those_connected_and_to_those_who_come(notice: ApiError, code: int) -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            await asyncio.sleep(0.02)
            heard = hear(ib)
            uplink = b.server.uplink
            (uplink.set_market_farm if "Market" in notice.text else uplink.set_history_farm)(notice)
            await until(lambda: heard == [(-1, code)])
            late = IB()
            b.clients.append(late)
            told = hear(late)
            await late.connectAsync("127.0.0.1", b.port, 6)
            await until(lambda: (-1, code) in told and len(told) == 3)

    patient.run(main())


def test_prices_stop_with_the_farm_and_go_on_with_it() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            ticker = ib.reqMktData(contract)
            await until(lambda: ticker.bid == 19_995)
            b.server.uplink.set_market_farm(api_errors.MARKET_FARM_BROKEN)
            b.market([(20_000, 1)], [(20_005, 1)])
            trade = ib.placeOrder(contract, order("BUY", 1, 20_005))
            await until(trade.isDone)
            assert trade.orderStatus.status == "Filled"
            assert ticker.bid == 19_995
            b.server.uplink.set_market_farm(api_errors.MARKET_FARM_OK)
            await until(lambda: ticker.bid == 20_000)

    patient.run(main())


def test_a_competing_session_takes_the_prices() -> None:
    """10197 for what is subscribed and for what is asked; orders go on; prices come back with its end."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            ticker = ib.reqMktData(contract)
            depth = ib.reqMktDepth(contract, 2)
            await until(lambda: ticker.bid == 19_995 and len(depth.domBids) == 1)
            heard = hear(ib)
            b.server.uplink.compete(on=True)
            await until(lambda: [code for _, code in heard] == [10197, 10197])
            assert len({req_id for req_id, _ in heard}) == 2
            b.market([(20_000, 1)], [(20_005, 1)])
            ib.reqMktData(await mbt(ib), snapshot=True)
            await until(lambda: len(heard) == 3)
            assert heard[-1][1] == 10197
            trade = ib.placeOrder(contract, order("BUY", 1, 20_005))
            await until(trade.isDone)
            assert (trade.orderStatus.status, ticker.bid) == ("Filled", 19_995)
            b.server.uplink.compete(on=False)
            await until(lambda: ticker.bid == 20_000)

    patient.run(main())


def test_a_stopped_gateway_has_no_lines() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.server.stop()
            with pytest.raises(RuntimeError):
                b.server.uplink.lose()

    patient.run(main())
