"""The simulated BitMEX: orders, what is refused, and in which words.

Book unless a test sets its own: 10,000 contracts bid at 16,000.0, 10,000 offered at 16,000.1. A lot of 100
contracts at 16,000 is 625,000 satoshi.
"""

from decimal import Decimal
from typing import Any

import pytest

from adapters.simulator.bitmex.ratelimit import Limits
from adapters.simulator.exchange.orders import NewOrder, Side
from tests import patient
from tests.integration.bitmex_server_client import Rig, levels, rig


def _refusal(fields: dict[str, Any]) -> tuple[int, str, str]:
    async def main() -> tuple[int, str, str]:
        async with rig() as r:
            answer = await r.client.order(**fields)
            error = answer.body["error"]
            assert set(error) == {"message", "name"}
            assert r.exchange.orders("client") == []
            assert r.server.order_log == ()
            return answer.status, error["message"], error["name"]

    return patient.run(main())


@pytest.mark.parametrize(
    ("fields", "message", "name"),
    [
        ({"orderQty": 150}, "Order quantity must be a multiple of lot size: 100", "ValidationError"),
        ({"orderQty": 99}, "Order quantity must be a multiple of lot size: 100", "ValidationError"),
        ({"orderQty": 0}, "Invalid orderQty", "ValidationError"),
        ({"orderQty": None}, "Invalid orderQty", "ValidationError"),
        ({"orderQty": 10_000_100}, "Invalid orderQty", "ValidationError"),
        ({"orderQty": 100.5}, "orderQty is invalid", "HTTPError"),
        ({"orderQty": "many"}, "orderQty is invalid", "HTTPError"),
        ({"orderQty": True}, "orderQty is invalid", "HTTPError"),
        ({"orderQty": -100}, "Invalid orderQty", "ValidationError"),
        ({"price": 15000.05}, "Invalid price tickSize", "HTTPError"),
        ({"price": 15000.001}, "Invalid price tickSize", "HTTPError"),
        ({"price": 0}, "Invalid price", "HTTPError"),
        ({"price": -15000}, "Invalid price", "HTTPError"),
        ({"price": 1_000_000.1}, "Invalid price", "HTTPError"),
        ({"price": None}, "Invalid price", "ValidationError"),
        ({"price": 15000, "ordType": "Market"}, "Invalid price", "ValidationError"),
        ({"price": "NaN"}, "price is invalid", "HTTPError"),
        ({"price": "1e999999"}, "price is invalid", "HTTPError"),
        ({"price": "1e-999999"}, "price is invalid", "HTTPError"),
        ({"orderQty": "1e999999"}, "orderQty is invalid", "HTTPError"),
        ({"symbol": "XBTUSDT"}, "Invalid symbol", "HTTPError"),
        ({"symbol": None}, "'symbol' is a required arg.", "HTTPError"),
        ({"symbol": 5}, "symbol is invalid", "HTTPError"),
        ({"side": "Long"}, "Invalid side", "ValidationError"),
        ({"ordType": "Pegged"}, "Unsupported ordType", "ValidationError"),
        ({"ordType": "Stop", "price": None}, "Invalid stopPx for ordType", "ValidationError"),
        ({"ordType": "StopLimit"}, "Invalid stopPx for ordType", "ValidationError"),
        ({"ordType": "Stop", "stopPx": 14000}, "Invalid price", "ValidationError"),
        (
            {"price": None, "stopPx": 17000, "execInst": "MarkPrice,LastPrice"},
            "Invalid ordType for execInst",
            "ValidationError",
        ),
        (
            {"price": None, "stopPx": 17000, "execInst": "LastWithinMark"},
            "Unsupported execInst",
            "ValidationError",
        ),
        ({"timeInForce": "Sometimes"}, "Unsupported timeInForce", "ValidationError"),
        ({"execInst": "Fast"}, "Unsupported execInst", "ValidationError"),
        ({"execInst": "MarkPrice"}, "Invalid ordType for execInst", "ValidationError"),
        (
            {"execInst": "ParticipateDoNotInitiate", "timeInForce": "ImmediateOrCancel"},
            "Invalid ordType or timeInForce for execInst",
            "ValidationError",
        ),
        ({"clOrdID": "x" * 37}, "Invalid clOrdID: at most 36 characters", "ValidationError"),
        ({"ordType": "Limit", "stopPx": 14000}, "Invalid stopPx for ordType", "ValidationError"),
        ({"price": None, "stopPx": 17000.05}, "Invalid price tickSize", "HTTPError"),
        ({"displayQty": 0}, "Invalid displayQty", "ValidationError"),
        ({"contingencyType": "OneCancelsTheOther"}, "Unsupported contingencyType", "ValidationError"),
    ],
)
def test_a_wrong_order_is_refused_and_does_not_exist(fields: dict[str, Any], message: str, name: str) -> None:
    assert _refusal(fields) == (400, message, name)


