"""A scripted BitMEX on loopback sockets, for what a well-behaved one never does.

HTTP is spoken by hand over a raw socket, so that every request is counted and timed as its bytes arrive, and
an answer may be withheld, cut off or nonsense. The websocket is aiohttp's.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import WSMsgType, web

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.venue import Link, LinkState, VenueEvent
from risk.approval import Approved, Envelope, Purpose, Usage
from risk.orders import Fill, OrderRequest, Side
from tests import patient

KEY, SECRET = "key-id", "the-secret"
SYMBOL = "XBTUSD"

API_KEYS = [{"id": KEY, "name": "bot", "permissions": ["order"], "enabled": True}]
INSTRUMENT: dict[str, Any] = {
    "symbol": SYMBOL,
    "state": "Open",
    "lotSize": 100,
    "tickSize": 0.1,
    "multiplier": -100_000_000,
    "quoteCurrency": "USD",
    "settlCurrency": "XBt",
    "isQuanto": False,
    "isInverse": True,
    "initMargin": 0.01,
    "maintMargin": 0.005,
    "makerFee": 0.0005,
    "takerFee": 0.0005,
    "expiry": None,
    "markPrice": 60000.05,
}
BOOK = {"symbol": SYMBOL, "bids": [[60000.0, 5000]], "asks": [[60000.1, 7000]]}
KEYS = {
    "order": ["orderID"],
    "execution": ["execID"],
    "wallet": ["account", "currency"],
    "instrument": ["symbol"],
    "orderBook10": ["symbol"],
}


def stamp(seconds: float = 0) -> str:
    at = patient.Clock().now() + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def order_row(client_order_id: str, **changes: Any) -> dict[str, Any]:
    row = {
        "orderID": f"venue-{client_order_id}",
        "clOrdID": client_order_id,
        "symbol": SYMBOL,
        "side": "Buy",
        "orderQty": 1000,
        "price": 60000.1,
        "ordType": "Limit",
        "timeInForce": "ImmediateOrCancel",
        "ordStatus": "New",
        "leavesQty": 1000,
        "cumQty": 0,
        "settlCurrency": "XBt",
        "text": "",
        "timestamp": stamp(),
    }
    return row | changes


def trade_row(execution_id: str, client_order_id: str = "p1", **changes: Any) -> dict[str, Any]:
    filled = {"ordStatus": "Filled", "leavesQty": 0, "cumQty": 1000}
    return (
        order_row(client_order_id)
        | filled
        | {
            "execID": execution_id,
            "execType": "Trade",
            "lastQty": 1000,
            "lastPx": 60000.1,
            "lastLiquidityInd": "RemovedLiquidity",
            "execComm": 833,
        }
        | changes
    )


@dataclass(frozen=True)
class Request:
    verb: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    at: float

    @property
    def fields(self) -> dict[str, Any]:
        """The body's JSON, numbers as they were written."""
        read: dict[str, Any] = json.loads(self.body, parse_float=Decimal)
        return read

    @property
    def is_placing(self) -> bool:
        return (self.verb, self.path) == ("POST", "/api/v1/order")


@dataclass(frozen=True)
class Reply:
    """``pause`` seconds go by before it; ``cut`` keeps only so many bytes and closes, None closes unanswered."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0
    cut: int | None = None

    def encoded(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        kind = "text/html" if isinstance(self.body, str) else "application/json; charset=utf-8"
        head = {"Content-Type": kind, "Content-Length": str(len(text.encode()))} | self.headers
        lines = [f"HTTP/1.1 {self.status} Whatever", *(f"{name}: {value}" for name, value in head.items())]
        return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def drop() -> Reply:
    """Close the connection without a word, the request having been read."""
    return Reply(cut=0)


def error(status: int, message: str, name: str = "HTTPError", **headers: str) -> Reply:
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return Reply(status, {"error": {"message": message, "name": name}}, given)


Script = Callable[[Request], Reply | None]


class HttpServer:
    """Answers by ``script``, and by ``usual`` where that says None."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: Script = lambda request: None
        self.executions: list[dict[str, Any]] = []
        self.wallet: list[dict[str, Any]] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    def of(self, verb: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.verb, request.path) == (verb, path)]

    @property
    def placed(self) -> list[Request]:
        return [request for request in self.requests if request.is_placing]

    async def start(self) -> None:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

        self._server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await self._read(reader)
                self.requests.append(request)
                reply = self.script(request) or self._usual(request)
                await asyncio.sleep(reply.pause)
                writer.write(reply.encoded()[: reply.cut])
                if reply.cut is not None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        at = patient.Clock().monotonic()
        first, *lines = head.strip().split("\r\n")
        verb, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        expected = hmac.new(
            SECRET.encode(), f"{verb}{target}{headers['api-expires']}{body}".encode(), hashlib.sha256
        ).hexdigest()
        assert headers["api-signature"] == expected
        assert headers["api-key"] == KEY
        address = urlsplit(target)
        return Request(verb, address.path, dict(parse_qsl(address.query)), headers, body, at)

    def _usual(self, request: Request) -> Reply:
        answers: dict[tuple[str, str], Any] = {
            ("GET", "/api/v1/apiKey"): API_KEYS,
            ("GET", "/api/v1/position"): [],
            ("GET", "/api/v1/instrument"): [INSTRUMENT | {"timestamp": stamp()}],
            ("GET", "/api/v1/execution"): self.executions,
            ("GET", "/api/v1/user/walletHistory"): self.wallet,
        }
        if request.is_placing:
            return Reply(body=order_row(request.fields["clOrdID"]))
        known = answers.get((request.verb, request.path))
        return error(404, "Not Found") if known is None else Reply(body=known)


