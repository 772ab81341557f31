"""How long a fill waits for its hedge, beside a bare socket that does the same signing.

    python -m tests.bench.hedge [--fills 200] [--json FILE]

Both venues are processes of their own. Latency: from the moment the working venue's server has written a fill to its
socket to the moment the hedge venue's server has the order, on CLOCK_MONOTONIC. *bot*: the whole of it as the daemon
puts it together (adapters, engine, decisions, ledger on disk). *bare*: a socket that looks for the fill in the raw
bytes and writes a ready-made order, signed where the venue wants that: what machine and simulators take by themselves.
"""

import argparse
import asyncio
import hashlib
import hmac
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from ib_async import LimitOrder
from ib_async.client import Client
from ib_async.contract import Contract

from adapters.bitmex.venue import BitmexVenue
from adapters.clock import SystemClock
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.exchange.catalog import front_month
from adapters.venue import Venue
from bot.ledger.writer import Ledger
from bot.model.inputs import ApproveTicket, ProposePlan, SetTradingState
from bot.model.legging import Legging
from bot.model.plans import PlanStatus
from bot.model.tickets import TicketStatus
from bot.model.trading_state import TradingState
from bot.runtime.files import Files
from bot.runtime.logs import logging_to
from bot.runtime.memory import at_rest
from bot.runtime.start import Core, started
from risk.terms import Kind
from tests.bench.figures import Row, table, write
from tests.bench.venue import ACCOUNT, HOST, KEY, PRICE, SECRET, Moment
from tests.bench.venues import INVERSE, LINEAR, bitmex_settings, ibkr_settings, venue, wide
from tests.simulation.whole.life import quiet
from tests.unit.bot.desk import POLICY, spec

Match = Callable[[Sequence[Moment], Sequence[Moment]], list[float]]

_PAUSE = 0.05
_STUCK = 300.0
_EXECUTION = re.compile(rb"\0\0..11\0", re.DOTALL)
"""A message's length in four bytes, then its kind."""


def latencies(fills: Sequence[Moment], orders: Sequence[Moment]) -> list[float]:
    """Return the seconds from each fill to the first order after it; fills that no order of their own answers (two came
    at once, and share a hedge) count from the first of them."""
    found, waiting = [], [at for _, at in fills]
    for at in sorted(at for _, at in orders):
        answered = [fill for fill in waiting if fill <= at]
        if answered:
            found.append(at - answered[0])
            waiting = waiting[len(answered) :]
    return found


def paired(fills: Sequence[Moment], orders: Sequence[Moment]) -> list[float]:
    """Return the seconds from each fill to the order that bears its number: ``w5``, ``h5``."""
    received = {name[1:]: at for name, at in orders}
    return [received[name[1:]] - at for name, at in fills if name[1:] in received]


def distribution(seconds: Sequence[float]) -> Row:
    ranked = sorted(seconds)
    if not ranked:
        return {"n": 0}

    def at(share: float) -> float:
        return round(ranked[min(int(share * len(ranked)), len(ranked) - 1)] * 1e3, 3)

    return {"n": len(ranked), "p10": at(0.1), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1)}


async def _bot(folder: Path, bitmex: int, tws: int, working: Kind, fills: int) -> None:
    clock = SystemClock()
    inverse: Venue = BitmexVenue(bitmex_settings(bitmex), clock)
    linear: Venue = IbkrVenue(ibkr_settings(tws), clock)
    with Ledger.open(folder / "ledger.sqlite3", clock) as ledger:
        symbols = {inverse: [INVERSE.symbol], linear: [LINEAR.symbol]}
        files = Files(folder)
        # Its log is written as the daemon writes it: that is part of the way, or should not be.
        with logging_to(files.log, console=False):
            await _traded(ledger, symbols, clock, files, working, fills)


async def _traded(
    ledger: Ledger,
    symbols: dict[Venue, list[str]],
    clock: SystemClock,
    files: Files,
    working: Kind,
    fills: int,
) -> None:
    async with started(ledger, ledger.state(), symbols, wide(POLICY), clock, files) as core:
        with at_rest():
            await _planned(core, working, fills)


async def _planned(core: Core, working: Kind, fills: int) -> None:
    await core.engine.command(SetTradingState(TradingState.ACTIVE, "bench", "measuring"))
    plan = spec(
        inverse=INVERSE,
        linear=LINEAR,
        size_xbt=Decimal(fills) / 10,
        legging=Legging(working=working),
    )
    answer = await core.engine.command(ProposePlan(plan))
    async with asyncio.timeout(_STUCK):
        await _carried_out(core, plan.plan_id, str(answer))


async def _carried_out(core: Core, plan_id: str, told: str) -> None:
    state = core.engine.state
    while plan_id in state.plans and state.plans[plan_id].status is PlanStatus.ACTIVE:
        for leg in list(state.legs()):
            if leg.status is TicketStatus.OPEN:
                shown = leg.ticket
                await core.engine.command(
                    ApproveTicket(shown.ticket_id, shown.material.content_hash(), "bench")
                )
        await asyncio.sleep(0.05)
        if core.failed.done():
            core.failed.result()
    if plan_id not in state.plans or state.plans[plan_id].status is not PlanStatus.DONE:
        reason = state.plans[plan_id].reason if plan_id in state.plans else told
        raise RuntimeError(f"the plan was not carried out: {reason}")


