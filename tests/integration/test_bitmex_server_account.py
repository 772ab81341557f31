"""The simulated BitMEX: money, to the satoshi, and the market's own rows."""

from decimal import Decimal
from typing import Any

from tests import patient
from tests.integration.bitmex_server_client import XBT, HandClock, day, levels, rig


def test_position_and_margin_of_a_long_by_hand() -> None:
    async def main() -> None:
        async with rig(HandClock(day(4))) as r:  # 8 hours before the next funding: mark = index × 1.0001
            r.market(asks=levels(("16000", 100_000)))
            await r.client.placed(orderQty=100_000, price=16_000)
            await r.client.placed(orderQty=10_000, price=15_000)
            (position,) = await r.client.get("/position")
            margin = await r.client.get("/user/margin")
            # 1,000 lots × 625,000 = 6.25 XBT; fee 0.05 % = 312,500; MM 0.5 % and the funding of 0.01 %
            assert (position["currentQty"], position["isOpen"]) == (100_000, True)
            assert (position["posCost"], position["unrealisedCost"]) == (-625_000_000, -625_000_000)
            assert position["avgEntryPrice"] == 16_000
            assert (position["currentComm"], position["realisedPnl"]) == (312_500, -312_500)
            assert position["maintMargin"] == 3_125_000 + 62_500
            # mark 16,001.60: 1e10 / 16,001.6 = 624,937.506 → 624,938 a lot
            assert (position["markPrice"], position["markValue"]) == (Decimal("16001.6"), -624_938_000)
            assert (position["unrealisedPnl"], position["homeNotional"]) == (62_000, Decimal("6.24938"))
            assert position["foreignNotional"] == -100_000
            # the resting buy of 100 lots at 15,000: 1e10 / 15,000 = 666,666.67 → 666,667 a lot
            assert (position["openOrderBuyQty"], position["openOrderBuyCost"]) == (10_000, -66_666_700)
            # 66,666,700 × (0.01 + 0.0005 + 0.0005 × 1.01) = 733,667.03
            assert (position["initMargin"], margin["initMargin"]) == (733_668, 733_668)
            assert margin["maintMargin"] == 3_187_500
            assert margin["walletBalance"] == 10 * XBT - 312_500
            assert margin["amount"] + margin["realisedPnl"] == margin["walletBalance"]
            assert margin["marginBalance"] == margin["walletBalance"] + 62_000
            assert margin["availableMargin"] == margin["marginBalance"] - 733_668 - 3_187_500
            assert margin["withdrawableMargin"] == margin["availableMargin"] - 62_000
            # 100,000 / (W + 6.25 − 0.031875) with W = 9.996875 XBT and the maintenance margin (0.5 % and the funding
            # of 0.01 %) is 6,167.13; without the margin 6,155.03; both up to the tick
            assert position["liquidationPrice"] == Decimal("6167.2")
            assert position["bankruptPrice"] == Decimal("6155.1")
            (everything,) = await r.client.get("/user/margin?currency=all")
            assert everything == margin
            wrong = await r.client.call("GET", "/user/margin?currency=USDt")
            assert (wrong.status, wrong.error) == (400, "Invalid currency")

    patient.run(main())


def test_a_short_that_cannot_be_liquidated_shows_a_million() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.client.placed(side="Sell", orderQty=10_000, price=16_000)
            (position,) = await r.client.get("/position")
            assert (position["currentQty"], position["posCost"]) == (-10_000, 62_500_000)
            assert position["liquidationPrice"] == position["bankruptPrice"] == 1_000_000

    patient.run(main())


