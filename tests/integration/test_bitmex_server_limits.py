"""The simulated BitMEX: bans, connection limits, the rights of keys, and what is asked but seldom."""

import asyncio
from decimal import Decimal

import aiohttp
import pytest

from adapters.simulator.bitmex.auth import Permission
from adapters.simulator.bitmex.ratelimit import Limits
from tests import patient
from tests.integration.bitmex_server_client import XBT, HandClock, day, levels, rig

ORDERS = [("POST", "/order"), ("PUT", "/order"), ("POST", "/order/closePosition")]
POSITIONS = [("POST", f"/position/{name}") for name in ("leverage", "isolate", "riskLimit", "transferMargin")]
CANCELS = [("DELETE", "/order"), ("DELETE", "/order/all"), ("POST", "/order/cancelAllAfter")]
WITHDRAWALS = [("POST", "/user/requestWithdrawal")]


def test_who_will_not_hear_is_banned() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock, limits=Limits(per_minute=2, ban_after=5, ban_seconds=3_600)) as r:
            got = [(await r.client.call("GET", "/position")).status for _ in range(9)]
            assert got == [200, 200, 429, 429, 429, 429, 429, 403, 403]
            assert (await r.client.call("DELETE", "/order/all")).status == 403
            clock.move(seconds=3_599)
            assert (await r.client.call("GET", "/position")).status == 403
            clock.move(seconds=1)
            assert (await r.client.call("GET", "/position")).status == 200

    patient.run(main())


def test_refusals_far_apart_ban_nobody() -> None:
    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock, limits=Limits(per_minute=1, ban_after=3)) as r:
            for _ in range(6):
                assert (await r.client.call("GET", "/position")).status == 200
                assert (await r.client.call("GET", "/position")).status == 429
                clock.move(seconds=60)

    patient.run(main())


def test_so_many_websockets_an_hour() -> None:
    async def main() -> None:
        async with rig(HandClock(day()), limits=Limits(connections_per_hour=2)) as r:
            await r.client.websocket()
            await r.client.websocket()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await r.client.websocket()
            assert refused.value.status == 429

    patient.run(main())


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ((), []),
        ((Permission.ORDER_CANCEL,), CANCELS),
        ((Permission.ORDER,), ORDERS + POSITIONS + CANCELS),
        ((Permission.WITHDRAW,), WITHDRAWALS),
        ((Permission.ORDER, Permission.WITHDRAW), ORDERS + POSITIONS + CANCELS + WITHDRAWALS),
    ],
)
def test_every_right_opens_its_own_routes(
    permissions: tuple[Permission, ...], allowed: list[tuple[str, str]]
) -> None:
    async def main() -> None:
        async with rig(permissions=permissions, limits=Limits(per_second=1_000)) as r:
            acting = [(verb, path) for verb, path in r.server.served if verb != "GET"]
            assert sorted(acting) == sorted(ORDERS + POSITIONS + CANCELS + WITHDRAWALS)
            for verb, path in acting:
                answer = await r.client.call(verb, path, {})
                if (verb, path) in allowed:
                    assert answer.status in (200, 400), (verb, path)  # let in, and then perhaps found wrong
                else:
                    assert (answer.status, answer.error) == (403, "Access Denied"), (verb, path)
            assert (await r.client.call("GET", "/position")).status == 200  # reading needs no right

    patient.run(main())


def test_the_nonce_of_old_clients_is_refused() -> None:
    async def main() -> None:
        async with rig() as r:
            answer = await r.client.call("GET", "/position", api_nonce="1518064236000")
            assert (answer.status, answer.error) == (401, "api-nonce is not supported: send api-expires.")

    patient.run(main())


def test_a_withdrawal_moves_money_out() -> None:
    async def main() -> None:
        async with rig(permissions=(Permission.ORDER, Permission.WITHDRAW)) as r:
            wanted = {"currency": "XBt", "network": "btc", "address": "bc1-test", "amount": 3 * XBT}
            answer = await r.client.call("POST", "/user/requestWithdrawal", wanted)
            assert (answer.body["transactType"], answer.body["amount"]) == ("Withdrawal", -3 * XBT)
            assert (await r.client.get("/user/wallet"))["amount"] == 7 * XBT
            too_much = await r.client.call("POST", "/user/requestWithdrawal", {**wanted, "amount": 8 * XBT})
            assert (too_much.status, too_much.error) == (400, "Account has insufficient Available Balance")
            (deposit, withdrawal) = await r.client.get("/user/walletSummary")
            assert (deposit["transactType"], deposit["amount"]) == ("Deposit", 10 * XBT)
            assert (withdrawal["transactType"], withdrawal["amount"]) == ("Withdrawal", -3 * XBT)

    patient.run(main())