def test_the_dated_contract_has_its_own_tick() -> None:
    async def main() -> None:
        async with rig() as r:
            r.market(levels(("16100", 100)), levels(("16100.5", 100)), symbol="XBTH27")
            answer = await r.client.order(symbol="XBTH27", price=15000.1)
            assert answer.error == "Invalid price tickSize"
            assert (await r.client.placed(symbol="xbth27", price=15000.5))["symbol"] == "XBTH27"

    patient.run(main())


def test_a_body_that_is_no_json_object() -> None:
    async def main() -> None:
        async with rig() as r:
            for body in (
                "{",
                "[1]",
                '"text"',
                '{"price": NaN}',
                "[" * 100_000,
                '{"price": 1' + "0" * 5_000 + "}",
            ):
                answer = await r.client.call("POST", "/order", body)
                assert (answer.status, answer.body["error"]["name"]) == (400, "SyntaxError")
            form = "symbol=XBTUSD&orderQty=100&price=15000&clOrdID=form"
            answer = await r.client.call(
                "POST", "/order", form, content_type="application/x-www-form-urlencoded"
            )
            assert (answer.status, answer.body["clOrdID"], answer.body["side"]) == (200, "form", "Buy")

    patient.run(main())


def test_a_balance_too_small_is_told_with_what_is_missing() -> None:
    async def main() -> None:
        async with rig(deposit=687_812) as r:
            # 100 lots at 16,000 are 62,500,000 satoshi; IM 1 %, fee 0.05 %:
            # 62,500,000 × (0.01 + 0.0005 + 0.0005 × 1.01) = 687,812.5
            answer = await r.client.order(orderQty=10_000, price=16_000)
            assert answer.status == 400
            assert answer.body["error"] == {
                "message": "Account has insufficient Available Balance, 687813 XBt required",
                "name": "ValidationError",
            }
            r.exchange.deposit("client", 1)
            await r.client.placed(orderQty=10_000, price=16_000)

    patient.run(main())


def test_a_client_order_id_is_used_once_for_ever() -> None:
    async def main() -> None:
        async with rig() as r:
            name = "x" * 36
            assert (await r.client.placed(clOrdID=name))["clOrdID"] == name
            again = await r.client.order(clOrdID=name, orderQty=200)
            assert (again.status, again.body["error"]["name"]) == (400, "HTTPError")
            assert again.error == "Duplicate clOrdID"
            await r.client.call("DELETE", "/order", {"clOrdID": name})
            assert (await r.client.order(clOrdID=name)).error == "Duplicate clOrdID"
            await r.client.placed()
            await r.client.placed()  # none at all is no duplicate
            assert [entry.client_id for entry in r.server.order_log] == [name, "", ""]

    patient.run(main())


