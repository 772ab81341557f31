"""One simulated venue in a process of its own, with the moments at which it wrote fills and received orders.

    python -m tests.bench.venue bitmex|tws

Says ``{"port": …}`` once it listens. When its standard input ends it says the moments, in seconds of CLOCK_MONOTONIC:
``{"fills": [[client order id, when written], …], "orders": [[client order id, when received], …]}``, and ends.

The book holds ``PIECE`` XBT at the best price and everything far behind it, anew every few milliseconds: an order that
works through it fills one piece at a time, and each fill can be told from the next.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from io import StringIO

from adapters.clock import SystemClock
from adapters.simulator.bitmex.ratelimit import Limits
from adapters.simulator.bitmex.recorder import Recorder
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange.catalog import front_month, mbt, xbtusd
from adapters.simulator.exchange.events import ExchangeEvent, Executed
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import ExecKind
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.views import BookLevel
from adapters.simulator.tws.server import TwsServer

HOST = "127.0.0.1"
KEY, SECRET, ACCOUNT = "bench-key", "bench-secret", "DU0000001"
PRICE = {"bitmex": 80_000, "tws": 80_700}
PIECE = {"bitmex": 8_100, "tws": 1}
"""Contracts: a little more than 0.1 XBT, so that a fill of it can be answered by one of 0.1 XBT."""
DEPTH = 100_000
EVERY = 0.02

Moment = tuple[str, float]


@dataclass(slots=True)
class Moments:
    fills: list[Moment] = field(default_factory=list)
    orders: list[Moment] = field(default_factory=list)


class _FillsWritten(Recorder):
    """Notes when a websocket message that tells a trade is handed to its socket: the moment before, since the client
    may well have answered when the writer has the processor again."""

    def __init__(self, moments: Moments, clock: SystemClock) -> None:
        super().__init__(StringIO())
        self._moments = moments
        self._clock = clock

    def answered(self, verb: str, path: str, status: int, body: str) -> None:
        """Not of interest."""

    def told(self, text: str) -> None:
        if '"table":"execution"' not in text or '"execType":"Trade"' not in text:
            return
        at = self._clock.monotonic()
        for row in json.loads(text)["data"]:
            if row.get("execType") == "Trade":
                self._moments.fills.append((row["clOrdID"], at))


def _quote(exchange: Exchange, symbol: str, name: str) -> None:
    """Set the book anew: a piece at the best price; who would take more finds it two per cent away."""
    spec = exchange.spec(symbol)
    mid, far = PRICE[name] * 100, PRICE[name] * 2
    sides = [
        [BookLevel(mid + sign * spec.tick, PIECE[name]), BookLevel(mid + sign * far, DEPTH)]
        for sign in (-1, 1)
    ]
    exchange.set_market(symbol, mid, *sides)
    exchange.step()


async def _serve(name: str) -> None:
    clock, moments = SystemClock(), Moments()
    if name == "bitmex":
        exchange = Exchange("bitmex", [xbtusd()], INVERSE_RULES, clock)
        bitmex = BitmexServer(
            exchange,
            clock,
            api_key=KEY,
            api_secret=SECRET,
            account=ACCOUNT,
            limits=Limits(per_minute=1_000_000, per_second=10_000),
            recorder=_FillsWritten(moments, clock),
        )
        exchange.deposit(ACCOUNT, 100 * 10**8)
        symbol = exchange.specs()[0].symbol
        _quote(exchange, symbol, name)
        port = await bitmex.start(HOST, 0)
    else:
        exchange = Exchange("cme", [mbt(*front_month(clock.now()))], LINEAR_RULES, clock)

        def heard(event: ExchangeEvent) -> None:
            if isinstance(event, Executed) and event.execution.kind is ExecKind.TRADE:
                moments.fills.append((event.execution.client_id, clock.monotonic()))

        exchange.open_account(ACCOUNT)
        # Before the gateway's own, which writes to its sockets when it is told.
        exchange.subscribe(heard)
        tws = TwsServer(exchange, clock, ACCOUNT, messages_per_second=10_000)
        exchange.deposit(ACCOUNT, 100_000_000 * 10**8)
        symbol = exchange.specs()[0].symbol
        _quote(exchange, symbol, name)
        port = await tws.start(HOST, 0)
    print(json.dumps({"port": port}), flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        await asyncio.sleep(EVERY)
        _quote(exchange, symbol, name)
    if name == "bitmex":
        moments.orders = [(entry.client_id, entry.monotonic) for entry in bitmex.order_log]
        await bitmex.stop()
    else:
        moments.orders = [(entry.order_ref, entry.received) for entry in tws.order_log]
        await tws.stop()
    print(json.dumps({"fills": moments.fills, "orders": moments.orders}), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
