"""ccxt.pro 4.5.83's own ``bitmex`` class, websocket and REST together, against the simulated BitMEX.

What is asked for over REST must be heard of over the websocket.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro

from tests.clients import steps
from tests.clients.steps import expect, hold, step

SYMBOL = "BTC/USD:BTC"
WALLET = 100_000_000
POST_ONLY = {"execInst": "ParticipateDoNotInitiate"}


async def main() -> None:
    options = steps.arguments()
    venue = ccxt.pro.bitmex({"apiKey": options.key, "secret": options.secret})
    base = f"http://{steps.HOST}:{options.port}"
    socket = f"ws://{steps.HOST}:{options.port}/realtime"
    venue.urls["api"] = {"public": base, "private": base, "ws": socket}
    heard = Heard()
    try:
        await run(venue, heard)
    finally:
        await heard.close()
        await venue.close()


class Heard:
    """What the websocket has told: the latest row of each order, every execution, positions, margin, book."""

    def __init__(self) -> None:
        self.orders: dict[str, Any] = {}
        self.trades: dict[str, Any] = {}
        self.positions: dict[str, Any] = {}
        self.margin: dict[str, Any] = {}
        self.book: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    def follow(self, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], None]) -> None:
        """Watch for ever, handing on whatever comes."""

        async def listen() -> None:
            while True:
                take(await watch())

        self._tasks.append(asyncio.create_task(listen()))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until ``condition`` holds. Raises StepFailed, or what ended a watch."""
        for _ in range(int(steps.PATIENCE / 0.02)):
            if condition():
                return
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
        raise steps.StepFailed(f"waited in vain for {what}")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take_orders(self, orders: list[Any]) -> None:
        for order in orders:
            merged = {**self.orders.get(order["id"], {}), **order["info"]}
            self.orders[order["id"]] = merged

    def take_trades(self, trades: list[Any]) -> None:
        self.trades.update((trade["id"], trade["info"]) for trade in trades)

    def take_positions(self, positions: list[Any]) -> None:
        for position in positions:
            row = position["info"]
            self.positions[row["symbol"]] = {**self.positions.get(row["symbol"], {}), **row}

    def take_balance(self, balance: Any) -> None:
        self.margin = balance

    def take_book(self, book: Any) -> None:
        self.book = book


