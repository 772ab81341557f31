"""The simulated BitMEX: leverage, isolated margin, risk limits, liquidation and settlement over the wire."""

from dataclasses import replace
from decimal import Decimal

from adapters.simulator.exchange.catalog import xbtusd
from tests import patient
from tests.integration.bitmex_server_client import XBT, HandClock, Rig, day, levels, rig

OF_2018 = replace(xbtusd(), lot=1, tick=50, rounding_unit=1, maker_fee=750, taker_fee=750)
"""XBTUSD as it was when the position below was recorded: rounded per contract, tick 0.5, fee 0.075 %."""


async def set_position(r: Rig, route: str, **fields: object) -> tuple[int, object]:
    answer = await r.client.call("POST", f"/position/{route}", {"symbol": "XBTUSD", **fields})
    return answer.status, answer.body if answer.status == 200 else answer.error


def test_the_margin_of_a_real_position() -> None:
    async def main() -> None:
        async with rig(HandClock(day()), specs=[OF_2018], funding_rate=0) as r:
            r.market(bids=levels(("6725", 500)), asks=levels(("6725.5", 500)), index=6_725)
            assert (await set_position(r, "leverage", leverage=25))[0] == 200
            await r.client.placed(side="Sell", orderQty=500, price=6_725)
            r.exchange.set_market("XBTUSD", 672_680, levels(("6726.5", 1)), levels(("6727", 1)))
            (row,) = await r.client.get("/position")
            assert (row["currentQty"], row["crossMargin"], row["leverage"]) == (-500, False, 25)
            names = "posCost posComm posMargin posMaint liquidationPrice bankruptPrice unrealisedPnl"
            print("", *(f"{name:<18}{row[name]:>12}" for name in names.split()), sep="\n")
            assert (row["posCost"], row["posComm"]) == (7_435_000, 5_800)
            assert row["posMargin"] - row["posComm"] == 297_400  # posInit, which the venue does not state
            assert (row["posMargin"], row["posMaint"]) == (303_200, 42_975)
            assert (row["liquidationPrice"], row["bankruptPrice"]) == (Decimal("6968.5"), Decimal("7004.5"))
            assert (row["markPrice"], row["markValue"]) == (Decimal("6726.8"), 7_433_000)
            assert row["unrealisedPnl"] == -2_000

    patient.run(main())


def test_leverage_isolates_and_zero_is_cross() -> None:
    async def main() -> None:
        async with rig() as r:
            status, row = await set_position(r, "leverage", leverage=5)
            assert isinstance(row, dict)
            assert (status, row["leverage"], row["crossMargin"]) == (200, 5, False)
            assert row["initMarginReq"] == Decimal("0.2")
            status, row = await set_position(r, "isolate", enabled=False)
            assert isinstance(row, dict)
            assert (status, row["leverage"], row["crossMargin"]) == (200, 100, True)
            status, row = await set_position(r, "isolate")
            assert isinstance(row, dict)
            assert (status, row["leverage"], row["crossMargin"]) == (200, 100, False)
            for wrong in (101, -1, 0.5, 1.234):
                assert await set_position(r, "leverage", leverage=wrong) == (400, "Invalid leverage"), wrong
            assert await set_position(r, "leverage") == (400, "'leverage' is a required arg.")

    patient.run(main())


def test_margin_moves_to_an_isolated_position_only() -> None:
    async def main() -> None:
        async with rig() as r:
            await set_position(r, "leverage", leverage=10)
            assert (await set_position(r, "transferMargin", amount=100))[0] == 400  # nothing is held
            await r.client.placed(orderQty=1_000, price=16_000.1)
            (before,) = await r.client.get("/position")
            status, after = await set_position(r, "transferMargin", amount=1_000_000)
            assert isinstance(after, dict)
            assert after["posMargin"] == before["posMargin"] + 1_000_000
            assert after["liquidationPrice"] < before["liquidationPrice"]
            status, told = await set_position(r, "transferMargin", amount=100 * XBT)
            assert status == 400
            assert "insufficient Available Balance" in str(told)
            await set_position(r, "isolate", enabled=False)
            assert await set_position(r, "transferMargin", amount=1) == (
                400,
                "Position is not isolated, or there is none",
            )

    patient.run(main())


def test_a_risk_step_raises_both_rates() -> None:
    async def main() -> None:
        async with rig() as r:
            status, row = await set_position(r, "riskLimit", riskLimit=201 * XBT)
            assert isinstance(row, dict)
            assert (status, row["riskLimit"]) == (200, 350 * XBT)  # 200 and a whole step of 150
            assert (row["initMarginReq"], row["maintMarginReq"]) == (Decimal("0.015"), Decimal("0.01"))
            assert (await set_position(r, "riskLimit", riskLimit=10**9 * XBT))[0] == 400
            assert (await set_position(r, "riskLimit", riskLimit="much"))[0] == 400

    patient.run(main())


def test_a_liquidation_is_told_as_one_and_is_no_trade() -> None:
    async def main() -> None:
        async with rig() as r:
            await set_position(r, "leverage", leverage=100)
            await r.client.placed(orderQty=1_000, price=16_000.1)
            socket = await r.client.websocket("execution", "position")
            r.market(bids=levels(("15000", 10_000)), asks=levels(("15000.1", 10_000)), index=15_000)
            r.exchange.step()
            (row,) = await r.client.get("/position")
            assert (row["currentQty"], row["isOpen"]) == (0, False)
            told = [row for row in await socket.rows("execution") if row["execType"] != "New"]
            assert "Liquidation" in {row["execType"] for row in told}
            assert "Trade" not in {row["execType"] for row in told}
            history = await r.client.get("/execution/tradeHistory")
            assert "Funding" not in {row["execType"] for row in history}
            margin = await r.client.get("/user/margin")
            assert margin["walletBalance"] == r.exchange.account("client").wallet

    patient.run(main())