def test_an_order_fills_over_several_executions() -> None:
    async def main() -> None:
        async with rig() as r:
            r.market(asks=levels(("16000", 1_000), ("16010", 500), ("16020", 9_000)))
            order = await r.client.placed(orderQty=2_000, price=16_010, clOrdID="work")
            assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == (
                "PartiallyFilled",
                1_500,
                500,
            )
            # 10 lots × 625,000 and 5 × round(1e10/16,010 = 624,609.619) = 624,610 satoshi; fees 0.05 %
            fills = await r.client.get("/execution/tradeHistory")
            assert [(f["lastQty"], f["lastPx"], f["execCost"], f["execComm"]) for f in fills] == [
                (1_000, 16_000, -6_250_000, 3_125),
                (500, 16_010, -3_123_050, 1_562),
            ]
            assert [(f["cumQty"], f["leavesQty"], f["ordStatus"]) for f in fills] == [
                (1_000, 1_000, "PartiallyFilled"),
                (1_500, 500, "PartiallyFilled"),
            ]
            assert {f["lastLiquidityInd"] for f in fills} == {"RemovedLiquidity"}
            assert {(f["execType"], f["clOrdID"], f["side"]) for f in fills} == {("Trade", "work", "Buy")}
            assert [f["homeNotional"] for f in fills] == [Decimal("0.0625"), Decimal("0.0312305")]
            assert [f["foreignNotional"] for f in fills] == [-1_000, -500]
            assert len({f["execID"] for f in fills}) == 2
            # 1,500 contracts for 9,373,050 satoshi: 1,500e8 / 9,373,050
            assert order["avgPx"] == Decimal("16003.3287")
            # the market comes through the rest: it fills passively, at its own limit
            r.market(bids=levels(("16000", 100)), asks=levels(("16009.9", 300), ("16015", 100)))
            r.market(bids=levels(("16000", 100)), asks=levels(("16009", 300), ("16015", 100)))
            fills = await r.client.get("/execution/tradeHistory?reverse=true&count=2")
            assert [(f["lastQty"], f["lastPx"], f["ordStatus"]) for f in fills] == [
                (200, 16_010, "Filled"),
                (300, 16_010, "PartiallyFilled"),
            ]
            assert {f["lastLiquidityInd"] for f in fills} == {"AddedLiquidity"}
            assert (await r.client.get('/order?filter={"clOrdID":"work"}'))[0]["ordStatus"] == "Filled"
            assert (await r.client.get("/position"))[0]["currentQty"] == 2_000

    patient.run(main())


def test_what_ioc_and_fok_do_not_get_is_canceled() -> None:
    async def main() -> None:
        async with rig() as r:
            r.market(asks=levels(("16000", 1_000)))
            order = await r.client.placed(orderQty=1_500, price=16_000, timeInForce="ImmediateOrCancel")
            assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == ("Canceled", 1_000, 0)
            assert order["orderQty"] == 1_500
            assert order["text"] == (
                "Canceled: Order had timeInForce of ImmediateOrCancel\nSubmitted via API."
            )
            r.market(asks=levels(("16000", 1_000)))
            order = await r.client.placed(orderQty=1_500, price=16_000, timeInForce="FillOrKill")
            assert (order["ordStatus"], order["cumQty"]) == ("Canceled", 0)
            kinds = [row["execType"] for row in await r.client.get("/execution")]
            assert kinds == ["New", "Trade", "Canceled", "New", "Canceled"]
            assert await r.client.get('/order?filter={"open":true}') == []

    patient.run(main())


def test_a_post_only_order_that_would_take_is_canceled_not_refused() -> None:
    async def main() -> None:
        async with rig() as r:
            order = await r.client.placed(price=16_000.1, execInst="ParticipateDoNotInitiate")
            assert (order["ordStatus"], order["cumQty"], order["leavesQty"]) == ("Canceled", 0, 0)
            assert order["text"] == (
                "Canceled: Order had execInst of ParticipateDoNotInitiate\nSubmitted via API."
            )
            resting = await r.client.placed(price=16_000, execInst="ParticipateDoNotInitiate")
            assert (resting["ordStatus"], resting["workingIndicator"]) == ("New", True)
            assert await r.client.get("/execution/tradeHistory") == []

    patient.run(main())


async def _long(r: Rig, contracts: int) -> None:
    order = await r.client.placed(orderQty=contracts, price=16_000.1)
    assert order["ordStatus"] == "Filled"


def test_reduce_only_never_opens_and_never_flips() -> None:
    async def main() -> None:
        async with rig() as r:
            nothing = await r.client.placed(side="Sell", price=15_000, execInst="ReduceOnly")
            assert (nothing["ordStatus"], nothing["cumQty"]) == ("Canceled", 0)
            assert nothing["text"].startswith("Canceled: Order had execInst of Close or ReduceOnly")
            await _long(r, 300)
            adding = await r.client.placed(side="Buy", price=16_000.1, execInst="ReduceOnly")
            assert (adding["ordStatus"], adding["cumQty"]) == ("Canceled", 0)
            order = await r.client.placed(side="Sell", orderQty=500, price=15_000, execInst="ReduceOnly")
            assert order["cumQty"] == 300
            assert (await r.client.get("/position"))[0]["currentQty"] == 0

    patient.run(main())