def test_trades_fall_into_bins_that_bear_the_time_of_their_end() -> None:
    async def main() -> None:
        clock = HandClock(day(10))
        async with rig(clock) as r:
            socket = await r.client.websocket("tradeBin1m:XBTUSD")
            r.market(asks=levels(("16000", 1_000), ("16010", 5_000)))
            await r.client.placed(orderQty=1_500, price=16_010)  # 1,000 at 16,000 and 500 at 16,010
            assert await r.client.get("/trade/bucketed?symbol=XBTUSD") == []  # the minute still runs
            (running,) = await r.client.get("/trade/bucketed?symbol=XBTUSD&partial=true")
            assert (running["timestamp"], running["trades"]) == ("2026-11-23T10:01:00.000Z", 2)
            clock.move(minutes=2, seconds=30)
            await r.client.placed(side="Sell", orderQty=100, price=15_990)  # at 16,000
            r.market(index=16_001)
            first, empty = await r.client.get("/trade/bucketed?symbol=XBTUSD&binSize=1m")
            assert [first["timestamp"], empty["timestamp"]] == [
                "2026-11-23T10:01:00.000Z",
                "2026-11-23T10:02:00.000Z",
            ]
            assert (first["open"], first["high"], first["low"], first["close"]) == (
                16_000,
                16_010,
                16_000,
                16_010,
            )
            assert (first["volume"], first["lastSize"]) == (1_500, 500)
            # (1,000 × 16,000 + 500 × 16,010) / 1,500; satoshi: 10 × 625,000 + 5 × 624,610
            assert (first["vwap"], first["turnover"]) == (Decimal("16003.3333"), 9_373_050)
            assert (empty["open"], empty["close"], empty["trades"], empty["vwap"]) == (
                16_010,
                16_010,
                0,
                None,
            )
            (hour,) = await r.client.get("/trade/bucketed?symbol=XBTUSD&binSize=1h&partial=true")
            assert (hour["timestamp"], hour["volume"]) == ("2026-11-23T11:00:00.000Z", 1_600)
            assert (await r.client.call("GET", "/trade/bucketed?binSize=2m")).error == "binSize is invalid"
            (told,) = await socket.rows("tradeBin1m")
            assert told["timestamp"] == "2026-11-23T10:02:00.000Z"
            quotes = await r.client.get("/quote/bucketed?symbol=XBTUSD")
            assert quotes[0]["askPrice"] == 16_010  # the last quote of the first minute

    patient.run(main())


def test_series_and_the_index_have_names() -> None:
    async def main() -> None:
        async with rig(HandClock(day()), limits=Limits(per_minute=1_000)) as r:
            told = await r.client.get("/instrument/activeIntervals")
            assert told == {
                "intervals": ["XBT:perpetual", "XBT:quarterly"],
                "symbols": ["XBTUSD", "XBTH27"],
            }
            for name, symbol in zip(told["intervals"], told["symbols"], strict=True):
                assert [row["symbol"] for row in await r.client.get(f"/instrument?symbol={name}")] == [symbol]
            index, average = await r.client.get("/instrument/indices")
            assert (average["symbol"], average["lastPrice"]) == (".BXBT30M", 16_000)
            assert (index["symbol"], index["state"], index["lastPrice"]) == (".BXBT", "Unlisted", 16_000)
            assert await r.client.get("/instrument?symbol=.BXBT") == [index]
            socket = await r.client.websocket("instrument:.BXBT")
            r.market(index=16_500)
            (change,) = await socket.rows("instrument", "update")
            assert (change["symbol"], change["lastPrice"]) == (".BXBT", 16_500)
            order = (await r.client.get("/schema?model=Order"))["Order"]
            assert order["keys"] == ["orderID"]
            assert (await r.client.call("GET", "/schema?model=Colour")).status == 404
            subjects = (await r.client.get("/schema/websocketHelp"))["subscriptionSubjects"]
            assert "order" in subjects["authenticationRequired"]
            assert "trade" in subjects["public"]
            assert (await r.client.get("/user/commission"))["XBTUSD"]["takerFee"] == Decimal("0.0005")
            refused = await socket.ask({"op": "subscribe", "args": ["chat"]})
            assert (refused["status"], refused["error"]) == (400, "Unknown table: chat")

    patient.run(main())


def test_the_index_dated_contracts_settle_on_is_an_average_of_thirty_minutes_told_every_minute() -> None:
    """20 minutes at 16,000 and 10 at 16,600 make 16,200; half a minute later it still says so."""

    async def main() -> None:
        clock = HandClock(day())
        async with rig(clock, limits=Limits(per_minute=1_000)) as r:
            clock.move(minutes=30)
            r.market(index=16_600)
            clock.move(minutes=10)
            socket = await r.client.websocket("instrument:.BXBT30M")
            for seconds in (0, 30):
                clock.move(seconds=seconds)
                (average,) = await r.client.get("/instrument?symbol=.BXBT30M")
                assert (average["lastPrice"], average["markPrice"]) == (16_200, 16_200)
            r.market(index=16_601)
            await asyncio.sleep(0.05)
            clock.move(seconds=30)
            r.market(index=16_602)
            (change,) = await socket.rows("instrument", "update")
            assert (change["symbol"], change["lastPrice"]) == (".BXBT30M", Decimal("16220.02"))
            both = await r.client.get("/instrument/activeAndIndices")
            assert [row["symbol"] for row in both] == ["XBTUSD", "XBTH27", ".BXBT", ".BXBT30M"]

    patient.run(main())


def test_volume_is_told_by_day_in_dollars_and_for_each_order() -> None:
    async def main() -> None:
        async with rig(HandClock(day()), limits=Limits(per_minute=1_000)) as r:
            assert await r.client.get("/stats/history") == []
            await r.client.placed(orderQty=1_000, price=16_001)
            (by_day,) = await r.client.get("/stats/history")
            assert (by_day["rootSymbol"], by_day["volume"]) == ("XBT", 1_000)
            (dollars,) = await r.client.get("/stats/historyUSD")
            assert [dollars[name] for name in ("turnover24h", "turnover365d", "turnover")] == [1_000] * 3
            ratio = await r.client.get("/user/quoteValueRatio")
            assert ratio["quoteCount"] == 1
            assert ratio["volumeXBT"] > 0

    patient.run(main())