class WsServer:
    """Logs in whoever signs, and sends every snapshot; ``send`` reaches the one client there is."""

    def __init__(self) -> None:
        self.connections = 0
        self.pings = 0
        self.answers_pings = True
        self.login_error: dict[str, Any] | None = None
        self.withheld: set[str] = set()
        self.refused: dict[str, str] = {}
        self.before_snapshots: list[dict[str, Any]] = []
        self.snapshots: dict[str, list[dict[str, Any]]] = {
            "order": [],
            "execution": [],
            "wallet": [{"account": 1, "currency": "XBt", "deposited": 0, "timestamp": stamp()}],
            "instrument": [INSTRUMENT | {"timestamp": stamp()}],
            "orderBook10": [BOOK],
        }
        self._socket: web.WebSocketResponse | None = None
        self._request: web.BaseRequest | None = None
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        self.port = 0

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.abort()
        await self._runner.cleanup()

    def abort(self) -> None:
        """Cut the connection as a failing network does."""
        if self._request is not None and self._request.transport is not None:
            self._request.transport.abort()

    async def send(self, message: dict[str, Any] | str) -> None:
        assert self._socket is not None
        await self._socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def table(self, table: str, action: str, *rows: dict[str, Any]) -> None:
        await self.send({"table": table, "action": action, "data": list(rows)})

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket, self._request = socket, request
        self.connections += 1
        await self.send({"info": "Welcome to the BitMEX Realtime API.", "version": "2.0.0"})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            if message.data == "ping":
                self.pings += 1
                if self.answers_pings:
                    await self.send("pong")
                continue
            await self._obey(json.loads(message.data))
        return socket

    async def _obey(self, asked: dict[str, Any]) -> None:
        if asked["op"] == "authKeyExpires":
            key, expires, proof = asked["args"]
            text = f"GET/realtime{expires}".encode()
            assert (key, proof) == (KEY, hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest())
            await self.send(self.login_error or {"success": True, "request": asked})
            return
        for message in self.before_snapshots:
            await self.send(message)
        for topic in asked["args"]:
            if topic in self.refused:
                await self.send({"status": 400, "error": self.refused[topic], "meta": {}, "request": asked})
                continue
            await self.send({"success": True, "subscribe": topic, "request": asked})
            table, _, symbol = topic.partition(":")
            if topic not in self.withheld:
                partial = {"table": table, "action": "partial", "keys": KEYS[table]}
                scope = {"symbol": symbol} if symbol else {"account": 1}
                await self.send(
                    partial | {"filter": scope, "data": self.snapshots.get(topic, self.snapshots[table])}
                )


@dataclass
class Rig:
    http: HttpServer
    ws: WsServer
    venue: BitmexVenue
    events: list[VenueEvent]
    arrived: list[tuple[float, VenueEvent]]

    def take(self, event: VenueEvent) -> None:
        self.arrived.append((patient.Clock().monotonic(), event))
        self.events.append(event)

    async def connect(self) -> None:
        await self.venue.connect([SYMBOL], self.take)

    @property
    def links(self) -> list[LinkState]:
        return [event.state for event in self.events if isinstance(event, Link)]

    @property
    def fills(self) -> list[str]:
        return [event.execution_id for event in self.events if isinstance(event, Fill)]

    def approved(self, client_order_id: str = "p1", price: str = "60000.1", **changes: Any) -> Approved:
        return approved(self.venue, client_order_id, price, **changes)


def approved(
    venue: BitmexVenue, client_order_id: str = "p1", price: str = "60000.1", **changes: Any
) -> Approved:
    """Return an approved order to buy 1,000 contracts, unless told otherwise."""
    instrument = venue.instrument(SYMBOL)
    now = patient.Clock().now()
    given: dict[str, Any] = {"side": Side.BUY, "quantity": 1000} | changes
    request = OrderRequest(client_order_id, instrument.id, price=Decimal(price), **given)
    envelope = Envelope(
        approval_id="approval",
        instrument=instrument.id,
        side=request.side,
        reduce_only=request.reduce_only,
        quantity=Decimal(1_000_000),
        price_low=Decimal(1),
        price_high=Decimal(1_000_000),
        execute_by=now + timedelta(minutes=5),
        approved_by="test",
        approved_at=now,
    )
    return Approved(request, Purpose.WORK, envelope, instrument, Usage(), now)


async def until(condition: Callable[[], bool], within: float = 3.0) -> None:
    """Wait for a condition; fail if it does not come true in time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - any condition at all
            await asyncio.sleep(0.002)


def settings(http_port: int, ws_port: int, **changes: Any) -> BitmexSettings:
    """Return settings of a hurried client."""
    given: dict[str, Any] = {
        "base_url": f"http://127.0.0.1:{http_port}",
        "ws_url": f"ws://127.0.0.1:{ws_port}/realtime",
        "api_key": KEY,
        "api_secret": SECRET,
        "request_timeout": 0.5,
        "connect_timeout": 2.0,
        "retry_wait": 0.01,
        "reconnect_first": 0.02,
        "reconnect_at_most": 0.1,
    }
    return BitmexSettings(**(given | changes))


@asynccontextmanager
async def rig(*, connected: bool = True, **changes: Any) -> AsyncIterator[Rig]:
    http, ws = HttpServer(), WsServer()
    await http.start()
    await ws.start()
    venue = BitmexVenue(settings(http.port, ws.port, **changes), patient.Clock())
    made = Rig(http, ws, venue, [], [])
    try:
        if connected:
            await made.connect()
            http.requests.clear()
        yield made
    finally:
        await venue.close()
        await ws.stop()
        await http.stop()
        await asyncio.sleep(0)