class _BareTws:
    """A link to the gateway. ``filled`` is called with the bytes that tell an execution."""

    def __init__(self) -> None:
        self._client: Any = Client(self)  # type: ignore[no-untyped-call]
        self.filled: Callable[[], None] = lambda: None
        self._contract: Any = None
        self.defaultTimezone = UTC  # ib_async's name for it

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None  # what the gateway tells and nobody here reads

    async def connect(self, port: int) -> None:
        self._client.MaxRequests = 0
        await self._client.connectAsync(HOST, port, 9)
        year, month = front_month(SystemClock().now())
        self._contract = Contract("FUT", symbol="MBT", exchange="CME", currency="USD")
        self._contract.lastTradeDateOrContractMonth = f"{year}{month:02}"
        self._client.conn.hasData += self._take

    def place(self, side: str, price: int, reference: str) -> None:
        order = LimitOrder(side, 1, price, tif="IOC", account=ACCOUNT, outsideRth=True, orderRef=reference)
        self._client.placeOrder(self._client.getReqId(), self._contract, order)

    def _take(self, data: bytes) -> None:
        if _EXECUTION.search(data):
            self.filled()

    def close(self) -> None:
        self._client.disconnect()


class _BareBitmex:
    """A raw connection for orders, and a websocket that is only searched. ``filled``: as above."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.filled: Callable[[], None] = lambda: None
        self._writer: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._session: Any = None
        self._socket: Any = None
        self._number = 0

    async def connect(self) -> None:
        reader, self._writer = await asyncio.open_connection(HOST, self._port)
        self._tasks.append(asyncio.create_task(self._swallow(reader)))
        self._session = aiohttp.ClientSession()
        socket = self._socket = await self._session.ws_connect(f"http://{HOST}:{self._port}/realtime")
        expires = self._expires()
        proof = self._signature(f"GET/realtime{expires}")
        await socket.send_json({"op": "authKeyExpires", "args": [KEY, expires, proof]})
        await socket.send_json({"op": "subscribe", "args": ["execution"]})
        self._tasks.append(asyncio.create_task(self._listen(socket)))
        await asyncio.sleep(0.3)

    def place(self, side: str, quantity: int, price: str, name: str) -> None:
        body = (
            f'{{"symbol":"XBTUSD","clOrdID":"{name}","side":"{side}","orderQty":{quantity},"ordType":"Limit",'
            f'"price":{price},"timeInForce":"ImmediateOrCancel"}}'
        )
        expires = self._expires()
        proof = self._signature(f"POST/api/v1/order{expires}{body}")
        self._writer.write(
            f"POST /api/v1/order HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\napi-expires: {expires}\r\napi-key: {KEY}\r\n"
            f"api-signature: {proof}\r\n\r\n{body}".encode()
        )

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        await self._socket.close()
        await self._session.close()

    @staticmethod
    def _expires() -> int:
        return int(SystemClock().now().timestamp()) + 8

    @staticmethod
    def _signature(message: str) -> str:
        return hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(65_536):
            pass

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if '"execType":"Trade"' in message.data:
                self.filled()


async def _bare(bitmex: int, tws: int, working: Kind, fills: int) -> None:
    broker, inverse = _BareTws(), _BareBitmex(bitmex)
    await broker.connect(tws)
    await inverse.connect()
    told = asyncio.Event()
    number = 0

    def hedge_inverse() -> None:
        if not told.is_set():
            inverse.place("Buy", 8_000, f"{PRICE['bitmex'] + 20}.0", f"h{number}")
            told.set()

    def hedge_linear() -> None:
        if not told.is_set():
            broker.place("SELL", PRICE["tws"] - 20, f"h{number}")
            told.set()

    try:
        if working is Kind.LINEAR:
            broker.filled = hedge_inverse
        else:
            inverse.filled = hedge_linear
        for number in range(fills):
            told.clear()
            if working is Kind.LINEAR:
                broker.place("SELL", PRICE["tws"] - 20, f"w{number}")
            else:
                inverse.place("Buy", 8_000, f"{PRICE['bitmex'] + 20}.0", f"w{number}")
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), 5)
            await asyncio.sleep(_PAUSE)
    finally:
        broker.close()
        await inverse.close()


def _run(client: Callable[[int, int], Awaitable[None]], working: Kind, hedges: str, match: Match) -> Row:
    """Let a client trade between two fresh venues; return how long its hedges took. ``hedges``: how their ids begin, or
    what stands in them. ``match``: which order answers which fill."""
    with ExitStack() as stack:
        bitmex, tws = stack.enter_context(venue("bitmex")), stack.enter_context(venue("tws"))

        async def main() -> None:
            await client(bitmex.port, tws.port)

        asyncio.run(main())
        at_bitmex, at_tws = bitmex.end(), tws.end()
    lead, answer = (at_tws, at_bitmex) if working is Kind.LINEAR else (at_bitmex, at_tws)
    fills = [(name, at) for name, at in lead.fills if hedges not in name]
    orders = [(name, at) for name, at in answer.orders if hedges in name]
    return distribution(match(fills, orders))


def measure(fills: int = 200, ways: Sequence[Kind] = (Kind.LINEAR, Kind.INVERSE)) -> Row:
    """Measure both directions, or those whose working leg ``ways`` names; return and print the figures."""
    quiet()
    rows: list[Row] = []
    for working in ways:
        way = "linear → inverse" if working is Kind.LINEAR else "inverse → linear"

        def bare(bitmex: int, tws: int, working: Kind = working) -> Awaitable[None]:
            return _bare(bitmex, tws, working, fills)

        async def bot(bitmex: int, tws: int, working: Kind = working) -> None:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                await _bot(Path(folder), bitmex, tws, working, fills)

        plain = _run(bare, working, "h", paired)
        ours = _run(bot, working, "h-", latencies)
        rows += [
            {"way": way, "who": "bare socket", **plain},
            {"way": way, "who": "bot", **ours, "times_bare": round(ours["p50"] / plain["p50"], 2)},
        ]
    print(table("fill written → hedge received, ms", rows), flush=True)
    return {"hedge": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=200)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    write(given.json, measure(given.fills))


if __name__ == "__main__":
    main()
