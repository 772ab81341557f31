"""A plain client of the simulated BitMEX that signs by itself, and a rig of exchange, server and client."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
from yarl import URL

from adapters.clock import Clock
from adapters.simulator.bitmex.server import BitmexServer
from adapters.simulator.exchange.catalog import xbt_future, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.rules import INVERSE_RULES
from adapters.simulator.exchange.views import BookLevel
from tests import patient

KEY, SECRET = "LAqUlngMIQkIUjXMUreyu3qn", "chNOOS4KvNXR_Xq4k4c9qsfoKWvnDecLATCRlcBwyKDYnWgO"
API = "/api/v1"
XBT = 100_000_000


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._start = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def move(self, **span: float) -> None:
        self._now += timedelta(**span)

    def set(self, now: datetime) -> None:
        self._now = now


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def error(self) -> str:
        assert self.status != 200, self.body
        message: str = self.body["error"]["message"]
        return message


def sign(secret: str, verb: str, path: str, expires: str, body: str = "") -> str:
    text = verb + path + expires + body
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def parse(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


class Client:
    def __init__(self, http: aiohttp.ClientSession, base: str, clock: Clock) -> None:
        self.http = http
        self.base = base
        self.clock = clock
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def close(self) -> None:
        """Close every websocket, those the server dropped too: their transport is ours to release."""
        for ws in self.sockets:
            await ws.close()

    def expires(self) -> str:
        return str(int(self.clock.now().timestamp()) + 60)

    async def call(self, verb: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one signed request; ``headers`` (underscores for dashes) replace the right ones."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        expires = self.expires()
        signed = {
            "api-key": KEY,
            "api-expires": expires,
            "api-signature": sign(SECRET, verb, API + path, expires, text),
            "content-type": "application/json",
        }
        signed.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self._send(verb, path, text, signed)

    async def unsigned(self, verb: str, path: str) -> Answer:
        return await self._send(verb, path, "", {})

    async def _send(self, verb: str, path: str, text: str, headers: dict[str, str]) -> Answer:
        url = URL(self.base + API + path, encoded=True)
        async with self.http.request(verb, url, data=text or None, headers=headers) as response:
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, parse(await response.text()), lower)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    async def order(self, **fields: Any) -> Answer:
        """Send an order; a limit buy of 100 at 15,000 unless told otherwise, None leaves a field out."""
        order = {"symbol": "XBTUSD", "side": "Buy", "orderQty": 100, "price": 15000, **fields}
        return await self.call("POST", "/order", {k: v for k, v in order.items() if v is not None})

    async def placed(self, **fields: Any) -> Any:
        answer = await self.order(**fields)
        assert answer.status == 200, answer.body
        return answer.body

    async def websocket(self, *topics: str, authenticate: bool = True) -> "Socket":
        """Connect, sign, subscribe; return the socket after the last partial."""
        ws = await self.http.ws_connect(self.base + "/realtime")
        self.sockets.append(ws)
        socket = Socket(ws)
        await socket.next()
        if authenticate:
            expires = int(self.expires())
            signed = sign(SECRET, "GET", "/realtime", str(expires))
            await socket.ask({"op": "authKeyExpires", "args": [KEY, expires, signed]})
        if topics:
            await socket.send({"op": "subscribe", "args": list(topics)})
            for _ in topics:
                assert (await socket.next())["success"] is True
                partial = await socket.next()
                assert partial["action"] == "partial"
                socket.partials[partial["table"]] = partial
        return socket


class Socket:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.partials: dict[str, Any] = {}

    async def send(self, message: Any) -> None:
        await self.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    async def next(self) -> Any:
        message = await self.ws.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return message.data if message.data == "pong" else parse(message.data)

    async def ask(self, message: Any) -> Any:
        await self.send(message)
        return await self.next()

    async def drain(self) -> list[Any]:
        """Return all that has been sent so far: what stands before the answer to a ping."""
        await self.send("ping")
        messages = []
        while (message := await self.next()) != "pong":
            messages.append(message)
        return messages

    async def rows(self, table: str, action: str | None = None) -> list[Any]:
        """Return the rows of one table among all that has been sent so far."""
        return [
            row
            for message in await self.drain()
            if message["table"] == table and action in (None, message["action"])
            for row in message["data"]
        ]


def levels(*pairs: tuple[str, int]) -> list[BookLevel]:
    """Return book levels from (USD, contracts)."""
    return [BookLevel(int(Decimal(price) * 100), quantity) for price, quantity in pairs]


@dataclass
class Rig:
    exchange: Exchange
    server: BitmexServer
    client: Client

    def market(
        self,
        bids: list[BookLevel] | None = None,
        asks: list[BookLevel] | None = None,
        index: int = 16_000,
        symbol: str = "XBTUSD",
    ) -> None:
        """Set the market: 16,000.0 / 16,000.1 with 10,000 contracts on each side unless told otherwise."""
        bids = levels(("16000", 10_000)) if bids is None else bids
        asks = levels(("16000.1", 10_000)) if asks is None else asks
        self.exchange.set_market(symbol, index * 100, bids, asks)


@asynccontextmanager
async def rig(
    clock: Clock | None = None,
    deposit: int = 10 * XBT,
    specs: Sequence[ContractSpec] | None = None,
    funding_rate: int = 100,
    **options: Any,
) -> AsyncIterator[Rig]:
    """Run a server for the venue's own example key on a free port of the loopback."""
    clock = clock or patient.Clock()
    listed = specs or [xbtusd(), xbt_future(2027, 3)]
    exchange = Exchange("bitmex", listed, INVERSE_RULES, clock, funding=FundingSchedule(funding_rate))
    server = BitmexServer(exchange, clock, api_key=KEY, api_secret=SECRET, **options)
    if deposit:
        exchange.deposit("client", deposit)
    port = await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            made = Rig(exchange, server, Client(http, f"http://127.0.0.1:{port}", clock))
            made.market()
            try:
                yield made
            finally:
                await made.client.close()
    finally:
        await server.stop()
        await asyncio.sleep(0)


def day(hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)
