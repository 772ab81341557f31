"""What the simulated venues themselves say, asked apart from the bot and from its adapters."""

import asyncio
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ib_async import IB, Future, LimitOrder

KEY, SECRET = "sim-key", "sim-secret"


@dataclass(frozen=True)
class Traded:
    """One execution. ``contracts`` is signed."""

    execution_id: str
    client_order_id: str
    contracts: int


@dataclass(frozen=True)
class View:
    """One venue: its position, its order log and the open orders of it by client id, and every execution."""

    contracts: int
    ordered: Sequence[str]
    open_orders: Sequence[str]
    traded: Sequence[Traded]

    @property
    def untouched(self) -> bool:
        return not self.contracts and not self.open_orders and not self.traded


def bitmex(port: int) -> View:
    """Ask over REST, signed as the venue's documentation says."""
    orders = _get(port, "/api/v1/order?count=500&reverse=true")
    executions = _get(port, "/api/v1/execution/tradeHistory?count=500&reverse=true")
    return View(
        bitmex_contracts(port),
        [row["clOrdID"] for row in orders],
        [row["clOrdID"] for row in orders if row["ordStatus"] in ("New", "PartiallyFilled")],
        [
            Traded(row["execID"], row["clOrdID"], row["lastQty"] * (1 if row["side"] == "Buy" else -1))
            for row in executions
            if row["execType"] == "Trade"
        ],
    )


def bitmex_contracts(port: int) -> int:
    """Ask for the position alone: the account's requests are counted, and the bot needs them too."""
    return sum(int(row["currentQty"]) for row in _get(port, "/api/v1/position"))


def bitmex_order(port: int, **fields: object) -> Any:
    """Place an order as a person does, whatever the bot thinks of it."""
    return _get(port, "/api/v1/order", "POST", json.dumps({"symbol": "XBTUSD"} | fields))


def _get(port: int, path: str, verb: str = "GET", body: str = "") -> Any:
    expires = str(int(time.time()) + 30)
    signed = f"{verb}{path}{expires}{body}".encode()
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    headers = {"api-key": KEY, "api-expires": expires, "api-signature": signature}
    if body:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body.encode() or None, headers, method=verb
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def broker(port: int, client_id: int = 77) -> View:
    """Ask with ib_async, under a login of its own."""

    async def ask() -> View:
        ib = IB()
        await ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=90, readonly=True)
        try:
            orders = await ib.reqAllOpenOrdersAsync()
            completed = await ib.reqCompletedOrdersAsync(apiOnly=False)
            fills = await ib.reqExecutionsAsync()
            return View(
                sum(int(position.position) for position in ib.positions()),
                [trade.order.orderRef for trade in (*orders, *completed)],
                [trade.order.orderRef for trade in orders],
                [
                    Traded(
                        # Corrections differ in the last part only: what they correct is the same execution.
                        fill.execution.execId.rpartition(".")[0],
                        fill.execution.orderRef,
                        int(fill.execution.shares) * (1 if fill.execution.side == "BOT" else -1),
                    )
                    for fill in fills
                ],
            )
        finally:
            ib.disconnect()

    return asyncio.run(ask())


def broker_order(port: int, contracts: int, limit: float, client_id: int = 78) -> None:
    """Trade the front MBT as a person does; ``contracts`` signed. Return when it has filled."""

    async def trade() -> None:
        ib = IB()
        await ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=10)
        try:
            contract = Future("MBT", "202612", "CME")
            await ib.qualifyContractsAsync(contract)
            order = LimitOrder("BUY" if contracts > 0 else "SELL", abs(contracts), limit, outsideRth=True)
            placed = ib.placeOrder(contract, order)
            async with asyncio.timeout(20):
                while not placed.isDone():  # noqa: ASYNC110 - a bounded wait in a test
                    await asyncio.sleep(0.02)
            assert placed.filled() == abs(contracts), placed
        finally:
            ib.disconnect()

    asyncio.run(trade())