def test_market_orders_and_closing_a_position() -> None:
    async def main() -> None:
        async with rig() as r:
            order = await r.client.placed(side="Sell", price=None, ordType="Market", orderQty=2_000)
            assert (order["ordStatus"], order["ordType"], order["cumQty"]) == ("Filled", "Market", 2_000)
            await r.client.placed(price=15_000, clOrdID="resting")
            r.market()
            closing = await r.client.call("POST", "/order/closePosition", {"symbol": "XBTUSD"})
            assert (closing.body["side"], closing.body["orderQty"]) == ("Buy", 2_000)
            assert (closing.body["ordStatus"], closing.body["execInst"]) == ("Filled", "Close")
            assert (await r.client.get("/position"))[0]["currentQty"] == 0
            assert await r.client.get('/order?filter={"open":true}') == []
            again = await r.client.call("POST", "/order/closePosition", {"symbol": "XBTUSD"})
            assert (again.status, again.error) == (
                400,
                "Order had execInst of Close or ReduceOnly and side of Buy but current position is 0",
            )

    patient.run(main())


def test_a_close_without_quantity_takes_the_whole_position() -> None:
    async def main() -> None:
        async with rig() as r:
            await _long(r, 700)
            rival = await r.client.placed(side="Sell", price=17_000, orderQty=500)
            order = await r.client.placed(side="Sell", price=16_500, orderQty=None, execInst="Close")
            assert (order["orderQty"], order["ordStatus"]) == (700, "New")
            shown = await r.client.get(f'/order?filter={{"orderID":"{rival["orderID"]}"}}')
            assert shown[0]["ordStatus"] == "Canceled"
            wrong = await r.client.order(side="Buy", price=15_000, orderQty=None, execInst="Close")
            assert wrong.error == (
                "Order had execInst of Close or ReduceOnly and side of Buy but current position is 700"
            )

    patient.run(main())


def test_a_negative_quantity_sells() -> None:
    async def main() -> None:
        async with rig() as r:
            order = await r.client.placed(side=None, orderQty=-300, price=17_000)
            assert (order["side"], order["orderQty"]) == ("Sell", 300)

    patient.run(main())


def test_cancels_answer_one_by_one() -> None:
    async def main() -> None:
        async with rig() as r:
            first = await r.client.placed(clOrdID="a")
            await r.client.placed(clOrdID="b")
            filled = await r.client.placed(clOrdID="c", price=16_000.1)
            answer = await r.client.call(
                "DELETE", "/order", {"clOrdID": ["a", "nobody", "c"], "text": "Enough of it"}
            )
            assert answer.status == 200
            done, unknown, late = answer.body
            assert (done["orderID"], done["ordStatus"]) == (first["orderID"], "Canceled")
            assert done["text"] == "Canceled: Enough of it\nSubmitted via API."
            assert unknown == {
                "clOrdID": "nobody",
                "error": "Unable to cancel order: Not found or not owned by user",
            }
            assert (late["orderID"], late["ordStatus"]) == (filled["orderID"], "Filled")
            assert late["error"] == "Unable to cancel order due to existing state: Filled"
            again = await r.client.call("DELETE", "/order", {"orderID": first["orderID"]})
            assert again.status == 200
            assert again.body[0]["error"] == "Unable to cancel order due to existing state: Canceled"
            by_query = await r.client.call("DELETE", "/order?clOrdID=b")
            assert by_query.body[0]["text"] == "Canceled: Canceled via API.\nSubmitted via API."
            neither = await r.client.call("DELETE", "/order", {})
            assert (neither.status, neither.error) == (400, "orderID or clOrdID must be sent.")

    patient.run(main())


def test_cancel_all_by_symbol_and_side() -> None:
    async def main() -> None:
        async with rig() as r:
            r.market(levels(("16100", 100)), levels(("16100.5", 100)), symbol="XBTH27")
            await r.client.placed(clOrdID="a")
            await r.client.placed(clOrdID="b", side="Sell", price=17_000)
            await r.client.placed(clOrdID="c", symbol="XBTH27")

            async def canceled(body: dict[str, Any]) -> list[str]:
                answer = await r.client.call("DELETE", "/order/all", body)
                assert answer.status == 200
                return [row["clOrdID"] for row in answer.body]

            assert await canceled({"symbol": "XBTUSD", "filter": {"side": "Sell"}}) == ["b"]
            assert await canceled({"symbol": "XBTUSD"}) == ["a"]
            assert await canceled({}) == ["c"]
            assert await canceled({}) == []

    patient.run(main())


