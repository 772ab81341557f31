"""A gateway that says what a test wants it to say: the wire format, an empty account, and no exchange.

For what a well-behaved simulator never does: corrections, lost links behind the gateway, half answers, noise.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from adapters.simulator.exchange.catalog import mbt
from adapters.simulator.tws import order_messages
from adapters.simulator.tws.contracts import IbContract
from adapters.simulator.tws.order_messages import MarginState, OrderFace
from adapters.simulator.tws.wire import frame as server_frame

ACCOUNT = "DU0000001"
CON_ID = 11
CONTRACT = (CON_ID, "MBT", "FUT", "20300628", 0, "", "0.1", "CME", "USD", "MBTM0", "MBT")
VERSION = 178

START_API, PLACE, CANCEL, EXECUTIONS, DETAILS, ALL_OPEN, TIME, POSITIONS, SUMMARY, COMPLETED, MARKET = (
    "71",
    "3",
    "4",
    "7",
    "9",
    "16",
    "49",
    "61",
    "62",
    "99",
    "1",
)

Answer = Callable[["ScriptedGateway", list[str]], None]


def frame(*fields: object) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


@dataclass
class ScriptedGateway:
    """``answers`` maps a message number to what it causes; ``heard`` keeps every message."""

    answers: dict[str, Answer] = field(default_factory=dict)
    heard: list[list[str]] = field(default_factory=list)
    next_id: int = 100
    port: int = 0
    writer: asyncio.StreamWriter | None = None
    connections: int = 0

    def __post_init__(self) -> None:
        usual: dict[str, Answer] = {
            START_API: lambda g, _: g.start_api(),
            DETAILS: lambda g, m: g.details(m[2]),
            ALL_OPEN: lambda g, _: g.say(53, 1),
            EXECUTIONS: lambda g, m: g.say(55, 1, m[2]),
            POSITIONS: lambda g, _: g.say(62, 1),
            COMPLETED: lambda g, _: g.say(102),
            TIME: lambda g, _: g.say(49, 1, 1795000000),
            MARKET: lambda g, m: g.quote(m[2]),
        }
        self.answers = usual | self.answers

    def say(self, *fields: object) -> None:
        if self.writer is not None:
            self.writer.write(frame(*fields))

    def say_raw(self, data: bytes) -> None:
        if self.writer is not None:
            self.writer.write(data)

    def hang_up(self) -> None:
        if self.writer is not None:
            self.writer.transport.abort()

    def start_api(self) -> None:
        self.say(15, 1, ACCOUNT)
        self.say(9, 1, self.next_id)

    def details(self, request_id: str) -> None:
        head = ["MBT", "FUT", "20300628", 0, "", "CME", "USD", "MBTM0", "MBT", "MBT", CON_ID, 5]
        middle = ["0.1", "", "CME", 1, 0, "Micro", "", "203006", "", "", "", "US/Central", "", "", "", 0, 0]
        self.say(10, request_id, *head, *middle, 1, "", "", "26", "20300628", "", 1, 1, 1)
        self.say(52, 1, request_id)

    def quote(self, request_id: str, bid: int = 100_000, ask: int = 100_005) -> None:
        self.say(1, 6, request_id, 1, bid, 7, 0)
        self.say(1, 6, request_id, 2, ask, 8, 0)

    def error(self, about: object, code: int, text: str) -> None:
        self.say(4, 2, about, code, text, "")

    def status(
        self, order_id: object, status: str, filled: int = 0, remaining: int = 5, perm_id: int = 900
    ) -> None:
        self.say(3, order_id, status, filled, remaining, 0, perm_id, 0, 0, 7, "", 0)

    def open_order(self, order_id: object, status: str, *, ref: str = "p1", client_id: int = 7) -> None:
        """Say that order (a buy of 5, permId 900) is open."""
        if self.writer is not None:
            self.writer.write(self.open_order_frame(order_id, status, ref=ref, client_id=client_id))

    def open_order_frame(
        self,
        order_id: object,
        status: str,
        what_if: MarginState | None = None,
        *,
        ref: str = "p1",
        client_id: int = 7,
    ) -> bytes:
        """Return the message; the simulator's encoder knows the 100 fields."""
        contract = IbContract(
            con_id=CON_ID,
            symbol="MBT",
            local_symbol="MBTM0",
            trading_class="MBT",
            multiplier=Decimal("0.1"),
            tick=Decimal(5),
            expiry=datetime(2030, 6, 28, 15, tzinfo=UTC),
            spec=mbt(2030, 6),
        )
        face = OrderFace(
            order_id=int(str(order_id)),
            client_id=client_id,
            perm_id=900,
            contract=contract,
            action="BUY",
            quantity=5,
            limit=Decimal(100_005),
            tif="GTC",
            good_till="",
            account=ACCOUNT,
            order_ref=ref,
            outside_rth=True,
            status=status,
            filled=0,
            remaining=5,
            average=Decimal(0),
            last=Decimal(0),
        )
        return server_frame(order_messages.open_order(VERSION, face, what_if))

    def execution(
        self,
        exec_id: str,
        quantity: int,
        *,
        order_id: object = 0,
        request_id: object = -1,
        ref: str = "p1",
        price: object = 100_005,
    ) -> None:
        tail = ["20261122 12:00:00 UTC", ACCOUNT, "CME", "BOT", quantity, price, 900, 7, 0, quantity, 0, ref]
        self.say(11, request_id, order_id, *CONTRACT, exec_id, *tail, "", "", "", 2, 0)

    def commission(self, exec_id: str, amount: str, currency: str = "USD") -> None:
        self.say(59, 1, exec_id, amount, currency, "", "", "")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.connections += 1
        try:
            await reader.readexactly(4)
            await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
            self.say(VERSION, "20261122 12:00:00 UTC")
            while True:
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                fields = (await reader.readexactly(size)).decode().split("\0")[:-1]
                self.heard.append(fields)
                answer = self.answers.get(fields[0])
                if answer is not None:
                    answer(self, fields)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    def orders(self) -> list[list[str]]:
        return [fields for fields in self.heard if fields[0] == PLACE]


@asynccontextmanager
async def scripted(**answers: Answer) -> AsyncIterator[ScriptedGateway]:
    """Serve a scripted gateway; keywords are the constants of this module, with another answer each."""
    gateway = ScriptedGateway({globals()[name]: answer for name, answer in answers.items()})
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        gateway.hang_up()
        await server.wait_closed()
        await asyncio.sleep(0)
