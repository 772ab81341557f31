"""Every message code of the broker that matters to an order, a link or a quote: what makes the simulator say it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ib_async import IB, Contract, MarketOrder, Trade

from adapters.simulator.exchange.sessions import Session, Sessions
from adapters.simulator.faults import FaultKind
from adapters.simulator.tws import api_errors
from adapters.simulator.tws.api_errors import ApiError
from tests import patient
from tests.integration.tws_server_bench import ACCOUNT, HOST, Bench, bench, mbt, order, until

CLOSED = Sessions.of([Session(datetime(2031, 1, 1, tzinfo=UTC), datetime(2031, 1, 2, tzinfo=UTC))])


class Play:
    """A client, what it hears, and how it sends."""

    def __init__(self, bench: Bench, ib: IB, contract: Contract) -> None:
        self.bench = bench
        self.ib = ib
        self.contract = contract
        self.heard: list[int] = []
        ib.errorEvent += lambda req_id, code, text, contract: self.heard.append(code)

    @property
    def raw(self) -> Any:
        """The protocol client, for what the library would not let pass."""
        return self.ib.client

    def place(self, quantity: int = 1, price: float = 19_990, tif: str = "GTC", **fields: Any) -> Trade:
        return self.ib.placeOrder(self.contract, order("BUY", quantity, price, tif, **fields))

    async def resting(self) -> Trade:
        trade = self.place()
        await until(lambda: trade.orderStatus.status == "Submitted")
        return trade

    async def filled(self) -> Trade:
        trade = self.place(price=20_005, tif="IOC")
        await until(lambda: trade.orderStatus.status == "Filled")
        return trade

    def notice(self, error: ApiError) -> None:
        uplink = self.bench.server.uplink
        (uplink.set_market_farm if "Market" in error.text else uplink.set_history_farm)(error)


async def _103(p: Play) -> None:
    trade = await p.resting()
    p.ib.cancelOrder(trade.order)
    await until(trade.isDone)
    p.raw.placeOrder(trade.order.orderId, p.contract, order("BUY", 1, 19_990, "GTC"))


async def _104(p: Play) -> None:
    trade = await p.filled()
    p.raw.placeOrder(trade.order.orderId, p.contract, order("BUY", 2, 20_005, "IOC"))


async def _110(p: Play) -> None:
    p.place(price=19_991)


async def _161(p: Play) -> None:
    trade = await p.resting()
    for _ in range(2):
        p.raw.cancelOrder(trade.order.orderId)


async def _163(p: Play) -> None:
    p.place(price=21_000)


async def _200(p: Play) -> None:
    await p.ib.reqContractDetailsAsync(Contract(secType="FUT", symbol="XYZ", exchange="CME"))


async def _201(p: Play) -> None:
    p.place(quantity=400)


async def _202(p: Play) -> None:
    p.ib.cancelOrder((await p.resting()).order)


async def _321(p: Play) -> None:
    p.bench.server.faults.read_only = True
    p.place()


async def _326(p: Play) -> None:
    second = IB()
    p.bench.clients.append(second)
    second.errorEvent += lambda req_id, code, text, contract: p.heard.append(code)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever ib_async makes of it
        await second.connectAsync(HOST, p.bench.port, 1, timeout=1)


async def _399(p: Play) -> None:
    p.place()


async def _434(p: Play) -> None:
    p.place(quantity=0)


async def _1100(p: Play) -> None:
    p.bench.server.uplink.lose()


async def _1101(p: Play) -> None:
    await _1100(p)
    p.bench.server.uplink.restore(data_kept=False)


async def _1102(p: Play) -> None:
    await _1100(p)
    p.bench.server.uplink.restore(data_kept=True)


async def _2109(p: Play) -> None:
    p.ib.placeOrder(p.contract, MarketOrder("BUY", 1, account=ACCOUNT, outsideRth=True))


async def _10147(p: Play) -> None:
    p.raw.cancelOrder(4711)


async def _10148(p: Play) -> None:
    p.raw.cancelOrder((await p.filled()).order.orderId)


async def _10197(p: Play) -> None:
    p.ib.reqMktData(p.contract)
    await asyncio.sleep(0.02)
    p.bench.server.uplink.compete(on=True)


async def _10349(p: Play) -> None:
    p.bench.server.faults.preset_tif = True
    p.place(tif="")


def farm(error: ApiError) -> Callable[[Play], Awaitable[None]]:
    async def trigger(p: Play) -> None:
        p.notice(error)

    return trigger


TRIGGERS: dict[int, Callable[[Play], Awaitable[None]]] = {
    103: _103,
    104: _104,
    110: _110,
    161: _161,
    163: _163,
    200: _200,
    201: _201,
    202: _202,
    321: _321,
    326: _326,
    399: _399,
    434: _434,
    1100: _1100,
    1101: _1101,
    1102: _1102,
    2103: farm(api_errors.MARKET_FARM_BROKEN),
    2104: farm(api_errors.MARKET_FARM_OK),
    2105: farm(api_errors.HISTORY_FARM_BROKEN),
    2106: farm(api_errors.HISTORY_FARM_OK),
    2107: farm(api_errors.HISTORY_FARM_INACTIVE),
    2108: farm(api_errors.MARKET_FARM_INACTIVE),
    2109: _2109,
    10147: _10147,
    10148: _10148,
    10197: _10197,
    10349: _10349,
}
# 502 and 504 ("cannot connect", "not connected") are said by client libraries, of a socket there is not.
OF_THE_CLIENT = {502, 504}

NEEDS: dict[int, dict[str, Any]] = {
    399: {"sessions": CLOSED},
    161: {"latency_ms": 50},
    163: {"price_band": 10_000},
}


def test_every_code_the_project_speaks_of_is_here() -> None:
    spoken_of = {103, 104, 110, 161, 10147, 10148, 163, 200, 201, 202, 321, 326, 399, 2109, 502, 504}
    spoken_of |= {1100, 1101, 1102, *range(2103, 2109), 10197, 434, 10349}
    assert spoken_of == {*TRIGGERS, *OF_THE_CLIENT}


@pytest.mark.parametrize("code", TRIGGERS)
def test_the_code_is_said(code: int) -> None:
    async def main() -> None:
        async with bench(**NEEDS.get(code, {})) as b:
            ib = await b.client()
            p = Play(b, ib, await mbt(ib))
            await asyncio.sleep(0.02)
            p.heard.clear()
            await TRIGGERS[code](p)
            await until(lambda: code in p.heard)

    patient.run(main())


def test_a_correction_bears_the_next_number() -> None:
    """No code says so: the same execution comes again, .02 in place of .01."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            p = Play(b, ib, await mbt(ib))
            b.server.faults.next(FaultKind.CORRECTED)
            told: list[str] = []
            ib.execDetailsEvent += lambda trade, fill: told.append(fill.execution.execId)
            p.place(price=20_005, tif="IOC")
            await until(lambda: len(told) == 2)
            assert [name[-3:] for name in told] == [".01", ".02"]
            assert told[0][:-3] == told[1][:-3]

    patient.run(main())


def test_a_session_that_opens_sends_what_was_held() -> None:
    async def main() -> None:
        now = patient.Clock().now()
        soon = Sessions.of([Session(now + timedelta(seconds=0.3), now + timedelta(hours=1))])
        async with bench(sessions=soon) as b:
            ib = await b.client()
            p = Play(b, ib, await mbt(ib))
            trade = p.place(price=20_005, tif="GTC")
            await until(lambda: 399 in p.heard)
            await asyncio.sleep(0.3)
            b.market([(19_995, 100)], [(20_005, 100)])
            b.exchange.step()
            await until(lambda: trade.orderStatus.status == "Filled")

    patient.run(main())