def test_amending_an_order() -> None:
    async def main() -> None:
        async with rig(limits=Limits(per_second=100)) as r:
            r.market(asks=levels(("16000", 200)))
            await r.client.placed(orderQty=500, price=16_000, clOrdID="one")

            async def amend(**fields: Any) -> Any:
                answer = await r.client.call("PUT", "/order", fields)
                return answer.body if answer.status == 200 else answer.error

            order = await amend(origClOrdID="one", price=15_900)
            assert (order["price"], order["orderQty"], order["cumQty"], order["leavesQty"]) == (
                15_900,
                500,
                200,
                300,
            )
            order = await amend(origClOrdID="one", leavesQty=100, clOrdID="two")
            assert (order["clOrdID"], order["orderQty"], order["leavesQty"]) == ("two", 300, 100)
            unchanged = "Invalid amend: orderQty, leavesQty, price, stopPx unchanged"
            assert await amend(origClOrdID="two", price=15_900) == unchanged
            assert await amend(origClOrdID="one", price=15_800) == "Invalid origClOrdID"
            assert await amend(orderID="unknown", price=15_800) == "Invalid orderID"
            assert await amend(price=15_800) == "orderID or origClOrdID must be sent."
            assert await amend(origClOrdID="two", leavesQty=0) == "Invalid leavesQty"
            assert await amend(origClOrdID="two", orderQty=200) == "Invalid orderQty"
            assert await amend(origClOrdID="two", price=15_800.05) == "Invalid price tickSize"
            assert await amend(origClOrdID="two", clOrdID="two", price=15_800) == "Duplicate clOrdID"
            # refused: the new name is not taken
            assert await amend(origClOrdID="two", clOrdID="three", orderQty=350) == (
                "Order quantity must be a multiple of lot size: 100"
            )
            assert (await r.client.order(clOrdID="two")).error == "Duplicate clOrdID"
            assert (await r.client.placed(clOrdID="three"))["clOrdID"] == "three"
            await r.client.call("DELETE", "/order", {"clOrdID": "two"})
            assert await amend(orderID=order["orderID"], price=15_700) == "Invalid ordStatus"
            kinds = [row["execType"] for row in await r.client.get('/execution?filter={"clOrdID":"two"}')]
            assert kinds == ["Replaced", "Canceled"]

    patient.run(main())


def test_asking_for_orders() -> None:
    async def main() -> None:
        async with rig() as r:
            for name in "abcd":
                await r.client.placed(clOrdID=name)
            await r.client.call("DELETE", "/order", {"clOrdID": "b"})

            async def names(query: str) -> list[str]:
                return [
                    row["clOrdID"] for row in await r.client.get("/order" + ("?" + query if query else ""))
                ]

            assert await names("") == ["a", "b", "c", "d"]
            assert await names('filter={"open":true}') == ["a", "c", "d"]
            assert await names('filter={"open":false}') == ["b"]
            assert await names('filter={"clOrdID":["a","d","x"]}') == ["a", "d"]
            assert await names("reverse=true&count=2") == ["d", "c"]
            assert await names("start=1&count=2") == ["b", "c"]
            assert await names("symbol=XBTUSD&count=1") == ["a"]
            assert await names("symbol=XBTH27") == []
            columns = await r.client.get('/order?columns=["ordStatus"]&count=1')
            assert set(columns[0]) == {"orderID", "ordStatus"}
            for query, message in {
                "count=0": "count is invalid",
                "count=501": "count is invalid",
                "start=-1": "start is invalid",
                'filter={"open":"yes"}': "filter values are not valid",
                'filter={"colour":"red"}': "filter columns are not valid",
                "filter=[1]": "filter is invalid",
                "filter={": "filter is invalid",
                "columns=colour": "columns are not valid",
                "reverse=maybe": "reverse is invalid",
                "startTime=yesterday": "startTime is invalid",
            }.items():
                answer = await r.client.call("GET", "/order?" + query)
                assert (answer.status, answer.body["error"]["message"]) == (400, message)

    patient.run(main())


def test_an_order_placed_past_the_server_is_shown_as_any_other() -> None:
    async def main() -> None:
        async with rig() as r:
            r.exchange.place("client", NewOrder("XBTUSD", Side.BUY, 100, 1_500_000, post_only=True))
            (order,) = await r.client.get("/order")
            assert (order["clOrdID"], order["execInst"]) == ("", "ParticipateDoNotInitiate")
            assert (await r.client.call("DELETE", "/order/all")).body[0]["ordStatus"] == "Canceled"
            assert r.server.order_log == ()

    patient.run(main())
