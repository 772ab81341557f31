"""Rows as BitMEX sends them, for tests to vary."""

from decimal import Decimal
from typing import Any

ORDER: dict[str, Any] = {
    "orderID": "0f1e2d3c-0000-4000-8000-000000000001",
    "clOrdID": "p1-t1-inv-1",
    "clOrdLinkID": "",
    "account": 24321,
    "symbol": "XBTUSD",
    "side": "Sell",
    "orderQty": 20_000,
    "price": Decimal("60000.5"),
    "displayQty": None,
    "ordType": "Limit",
    "timeInForce": "ImmediateOrCancel",
    "execInst": "",
    "ordStatus": "PartiallyFilled",
    "workingIndicator": True,
    "ordRejReason": "",
    "leavesQty": 15_000,
    "cumQty": 5_000,
    "avgPx": Decimal("60000.5"),
    "text": "Submitted via API.",
    "settlCurrency": "XBt",
    "transactTime": "2026-11-22T03:00:00.000Z",
    "timestamp": "2026-11-22T03:00:01.250Z",
}

TRADE: dict[str, Any] = ORDER | {
    "execID": "5c000000-0000-4000-8000-000000000001",
    "execType": "Trade",
    "lastQty": 5_000,
    "lastPx": Decimal("60000.5"),
    "lastLiquidityInd": "RemovedLiquidity",
    "execCost": 8_333_250,
    "execComm": 4_167,
    "commission": Decimal("0.0005"),
}

FUNDING: dict[str, Any] = TRADE | {
    "execID": "5c000000-0000-4000-8000-0000000000f1",
    "execType": "Funding",
    "orderID": "00000000-0000-0000-0000-000000000000",
    "clOrdID": "",
    "side": "Sell",
    "ordStatus": "Filled",
    "lastLiquidityInd": "",
    "lastQty": 200_000,
    "execComm": -33_333,
}

INSTRUMENT: dict[str, Any] = {
    "symbol": "XBTUSD",
    "rootSymbol": "XBT",
    "state": "Open",
    "typ": "FFWCSX",
    "expiry": None,
    "lotSize": 100,
    "tickSize": Decimal("0.1"),
    "multiplier": -100_000_000,
    "quoteCurrency": "USD",
    "settlCurrency": "XBt",
    "isQuanto": False,
    "isInverse": True,
    "initMargin": Decimal("0.01"),
    "maintMargin": Decimal("0.005"),
    "makerFee": Decimal("0.0005"),
    "takerFee": Decimal("0.0005"),
    "markPrice": Decimal("60001.23"),
    "timestamp": "2026-11-22T03:00:00.000Z",
}

MARGIN: dict[str, Any] = {
    "account": 24321,
    "currency": "XBt",
    "walletBalance": 1_750_000_000,
    "marginBalance": 1_749_998_000,
    "availableMargin": 1_700_000_000,
    "initMargin": 297_400,
    "maintMargin": 42_975,
    "timestamp": "2026-11-22T03:00:00.000Z",
}

DEPOSIT: dict[str, Any] = {
    "transactID": "dddddddd-0000-4000-8000-000000000001",
    "account": 24321,
    "currency": "XBt",
    "transactType": "Deposit",
    "amount": 500_000_000,
    "fee": 0,
    "transactStatus": "Completed",
    "transactTime": "2026-11-22T02:50:00.000Z",
    "timestamp": "2026-11-22T02:50:00.000Z",
}