async def run(venue: Any, heard: Heard) -> None:
    with step(steps.CONNECT) as note:
        name = steps.installed("ccxt", "4.5.83")
        await venue.authenticate()
        note.text = f"{name}, authenticated"

    with step(steps.INSTRUMENTS) as note:
        market = (await venue.load_markets())[SYMBOL]
        ticker = await venue.watch_ticker(SYMBOL)
        expect((market["id"], ticker["info"]["state"]), ("XBTUSD", "Open"), "the perpetual's id and state")
        note.text = f"{SYMBOL} = {market['id']}"

    with step(steps.QUOTES) as note:
        heard.follow(lambda: venue.watch_order_book(SYMBOL), heard.take_book)
        await heard.until(lambda: heard.book is not None and len(heard.book["bids"]) >= 5, "the book")
        first = heard.book["nonce"], heard.book["bids"][0][0], heard.book["asks"][0][0]
        hold(first[1] < first[2], "the book is crossed")
        await heard.until(lambda: heard.book["bids"][0][0] != first[1], "a book that moves")
        hold(heard.book["bids"][0][0] < heard.book["asks"][0][0], "the book is crossed after deltas")
        heard.follow(lambda: venue.watch_orders(SYMBOL), heard.take_orders)
        heard.follow(lambda: venue.watch_my_trades(SYMBOL), heard.take_trades)
        heard.follow(lambda: venue.watch_positions([SYMBOL]), heard.take_positions)
        heard.follow(venue.watch_balance, heard.take_balance)
        await heard.until(lambda: heard.margin, "the margin")
        note.text = f"{first[1]} / {first[2]}"

    def bid() -> float:
        return float(heard.book["bids"][0][0])

    async def place(quantity: int, price: float, **extra: Any) -> str:
        placed = await venue.create_order(SYMBOL, "limit", "buy", quantity, price, extra)
        return str(placed["id"])

    def shows(order_id: str, **wanted: object) -> Callable[[], bool]:
        return lambda: wanted.items() <= heard.orders.get(order_id, {}).items()

    with step(steps.PLACE) as note:
        low = round(bid() - 1_000)
        placed = await place(100, low, clientOrderId="foreign-ws-1", **POST_ONLY)
        await heard.until(shows(placed, ordStatus="New", orderQty=100, price=low), "the order")
        note.text = placed[:8]

    with step(steps.AMEND) as note:
        await venue.edit_order(placed, SYMBOL, "limit", "buy", 200, low - 1)
        await heard.until(shows(placed, orderQty=200, price=low - 1, ordStatus="New"), "the amended order")
        note.text = f"200 @ {low - 1}"

    with step(steps.CANCEL) as note:
        await venue.cancel_order(placed, SYMBOL)
        await heard.until(shows(placed, ordStatus="Canceled"), "the cancelled order")
        note.text = "canceled"

    with step(steps.REFUSED) as note:
        try:
            await place(100, low, clOrdID="foreign-ws-1")
        except ccxt.InvalidOrder:
            note.text = "Duplicate clOrdID"
        else:
            raise steps.StepFailed("a used clOrdID is taken again")

    with step(steps.TAKE) as note:
        taken = await place(200, round(bid() + 500), timeInForce="ImmediateOrCancel")
        await heard.until(shows(taken, ordStatus="Filled", cumQty=200), "the filled order")
        note.text = f"200 @ {heard.orders[taken]['avgPx']}"

    with step(steps.REST) as note:
        rested = await place(100, bid(), **POST_ONLY)
        for _ in range(steps.ATTEMPTS):
            await asyncio.sleep(1)
            state = heard.orders[rested]
            if state["ordStatus"] == "Filled":
                break
            if state["ordStatus"] == "Canceled":  # it would have taken
                rested = await place(100, bid(), **POST_ONLY)
            elif state["price"] != (best := bid()):
                try:
                    await venue.edit_order(rested, SYMBOL, "limit", "buy", None, best)
                except ccxt.BadRequest as error:
                    hold("Invalid ordStatus" in str(error), f"the amend says: {error}")
        await heard.until(shows(rested, ordStatus="Filled", cumQty=100), "the filled order")
        note.text = f"100 @ {heard.orders[rested]['avgPx']}"

    with step(steps.TRADES) as note:

        def traded(**wanted: object) -> int:
            return sum(t["lastQty"] for t in heard.trades.values() if wanted.items() <= t.items())

        await heard.until(lambda: traded() == 300, "300 contracts")
        expect(traded(lastLiquidityInd="AddedLiquidity"), 100, "contracts bought passively")
        paid = sum(trade["execComm"] for trade in heard.trades.values())
        note.text = f"300 contracts, {paid} XBt in fees"

    with step(steps.POSITIONS) as note:
        await heard.until(lambda: heard.positions.get("XBTUSD", {}).get("currentQty") == 300, "300 contracts")
        (held,) = await venue.fetch_positions([SYMBOL])
        expect(held["info"]["currentQty"], 300, "the position over REST")
        note.text = f"300 XBTUSD @ {held['info']['avgEntryPrice']}"

    with step(steps.BALANCE) as note:
        (row,) = (await venue.fetch_balance())["info"]
        expect(row["marginBalance"], WALLET - paid + row["unrealisedPnl"], "the margin balance")
        total = heard.margin["BTC"]["total"]
        hold(0.9 < total < 1.1, f"a balance of {total} XBT over the websocket")
        note.text = f"{total} XBT"


if __name__ == "__main__":
    asyncio.run(main())