def test_realised_profit_and_the_daily_settlement() -> None:
    async def main() -> None:
        clock = HandClock(day(13))
        async with rig(clock) as r:
            r.market(asks=levels(("16000", 10_000)))
            await r.client.placed(orderQty=10_000, price=16_000)
            r.market(bids=levels(("16500", 10_000)), asks=[], index=16_500)
            await r.client.placed(side="Sell", orderQty=10_000, price=16_500)
            # 100 × (625,000 − 606,061) = 1,893,900; fees 31,250 and 60,606,100 × 0.05 % = 30,303.05
            realised = 1_893_900 - 31_250 - 30_303
            margin = await r.client.get("/user/margin")
            assert (margin["amount"], margin["realisedPnl"]) == (10 * XBT, realised)
            assert margin["walletBalance"] == 10 * XBT + realised
            pending, deposit = await r.client.get("/user/walletHistory")  # newest first
            assert (deposit["transactType"], deposit["amount"]) == ("Deposit", 10 * XBT)
            assert (deposit["transactStatus"], deposit["walletBalance"]) == ("Completed", 10 * XBT)
            assert (pending["transactType"], pending["amount"]) == ("RealisedPNL", realised)
            assert (pending["transactStatus"], pending["transactTime"]) == (
                "Pending",
                "2026-11-24T12:00:00.000Z",
            )
            clock.set(day(12).replace(day=24))
            settled = (await r.client.get("/user/walletHistory?count=1"))[0]
            assert (settled["transactStatus"], settled["address"]) == ("Completed", "XBTUSD")
            assert settled["walletBalance"] == 10 * XBT + realised
            margin = await r.client.get("/user/margin")
            assert (margin["amount"], margin["realisedPnl"]) == (10 * XBT + realised, 0)
            assert margin["prevRealisedPnl"] == realised
            assert (await r.client.get("/user/wallet"))["amount"] == 10 * XBT + realised
            (position,) = await r.client.get("/position")
            assert (position["currentQty"], position["isOpen"]) == (0, False)
            assert (position["realisedPnl"], position["rebalancedPnl"]) == (realised, -realised)
            assert (position["avgEntryPrice"], position["liquidationPrice"]) == (None, None)

    patient.run(main())


def test_funding_is_an_execution_that_is_no_trade_and_a_wallet_row() -> None:
    async def main() -> None:
        clock = HandClock(day(11, 59))
        async with rig(clock) as r:
            r.market(asks=levels(("16000", 10_000)))
            await r.client.placed(orderQty=1_500, price=16_000, clOrdID="work")
            socket = await r.client.websocket("execution", "margin", "wallet", "funding")
            clock.set(day(12))
            r.exchange.step()
            # at the funding time the mark is the index: 15 × 625,000 × 0.01 % = 937.5, to even 938
            messages = await socket.drain()
            (row,) = [m["data"][0] for m in messages if m["table"] == "execution"]
            assert (row["execType"], row["execComm"], row["lastQty"]) == ("Funding", 938, 1_500)
            assert (row["lastPx"], row["commission"]) == (16_000, Decimal("0.0001"))
            assert (row["clOrdID"], row["ordStatus"], row["text"]) == ("", "Filled", "Funding")
            assert row["timestamp"] == "2026-11-23T12:00:00.000Z"
            kinds = [e["execType"] for e in await r.client.get("/execution/tradeHistory")]
            assert kinds == ["Trade", "Funding"]
            only = await r.client.get('/execution/tradeHistory?filter={"execType":"Funding"}')
            assert [e["execID"] for e in only] == [row["execID"]]
            history = await r.client.get("/user/walletHistory?reverse=false")
            funding = [e for e in history if e["transactType"] == "Funding"]
            assert [(e["amount"], e["address"], e["transactStatus"]) for e in funding] == [
                (-938, "XBTUSD", "Completed")
            ]
            # 1,500 at 16,000: fee 9,375,000 × 0.05 % = 4,687.5, to even 4,688
            wallet = (await r.client.get("/user/margin"))["walletBalance"]
            assert wallet == 10 * XBT - 938 - 4_688
            completed = [e["amount"] for e in history if e["transactStatus"] == "Completed"]
            assert sum(completed) == wallet  # at 12:00 all realised results are settled
            (position,) = await r.client.get("/position")
            assert (position["currentComm"], position["realisedPnl"]) == (4_688 + 938, -5_626)
            r.market()
            rates = await r.client.get("/funding?symbol=XBTUSD")
            assert [(rate["timestamp"], rate["fundingRate"], rate["fundingRateDaily"]) for rate in rates] == [
                ("2026-11-23T12:00:00.000Z", Decimal("0.0001"), Decimal("0.0003"))
            ]
            assert rates[0]["fundingInterval"] == "2000-01-01T08:00:00.000Z"
            assert await socket.rows("funding", "insert") == rates

    patient.run(main())


def test_unrealised_profit_stands_pending_in_the_history() -> None:
    async def main() -> None:
        async with rig(HandClock(day(4))) as r:
            r.market(asks=levels(("16000", 10_000)))
            await r.client.placed(orderQty=10_000, price=16_000)
            row = (await r.client.get("/user/walletHistory"))[0]
            assert (row["transactType"], row["transactStatus"]) == ("UnrealisedPNL", "Pending")
            assert (row["amount"], row["transactTime"]) == (6_200, None)
            r.exchange.deposit("client", -XBT)
            wallet = await r.client.get("/user/wallet")
            assert (wallet["deposited"], wallet["withdrawn"]) == (10 * XBT, XBT)
            assert wallet["amount"] == 9 * XBT

    patient.run(main())


