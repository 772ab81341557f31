"""The simulated BitMEX: stops and if-touched orders, and how many orders may be open."""

from decimal import Decimal
from typing import Any

from adapters.simulator.bitmex.ratelimit import Limits
from tests import patient
from tests.integration.bitmex_server_client import Rig, levels, rig

FAST = Limits(per_minute=10_000, per_second=10_000)


def at(r: Rig, price: int) -> None:
    """Move the whole market to ``price``."""
    r.market(bids=levels((f"{price}", 10_000)), asks=levels((f"{price}.1", 10_000)), index=price)


def test_a_stop_waits_and_then_closes_at_market() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(price=16_000.1, orderQty=1_000)
            socket = await r.client.websocket("order", "execution")
            stop = await r.client.placed(
                side="Sell",
                orderQty=None,
                price=None,
                stopPx=15_500,
                ordType="Stop",
                execInst="Close,MarkPrice",
            )
            assert (stop["ordType"], stop["stopPx"], stop["price"]) == ("Stop", 15_500, None)
            assert (stop["ordStatus"], stop["workingIndicator"], stop["triggered"]) == ("New", False, "")
            assert (stop["orderQty"], stop["execInst"]) == (1_000, "Close,MarkPrice")
            margin = await r.client.get("/user/margin")
            assert margin["initMargin"] == 0  # a stop takes no margin until it triggers
            at(r, 15_600)
            (order,) = await r.client.get('/order?filter={"open":true}')
            assert order["triggered"] == ""
            at(r, 15_490)
            r.exchange.step()
            (order,) = await r.client.get(f'/order?filter={{"orderID":"{stop["orderID"]}"}}')
            assert (order["ordStatus"], order["triggered"]) == ("Filled", "StopOrderTriggered")
            (position,) = await r.client.get("/position")
            assert position["currentQty"] == 0
            told = await socket.rows("execution")
            assert [row["execType"] for row in told] == ["New", "TriggeredOrActivatedBySystem", "Trade"]
            assert (told[-1]["lastPx"], told[-1]["lastQty"]) == (15_490, 1_000)

    patient.run(main())


def test_a_stop_limit_rests_at_its_limit_once_triggered() -> None:
    async def main() -> None:
        async with rig() as r:
            placed = await r.client.placed(price=16_550, stopPx=16_500, execInst="LastPrice", orderQty=200)
            assert (placed["ordType"], placed["price"], placed["stopPx"]) == ("StopLimit", 16_550, 16_500)
            at(r, 16_600)
            await r.client.placed(price=16_600.1)  # the last price is above the stop now
            (order,) = await r.client.get('/order?filter={"open":true}')
            assert (order["workingIndicator"], order["triggered"]) == (True, "StopOrderTriggered")

    patient.run(main())


def test_if_touched_triggers_the_other_way() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(price=16_000.1, orderQty=300)
            profit = {"side": "Sell", "orderQty": 300, "price": None, "ordType": "MarketIfTouched"}
            await r.client.placed(**profit, stopPx=17_000, execInst="IndexPrice,ReduceOnly")
            at(r, 17_001)
            (position,) = await r.client.get("/position")
            assert position["currentQty"] == 0

    patient.run(main())


def test_a_stop_is_amended_and_canceled_like_an_order() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(clOrdID="s", side="Sell", price=None, stopPx=15_000)
            moved = await r.client.call("PUT", "/order", {"origClOrdID": "s", "stopPx": 15_100.5})
            assert (moved.status, moved.body["stopPx"]) == (200, Decimal("15100.5"))
            priced = await r.client.call("PUT", "/order", {"origClOrdID": "s", "price": 15_000})
            assert (priced.status, priced.error) == (400, "Invalid price for ordType")
            await r.client.placed(clOrdID="limit")
            wrong = await r.client.call("PUT", "/order", {"origClOrdID": "limit", "stopPx": 15_000})
            assert (wrong.status, wrong.error) == (400, "Invalid stopPx for ordType")
            gone = await r.client.call("DELETE", "/order", {"clOrdID": "s"})
            assert [row["ordStatus"] for row in gone.body] == ["Canceled"]

    patient.run(main())


async def fill_up(r: Rig, count: int, **fields: Any) -> None:
    for _ in range(count):
        await r.client.placed(**fields)


def test_ten_stops_and_two_hundred_orders_a_contract() -> None:
    async def main() -> None:
        async with rig(limits=FAST) as r:
            await fill_up(r, 10, side="Sell", price=None, stopPx=15_000)
            one_more = await r.client.order(side="Sell", price=None, stopPx=15_000)
            assert (one_more.status, one_more.error) == (400, "Too many open orders")
            await fill_up(r, 95)
            await fill_up(r, 95, side="Sell", price=17_000)
            one_more = await r.client.order()
            assert (one_more.status, one_more.error) == (400, "Too many open orders")
            assert (await r.client.order(symbol="XBTH27")).status == 200  # counted by contract
            await r.client.call("DELETE", "/order/all")
            assert (await r.client.order()).status == 200

    patient.run(main())


def test_an_overloaded_venue_sheds_new_orders_only() -> None:
    async def main() -> None:
        async with rig(sheds_load=True) as r:
            await r.client.placed(clOrdID="before")
            r.exchange.set_overload(1_000_000)
            assert (await r.client.order()).status == 503
            assert (await r.client.call("DELETE", "/order", {"clOrdID": "before"})).status == 200
            r.exchange.set_overload(0)
            assert (await r.client.order()).status == 200

    patient.run(main())
