"""ccxt 4.5.83's own ``bitmex`` class, REST, against the simulated BitMEX.

Amounts are read from ``info``: the unified ones are wrong or missing for this venue.
"""

from time import sleep
from typing import Any

import ccxt

from tests.clients import steps
from tests.clients.steps import expect, hold, step, wait

SYMBOL = "BTC/USD:BTC"
WALLET = 100_000_000
POST_ONLY = {"execInst": "ParticipateDoNotInitiate"}


def main() -> None:
    options = steps.arguments()
    venue = ccxt.bitmex({"apiKey": options.key, "secret": options.secret})
    base = f"http://{steps.HOST}:{options.port}"
    venue.urls["api"] = {"public": base, "private": base}
    run(venue)


def run(venue: Any) -> None:
    with step(steps.CONNECT) as note:
        name = steps.installed("ccxt", "4.5.83")
        expect(venue.private_get_user()["username"] != "", True, "whether the key opens an account")
        note.text = name

    with step(steps.INSTRUMENTS) as note:
        market = venue.load_markets()[SYMBOL]
        expect((market["id"], market["inverse"], market["active"]), ("XBTUSD", True, True), "the perpetual")
        expect((market["precision"]["amount"], market["precision"]["price"]), (100, 0.1), "lot and tick")
        note.text = f"{SYMBOL} = {market['id']}"

    def bid() -> float:
        return float(venue.fetch_ticker(SYMBOL)["bid"])

    def place(kind: str, quantity: int, price: float | None, **extra: Any) -> Any:
        return venue.create_order(SYMBOL, kind, "buy", quantity, price, extra)

    with step(steps.QUOTES) as note:
        book = venue.fetch_order_book(SYMBOL, 5)
        expect((len(book["bids"]), len(book["asks"])), (5, 5), "levels a side")
        hold(book["bids"][0][0] < book["asks"][0][0], "the book is crossed")
        note.text = f"{book['bids'][0][0]} / {book['asks'][0][0]}"

    with step(steps.PLACE) as note:
        low = round(bid() - 1_000)
        placed = place("limit", 100, low, clientOrderId="foreign-1", **POST_ONLY)
        expect((placed["status"], placed["clientOrderId"]), ("open", "foreign-1"), "status and id")
        expect(placed["info"]["orderQty"], 100, "the quantity")
        note.text = placed["id"][:8]

    with step(steps.AMEND) as note:
        venue.edit_order(placed["id"], SYMBOL, "limit", "buy", 200, low - 1)
        (live,) = venue.fetch_open_orders(SYMBOL)
        seen = live["id"], live["info"]["orderQty"], live["info"]["price"]
        expect(seen, (placed["id"], 200, low - 1), "id, quantity, price")
        note.text = f"200 @ {low - 1}"

    with step(steps.CANCEL) as note:
        expect(venue.cancel_order(placed["id"], SYMBOL)["status"], "canceled", "the status")
        expect(venue.fetch_open_orders(SYMBOL), [], "the open orders")
        try:
            venue.cancel_order(placed["id"], SYMBOL)
        except ccxt.OrderNotFound as error:
            hold("existing state: Canceled" in str(error), f"the second cancel says: {error}")
        else:
            raise steps.StepFailed("a second cancel succeeds")
        note.text = "canceled"

    with step(steps.REFUSED) as note:
        refusals: tuple[tuple[type[Exception], int, float, dict[str, Any]], ...] = (
            (ccxt.InvalidOrder, 100, low, {"clOrdID": "foreign-1"}),
            (ccxt.InsufficientFunds, 9_000_000, low, {}),
        )
        for expected, quantity, price, extra in refusals:
            try:
                place("limit", quantity, price, **extra)
            except expected:
                continue
            raise steps.StepFailed(f"no {expected.__name__}")
        note.text = "Duplicate clOrdID; insufficient balance"

    with step(steps.TAKE) as note:
        taken = place("limit", 200, round(bid() + 500), timeInForce="ImmediateOrCancel")
        expect((taken["status"], taken["info"]["cumQty"]), ("closed", 200), "status and quantity")
        note.text = f"200 @ {taken['info']['avgPx']}"

    with step(steps.REST) as note:
        order = place("limit", 100, bid(), **POST_ONLY)
        for _ in range(steps.ATTEMPTS):
            sleep(1)
            order = venue.fetch_order(order["id"], SYMBOL)
            if order["status"] == "closed":
                break
            if order["status"] == "canceled":  # it would have taken
                order = place("limit", 100, bid(), **POST_ONLY)
            elif order["info"]["price"] != (best := bid()):
                try:
                    venue.edit_order(order["id"], SYMBOL, "limit", "buy", None, best)
                except ccxt.BadRequest as error:
                    hold("Invalid ordStatus" in str(error), f"the amend says: {error}")
        expect((order["status"], order["info"]["cumQty"]), ("closed", 100), "status and quantity")
        note.text = f"100 @ {order['info']['avgPx']}"

    with step(steps.TRADES) as note:
        rows = [trade["info"] for trade in venue.fetch_my_trades(SYMBOL)]
        expect(sum(row["lastQty"] for row in rows), 300, "contracts bought")
        makers = [row for row in rows if row["lastLiquidityInd"] == "AddedLiquidity"]
        expect(sum(row["lastQty"] for row in makers), 100, "contracts bought passively")
        value = sum(row["execCost"] for row in rows)
        paid = sum(row["execComm"] for row in rows)
        hold(abs(paid - abs(value) * 5 // 10_000) <= len(rows), f"fees of {paid} XBt for {value} XBt")
        note.text = f"300 contracts, {paid} XBt in fees"

    with step(steps.POSITIONS) as note:
        (held,) = venue.fetch_positions([SYMBOL])
        expect((held["info"]["symbol"], held["info"]["currentQty"]), ("XBTUSD", 300), "contract and size")
        expect(held["info"]["crossMargin"], True, "cross margin")
        note.text = f"300 XBTUSD @ {held['info']['avgEntryPrice']}"

    with step(steps.BALANCE) as note:

        def settled() -> bool:
            (row,) = venue.fetch_balance()["info"]
            return bool(row["marginBalance"] == WALLET - paid + row["unrealisedPnl"])

        wait(settled, "a margin balance of the wallet less fees")
        total = venue.fetch_balance()["BTC"]["total"]
        hold(0.9 < total < 1.1, f"a balance of {total} XBT")
        note.text = f"{total} XBT"


if __name__ == "__main__":
    main()