def test_instruments() -> None:
    async def main() -> None:
        async with rig(HandClock(day(4))) as r:
            (perpetual,) = await r.client.get("/instrument?symbol=xbtusd")
            expected: dict[str, Any] = {
                "symbol": "XBTUSD",
                "rootSymbol": "XBT",
                "state": "Open",
                "typ": "FFWCSX",
                "lotSize": 100,
                "tickSize": Decimal("0.1"),
                "multiplier": -100_000_000,
                "settlCurrency": "XBt",
                "isInverse": True,
                "initMargin": Decimal("0.01"),
                "maintMargin": Decimal("0.005"),
                "makerFee": Decimal("0.0005"),
                "takerFee": Decimal("0.0005"),
                "riskLimit": 200 * XBT,
                "riskStep": 150 * XBT,
                "expiry": None,
                "fundingTimestamp": "2026-11-23T12:00:00.000Z",
                "fundingRate": Decimal("0.0001"),
                "markPrice": Decimal("16001.6"),
                "indicativeSettlePrice": 16_000,
                "bidPrice": 16_000,
                "askPrice": Decimal("16000.1"),
            }
            assert {name: perpetual[name] for name in expected} == expected
            (future,) = await r.client.get("/instrument?symbol=XBT")  # the nearest future of the series
            assert (future["symbol"], future["typ"]) == ("XBTH27", "FFCCSX")
            assert (future["expiry"], future["tickSize"]) == ("2027-03-26T12:00:00.000Z", Decimal("0.5"))
            assert (future["fundingRate"], future["hasLiquidity"]) == (None, False)
            assert [row["symbol"] for row in await r.client.get("/instrument?symbol=XBT:perpetual")] == [
                "XBTUSD"
            ]
            assert await r.client.get("/instrument?symbol=ETHUSD") == []
            columns = await r.client.get('/instrument?columns=["lotSize"]&filter={"typ":"FFCCSX"}')
            assert columns == [{"symbol": "XBTH27", "lotSize": 100}]
            active = await r.client.get("/instrument/active")
            assert [row["symbol"] for row in active] == ["XBTUSD", "XBTH27"]

    patient.run(main())


def test_books_quotes_and_trades() -> None:
    async def main() -> None:
        clock = HandClock(day(4))
        async with rig(clock) as r:
            bids = levels(*[(str(16_000 - place), 100 * place + 100) for place in range(30)])
            r.market(bids=bids, asks=levels(("16001", 500)))
            book = await r.client.get("/orderBook/L2?symbol=XBTUSD")
            assert [row["side"] for row in book] == ["Sell"] + ["Buy"] * 25
            assert (book[0]["price"], book[0]["size"]) == (16_001, 500)
            assert [row["price"] for row in book[1:4]] == [16_000, 15_999, 15_998]
            assert len({row["id"] for row in book}) == 26
            assert len(await r.client.get("/orderBook/L2?symbol=XBTUSD&depth=0")) == 31
            assert len(await r.client.get("/orderBook/L2?symbol=XBTUSD&depth=1")) == 2
            assert (await r.client.call("GET", "/orderBook/L2")).error == "'symbol' is a required arg."
            assert (await r.client.call("GET", "/orderBook/L2?symbol=XBTUSD&depth=-1")).status == 400
            for second in range(3):
                clock.set(day(4, 0, second))
                await r.client.placed(side="Sell", orderQty=100, price=15_990)
            trades = await r.client.get("/trade?symbol=XBTUSD&startTime=2026-11-23T04:00:01Z")
            assert [(row["price"], row["tickDirection"]) for row in trades] == [
                (15_999, "MinusTick"),
                (15_999, "ZeroMinusTick"),
            ]
            until = await r.client.get("/trade?symbol=XBTUSD&endTime=2026-11-23T04:00:00Z")
            assert [row["price"] for row in until] == [16_000]
            (quote,) = await r.client.get("/quote?symbol=XBTUSD&count=1&reverse=true")
            assert (quote["bidPrice"], quote["bidSize"]) == (15_998, 300)
            assert (await r.client.get("/instrument?symbol=XBTUSD"))[0]["totalVolume"] == 300

    patient.run(main())


def test_the_user() -> None:
    async def main() -> None:
        async with rig() as r:
            user = await r.client.get("/user")
            assert (user["id"], user["username"]) == (1234567, "client")

    patient.run(main())
